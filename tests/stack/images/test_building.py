"""With a real engine: an image has its name once it is whole, and a killed build leaves nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stack.images.catalogue import BASE
from stack.images.engine import LABEL_IMAGE, Engine
from stack.images.failure import EngineAbsent
from stack.images.kitchen import Kitchen
from stack.images.making import Maker
from stack.images.recipe import Recipe
from stack.images.workplace import workplace
from stack.waiting import wait_until
from tests.stack.images.doubles import kitchen_with, plain

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[3]
WHOLE = 'FROM scratch\nLABEL alertproof.image={name}\nCOPY fetched /\nCMD ["{text}"]\n'
SLOW = """\
import sys
from pathlib import Path
from stack.images.engine import Engine
folder, reference = Path(sys.argv[1]), sys.argv[2]
Engine().build(folder, dockerfile="Dockerfile", reference=reference, arguments={}, labels={},
               network=False, log=folder / "log")
"""


@pytest.fixture
def engine() -> Engine:
    engine = Engine()
    try:
        engine.check()
    except EngineAbsent as absent:
        pytest.skip(str(absent))
    return engine


@pytest.fixture
def name(engine: Engine) -> Iterator[str]:
    """Yield an image's name that nobody has, and remove what has it in the end."""
    name = f"alertproof-test-{uuid.uuid4().hex[:12]}"
    yield name
    if engine.image(f"{name}:1") is not None:
        engine.remove(f"{name}:1")
    engine.sweep()


def unnamed(name: str) -> str:
    """Return the unnamed images that a build of `name` has left."""
    query = ("--filter", "dangling=true", "--filter", f"label={LABEL_IMAGE}={name}")
    command = ["docker", "image", "ls", "--quiet", *query]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def make(engine: Engine, name: str, directory: Path, text: str) -> tuple[str, str]:
    recipes: dict[str, Callable[[Kitchen], Recipe]] = {name: plain(name, text=text)}
    with workplace(directory) as place:
        kitchen = kitchen_with(engine, directory, [])
        (outcome,) = Maker(kitchen, place, recipes).make([name], pull=False)
    return outcome.state, outcome.note


def test_an_image_is_made_once_and_again_when_its_recipe_changes(
    engine: Engine, name: str, tmp_path: Path
) -> None:
    first = WHOLE.format(name=name, text="first")
    assert make(engine, name, tmp_path, first) == ("built", f"what {name} holds")
    made = engine.image(f"{name}:1")
    assert made is not None
    assert made.holds == f"what {name} holds"
    assert make(engine, name, tmp_path, first) == ("current", f"what {name} holds")
    assert make(engine, name, tmp_path, WHOLE.format(name=name, text="second"))[0] == "built"
    again = engine.image(f"{name}:1")
    assert again is not None
    assert again.id != made.id
    assert unnamed(name) == ""


def test_a_build_that_fails_gives_nothing_a_name_and_leaves_nothing(
    engine: Engine, name: str, tmp_path: Path
) -> None:
    text = WHOLE.format(name=name, text="") + "COPY missing /\n"
    state, note = make(engine, name, tmp_path, text)
    assert state == "failed"
    assert "was not built" in note
    assert engine.image(f"{name}:1") is None
    assert unnamed(name) == ""


@pytest.mark.parametrize("ended_by", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_build_leaves_no_container_and_no_name(
    engine: Engine, name: str, tmp_path: Path, ended_by: signal.Signals
) -> None:
    if engine.image(BASE) is None:
        pytest.skip(f"{BASE} is not there: nox -s images -- --only base")
    mark = f"sleep 600 # {name}"
    text = f"FROM {BASE}\nLABEL alertproof.image={name}\nRUN {mark}\n"
    (tmp_path / "Dockerfile").write_text(text)
    reference = f"{name}:1"
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW, str(tmp_path), reference], cwd=ROOT, env={**os.environ}
    )
    try:
        wait_until(lambda: _runs(mark), what="the build's step", timeout_seconds=60)
    finally:
        process.send_signal(ended_by)
        process.wait()
    wait_until(lambda: not _runs(mark), what="the end of the build's step", timeout_seconds=20)
    assert engine.image(reference) is None
    engine.sweep()
    assert unnamed(name) == ""


def _runs(mark: str) -> bool:
    """Tell from the containers, which the classic builder shows, and from the processes."""
    command = ["docker", "ps", "--all", "--no-trunc", "--format", "{{.Command}}"]
    containers = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    processes = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    started = f"/bin/sh -c {mark}"
    return mark in containers or started in processes.stdout.splitlines()
