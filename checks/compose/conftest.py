"""The compose stack that these checks judge, brought up once and taken away with its data."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from scenarios.capabilities import COMPOSE, compose_with
from scenarios.terminal import sayer
from stack.compose.places import Places
from stack.compose.plugin import find_compose
from stack.compose.trial import TrialStack
from stack.compose.trial.parts import Part, parts_of
from stack.compose.trial.presence import EXTRAS
from stack.images import Engine, image_of, missing, stand_in
from stack.tools import ToolSettings

ROOT = Path(__file__).resolve().parents[2]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one test a service, of those that stay, where a check asks for one."""
    if "service" not in metafunc.fixturenames:
        return
    marker = metafunc.definition.get_closest_marker("services")
    apart = marker.kwargs["but"] if marker else ()
    metafunc.parametrize(
        "service", [_parameter(part) for part in _parts() if part.service not in apart]
    )


def pytest_configure(config: pytest.Config) -> None:
    """Tell of the marker by which a check takes less than all services."""
    config.addinivalue_line("markers", "services(but): one test a service, but for these")


def _parts() -> tuple[Part, ...]:
    file = Places.here().compose_file
    return tuple(
        part for part in parts_of(file.read_text(encoding="utf-8"), file.name) if not part.ends
    )


def _parameter(part: Part) -> ParameterSet:
    needs = [compose_with(image) for image in EXTRAS if image in part.images]
    marks = [pytest.mark.requires(name) for name in needs or [COMPOSE]]
    return pytest.param(part.service, id=part.service, marks=marks)


@pytest.fixture(scope="session")
def stack(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TrialStack]:
    """The stack with the demo, less what the engine has no image for; every service healthy."""
    _renew()
    compose = find_compose(ToolSettings.from_env(), sayer(request.config))
    absent = set(missing(Engine(), EXTRAS))
    out = [part.service for part in _parts() if part.images & absent]
    directory = tmp_path_factory.mktemp("compose")
    with TrialStack(directory, compose, leave_out=out) as trial:
        yield trial


def _renew() -> None:
    """Have the toolkit's image hold the files of this clone, where it was made by the toolkit."""
    if not stand_in(image_of("softfactory")):
        return
    command = [sys.executable, "-m", "stack.images", "--only", "softfactory"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip())
