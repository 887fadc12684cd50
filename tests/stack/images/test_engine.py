"""The engine is asked by its own client, and what keeps it from working is one line.

`docker` is a script here that writes down what it is asked and answers from files.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stack.images.engine import LABEL_IMAGE, LABEL_RECIPE, Engine
from stack.images.failure import EngineAbsent, ImagesFailure

DOCKER = """\
#!/bin/sh
cd "$(dirname "$0")"
echo "$*" >>calls
case "$1" in
  version) cat version >&2; exit "$(cat version.status)" ;;
  buildx) exit "$(cat buildx.status)" ;;
  build) echo "BUILDKIT=$DOCKER_BUILDKIT INDEX=$PIP_INDEX_URL" >>calls
         cat build; exit "$(cat build.status)" ;;
  pull) cat pull; test -s pull.late && exec sleep 60
        cat pull.error >&2; exit "$(cat pull.status)" ;;
  image) cat inspect; cat inspect.error >&2; exit "$(cat inspect.status)" ;;
esac
"""
CLASSIC = """\
Step 4/6 : RUN install-packages /packages
 ---> Running in e66108faf10e
Setting up curl (8.14.1-2) ...
\x1b[91mdpkg: error processing package curl (--install):
\x1b[0m\x1b[91mErrors were encountered while processing:
\x1b[0m\x1b[91m curl
\x1b[0mRemoving intermediate container e66108faf10e
The command '/bin/sh -c install-packages /packages' returned a non-zero code: 1
"""
BUILDKIT = """\
#8 [installed 3/3] RUN install-packages /packages
#8 1.203 dpkg: error processing package curl (--install):
#8 ERROR: process "/bin/sh -c install-packages" did not complete successfully: exit code: 1
------
 > [installed 3/3] RUN install-packages /packages:
1.203 dpkg: error processing package curl (--install):
------
Dockerfile:9
--------------------
   8 |     COPY packages/ /packages/
   9 | >>> RUN install-packages /packages
--------------------
ERROR: failed to solve: process "/bin/sh -c install-packages" did not complete: exit code: 1
"""


class Docker:
    """The script, and what it answers with."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        program = directory / "docker"
        program.write_text(DOCKER)
        program.chmod(0o755)
        for name in ("version", "build", "pull", "pull.error", "pull.late", "inspect"):
            self.put(name, "")
        self.put("inspect.error", "")
        for name in ("version", "buildx", "build", "pull", "inspect"):
            self.put(f"{name}.status", "0")

    def put(self, name: str, text: str) -> None:
        (self._directory / name).write_text(text)

    @property
    def calls(self) -> list[str]:
        return (self._directory / "calls").read_text().splitlines()


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Docker:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return Docker(folder)


def build(tmp_path: Path, **arguments: str) -> None:
    Engine().build(
        tmp_path,
        dockerfile="Dockerfile",
        reference="postgres:17",
        arguments=arguments,
        labels={LABEL_IMAGE: "postgres", LABEL_RECIPE: "0123"},
        network=False,
        log=tmp_path / "postgres.log",
    )


def test_without_a_client_a_line_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineAbsent, match="docker is not on PATH; install one"):
        Engine().check()


def test_without_an_engine_a_line_says_how_to_start_it(docker: Docker) -> None:
    docker.put("version.status", "1")
    docker.put("version", "Cannot connect to the Docker daemon at unix:///var/run/docker.sock.")
    with pytest.raises(EngineAbsent, match=r"does not answer \(Cannot connect.*start it: sudo"):
        Engine().check()


def test_an_image_says_what_it_was_made_from(docker: Docker) -> None:
    labels = {LABEL_IMAGE: "postgres", LABEL_RECIPE: "0123"}
    docker.put("inspect", json.dumps([{"Id": "i", "Size": 5, "Config": {"Labels": labels}}]))
    image = Engine().image("postgres:17")
    assert image is not None
    assert (image.id, image.size_bytes) == ("i", 5)
    assert image.recipe("postgres") == "0123"
    assert image.recipe("base") is None


def test_an_image_without_labels_is_nobodys(docker: Docker) -> None:
    docker.put("inspect", json.dumps([{"Id": "i", "Size": 5, "Config": {"Labels": None}}]))
    image = Engine().image("postgres:17")
    assert image is not None
    assert image.recipe("postgres") is None


def test_an_image_that_is_not_there_is_none(docker: Docker) -> None:
    docker.put("inspect.status", "1")
    docker.put("inspect", "[]\n")
    docker.put("inspect.error", "Error response from daemon: No such image: postgres:17\n")
    assert Engine().image("postgres:17") is None


def test_another_answer_is_not_taken_for_an_absent_image(docker: Docker) -> None:
    docker.put("inspect.status", "1")
    docker.put("inspect.error", "Error: context deadline exceeded\n")
    with pytest.raises(ImagesFailure, match="inspect postgres:17: Error: context deadline"):
        Engine().image("postgres:17")


def test_a_build_is_named_labelled_and_without_network(docker: Docker, tmp_path: Path) -> None:
    build(tmp_path, PIP_INDEX_URL="user:password@index")
    (asked,) = [call for call in docker.calls if call.startswith("build ")]
    for part in (
        "--network none",
        "--force-rm",
        "--tag postgres:17",
        "--label alertproof.image=postgres",
        "--label alertproof.recipe=0123",
    ):
        assert part in asked
    # What may hold a password is for the client alone to see.
    assert "password" not in asked
    assert "BUILDKIT= INDEX=user:password@index" in docker.calls


def test_without_buildx_the_classic_builder_is_asked_for(docker: Docker, tmp_path: Path) -> None:
    docker.put("buildx.status", "1")
    build(tmp_path)
    assert "BUILDKIT=0 INDEX=" in docker.calls


@pytest.mark.parametrize("said", [CLASSIC, BUILDKIT], ids=["classic", "buildkit"])
def test_a_build_that_fails_says_what_its_step_said(
    docker: Docker, tmp_path: Path, said: str
) -> None:
    docker.put("build.status", "1")
    docker.put("build", said)
    with pytest.raises(ImagesFailure) as failed:
        build(tmp_path)
    assert "postgres:17 was not built: " in str(failed.value)
    assert "dpkg: error processing package curl (--install):; look: less" in str(failed.value)
    assert "\n" not in str(failed.value)


def test_an_image_is_pulled(docker: Docker) -> None:
    docker.put("pull", "17: Pulling from library/postgres\n")
    assert Engine().pull("postgres:17", answer_seconds=20, whole_seconds=20) is None


def test_a_registry_that_is_not_reached_is_told(docker: Docker) -> None:
    docker.put("pull.status", "1")
    docker.put("pull.error", "Error response from daemon: no such host\n")
    said = Engine().pull("postgres:17", answer_seconds=20, whole_seconds=20)
    assert said == "Error response from daemon: no such host"


@pytest.mark.parametrize("answer", ["", "17: Pulling from library/postgres\n"])
def test_a_registry_that_is_silent_or_slow_is_given_up(docker: Docker, answer: str) -> None:
    docker.put("pull.late", "yes")
    docker.put("pull", answer)
    whole = 0.2 if answer else 60
    said = Engine().pull("postgres:17", answer_seconds=20 if answer else 0.2, whole_seconds=whole)
    assert said is not None
    assert said.startswith("no answer within")
