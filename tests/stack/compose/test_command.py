"""The commands do what they say with compose; what keeps them from it is one line with a remedy.

`docker` is a script here that writes down what it is asked and answers from files.
"""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from stack.compose import plugin
from stack.compose.command import main
from stack.compose.places import Places
from stack.compose.settings import SECRETS_VARIABLE, make_all
from stack.ports import reserve

ROOT = Path(__file__).resolve().parents[3]

DOCKER = """\
#!/bin/sh
cd "$(dirname "$0")"
echo "$*" >>calls
case "$*" in
  "compose version --short") cat version; exit "$(cat version.status)" ;;
  "version "*) cat engine >&2; exit "$(cat engine.status)" ;;
  "image inspect "*) for last; do :; done; grep -qxF "$last" absent && exit 1; cat labels ;;
  *" exec "*) exit 0 ;;
  *"--profile demo config --format json") cat config.demo ;;
  *" config --format json") cat config ;;
  *" ps --all --format json") cat ps ;;
  *" up "*) echo "$STACK_LEFT_OUT" >left_out; exit "$(cat up.status)" ;;
esac
"""


class Docker:
    """The script, and what it answers with."""

    def __init__(self, directory: Path, port: int) -> None:
        self._directory = directory
        program = directory / "docker"
        program.write_text(DOCKER)
        program.chmod(0o755)
        self.put(version="2.40.3\n", engine="", ps="", calls="", absent="", labels="null\n")
        self.statuses(version=0, engine=0, up=0)
        stays = {"restart": "unless-stopped"}
        base = {
            "prepare": {"image": "ours", "build": {}},
            "prometheus": {
                **stays,
                "image": "prometheus:3",
                "depends_on": {"prepare": {}},
                "ports": [{"target": 9090, "published": str(port)}],
            },
            "elasticsearch": {
                **stays,
                "image": "elasticsearch:8",
                "depends_on": {"prepare": {}},
            },
            "kibana": {**stays, "image": "kibana:8", "depends_on": {"elasticsearch": {}}},
        }
        demo = {
            "softfactory": {
                **stays,
                "image": "ours",
                "profiles": ["demo"],
                "depends_on": {"prepare": {}},
            }
        }
        self.put(config=json.dumps({"services": base}))
        self.put(**{"config.demo": json.dumps({"services": base | demo})})

    def put(self, **files: str) -> None:
        for name, text in files.items():
            (self._directory / name).write_text(text)

    def statuses(self, **codes: int) -> None:
        self.put(**{f"{name}.status": str(code) for name, code in codes.items()})

    def has(self, *containers: dict[str, Any]) -> None:
        self.put(ps="\n".join(json.dumps(one) for one in containers))

    @property
    def left_out(self) -> str:
        return (self._directory / "left_out").read_text().strip()

    @property
    def calls(self) -> list[str]:
        text = (self._directory / "calls").read_text()
        return [re.sub(r"compose --file \S+ ", "", line) for line in text.splitlines()]


def container(service: str, state: str = "running", **more: Any) -> dict[str, Any]:
    return {"Service": service, "State": state, "Health": "", "ExitCode": 0, **more}


@pytest.fixture
def port() -> int:
    with reserve() as reservation:
        return reservation.port


@pytest.fixture
def docker(tmp_path: Path, port: int, monkeypatch: pytest.MonkeyPatch) -> Docker:
    directory = tmp_path / "bin"
    directory.mkdir()
    monkeypatch.setenv("PATH", f"{directory}:/usr/bin:/bin")
    monkeypatch.delenv(SECRETS_VARIABLE, raising=False)
    monkeypatch.setenv("ALERTPROOF_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(plugin, "obstacle", lambda: "no archive is asked in a test")
    return Docker(directory, port)


@pytest.fixture
def places(tmp_path: Path) -> Places:
    room = tmp_path / "stack"
    (room / "compose").mkdir(parents=True)
    places = Places.of(room)
    places.compose_file.write_text("services: {}  # ${STACK_LEFT_OUT:-}\n")
    return places


@pytest.fixture
def made(places: Places, docker: Docker) -> Places:
    make_all(places)
    return places


def test_up_makes_the_secrets_starts_everything_waits_and_says_where_it_is(
    docker: Docker, places: Places, port: int, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["up"], places) == 0
    said = capfd.readouterr().out
    (started,) = [call for call in docker.calls if call.startswith("up ")]
    assert started == (
        "up --detach --build --wait --wait-timeout 900 elasticsearch kibana prepare prometheus"
    )
    assert "--profile * exec --no-TTY prometheus sh -c kill -HUP 1" in docker.calls
    assert f"http://127.0.0.1:{port}" in said
    assert "19 secrets" in said
    assert str(places.secrets / "slack_alerts_url") in said


def test_up_shows_no_password(
    docker: Docker, places: Places, capfd: pytest.CaptureFixture[str]
) -> None:
    main(["up"], places)
    main(["status"], places)
    shown = "".join(capfd.readouterr()) + "".join(docker.calls)
    secrets = [file.read_text().strip() for file in places.secrets.iterdir()]
    assert not any(secret in shown for secret in secrets if "UNSET" not in secret)


def test_up_with_the_demo_asks_for_its_profile(docker: Docker, made: Places) -> None:
    assert main(["up", "--demo"], made) == 0
    (started,) = [call for call in docker.calls if " up " in call]
    assert started.startswith("--profile demo up ")
    assert started.endswith(" softfactory")


def test_what_is_left_out_takes_along_what_needs_it(
    docker: Docker, made: Places, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["up", "--without", "elasticsearch", "--no-build"], made) == 0
    (started,) = [call for call in docker.calls if call.startswith("up ")]
    assert started.endswith("prepare prometheus")
    assert "--no-build" in started
    assert "stack: without elasticsearch, kibana\n" in capfd.readouterr().out


def test_nothing_else_is_signalled_where_the_watchers_are_left_out(
    docker: Docker, made: Places
) -> None:
    assert main(["up", "--without", "prometheus"], made) == 0
    assert not any(" exec " in call for call in docker.calls)


def test_no_signal_is_sent_by_the_engine_which_then_starts_nothing_again(
    docker: Docker, made: Places
) -> None:
    assert main(["up"], made) == 0
    assert not any("kill --signal" in call or call.startswith("kill") for call in docker.calls)


def test_what_has_no_image_and_can_not_be_pulled_is_left_out_with_what_needs_it(
    docker: Docker, made: Places, capfd: pytest.CaptureFixture[str]
) -> None:
    docker.put(absent="elasticsearch:8\n")
    assert main(["up"], made) == 0
    said = capfd.readouterr().out
    assert "--profile * pull --ignore-pull-failures elasticsearch" in docker.calls
    assert "stack: elasticsearch is left out: its image elasticsearch:8 is not here" in said
    assert "stack: without elasticsearch, kibana\n" in said
    (started,) = [call for call in docker.calls if call.startswith("up ")]
    assert started.endswith(" prepare prometheus")


def test_what_is_left_out_is_told_to_what_names_the_targets(docker: Docker, made: Places) -> None:
    assert main(["up", "--without", "elasticsearch"], made) == 0
    assert docker.left_out == "elasticsearch,kibana"
    assert "STACK_LEFT_OUT" not in made.env_file.read_text()


def test_nothing_is_pulled_of_what_is_there_or_is_left_out(docker: Docker, made: Places) -> None:
    docker.put(absent="kibana:8\n")
    assert main(["up", "--without", "kibana"], made) == 0
    assert not any("pull " in call for call in docker.calls)


def test_a_stand_in_of_elasticsearch_is_said_to_let_everybody_in(
    docker: Docker, made: Places, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["up"], made) == 0
    assert "without accounts" not in capfd.readouterr().out
    docker.put(labels='{"alertproof.recipe": "12ab"}')
    assert main(["up"], made) == 0
    assert "without accounts" in capfd.readouterr().out


def test_a_watcher_that_ended_is_not_done(
    docker: Docker, made: Places, capfd: pytest.CaptureFixture[str]
) -> None:
    docker.has(container("prepare", "exited"), container("prometheus", "exited"))
    assert main(["status"], made) == 1
    said = capfd.readouterr()
    assert re.search(r"prometheus +has ended, with status 0, and is not started again", said.out)
    assert "logs prometheus" in said.err


def failure(
    capfd: pytest.CaptureFixture[str], places: Places, *arguments: str, status: int = 1
) -> str:
    assert main(arguments, places) == status
    said = capfd.readouterr().err
    assert said.startswith("stack: ")
    assert said.count("\n") == 1, said
    return said


def test_without_docker_one_is_told_where_it_comes_from(
    places: Places, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(places.secrets))
    assert "docker is not on PATH; install" in failure(capfd, places, "up")
    assert not places.env_file.exists()


def test_without_compose_one_is_told_where_it_comes_from(
    docker: Docker, places: Places, capfd: pytest.CaptureFixture[str]
) -> None:
    docker.statuses(version=1)
    assert "docker has no Compose, and none can be fetched (no archive" in failure(
        capfd, places, "up"
    )


def test_an_old_compose_is_told_with_what_is_needed(
    docker: Docker, places: Places, capfd: pytest.CaptureFixture[str]
) -> None:
    docker.put(version="v2.17.2\n")
    assert "is v2.17.2, and 2.20 or newer" in failure(capfd, places, "up")


@pytest.mark.parametrize("command", ["up", "down", "status", "logs"])
def test_an_engine_that_does_not_run_is_told_with_how_to_start_it(
    docker: Docker, made: Places, capfd: pytest.CaptureFixture[str], command: str
) -> None:
    docker.statuses(engine=1)
    docker.put(engine="Cannot connect to the Docker daemon\n")
    assert "start it: sudo systemctl start docker" in failure(capfd, made, command)


def test_an_engine_that_lets_nobody_in_is_told_with_its_group(
    docker: Docker, made: Places, capfd: pytest.CaptureFixture[str]
) -> None:
    docker.statuses(engine=1)
    docker.put(engine="permission denied while trying to connect\n")
    assert "sudo usermod -aG docker" in failure(capfd, made, "status")


@pytest.mark.parametrize("command", ["down", "status", "logs", "config"])
def test_before_the_first_up_every_other_command_names_it(
    docker: Docker, places: Places, capfd: pytest.CaptureFixture[str], command: str
) -> None:
    assert "nox -s stack -- up makes it" in failure(capfd, places, command)
    assert not places.env_file.exists()


def test_a_port_that_is_taken_is_told_with_its_service_and_variable(
    docker: Docker, made: Places, port: int, capfd: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", port)):
        said = failure(capfd, made, "up")
        assert f"port {port} of prometheus is taken" in said
        assert "PROMETHEUS_PORT=" in said
        assert not any("up " in call for call in docker.calls)
        docker.has(container("prometheus", Publishers=[{"PublishedPort": port}]))
        assert main(["up"], made) == 0, "its own container is nobody else"


def test_env_that_others_may_read_is_refused(
    docker: Docker, made: Places, capfd: pytest.CaptureFixture[str]
) -> None:
    made.env_file.chmod(0o640)
    assert "chmod 600" in failure(capfd, made, "up")
    assert "chmod 600" in failure(capfd, made, "status")


def test_an_unknown_service_lists_the_known_ones(
    docker: Docker, made: Places, capfd: pytest.CaptureFixture[str]
) -> None:
    said = failure(capfd, made, "up", "--without", "graphana")
    assert "graphana" in said
    assert "elasticsearch, kibana, prepare, prometheus" in said


def test_a_start_that_fails_names_who_failed_and_where_it_says_why(
    docker: Docker, made: Places, capfd: pytest.CaptureFixture[str]
) -> None:
    docker.statuses(up=1)
    docker.has(
        container("kibana", "created"),
        container("elasticsearch", "running", Health="unhealthy"),
        container("prepare", "exited"),
    )
    said = failure(capfd, made, "up")
    assert "elasticsearch is unhealthy, kibana is created" in said
    assert said.endswith("nox -s stack -- logs elasticsearch\n")


def test_the_demo_is_not_left_running_without_being_scraped(
    docker: Docker, made: Places, capfd: pytest.CaptureFixture[str]
) -> None:
    docker.has(container("softfactory"))
    assert "nox -s stack -- up --demo" in failure(capfd, made, "up")
    assert main(["up", "--demo"], made) == 0


def test_status_tells_what_is_well_and_what_is_not(
    docker: Docker, made: Places, capfd: pytest.CaptureFixture[str]
) -> None:
    docker.has(container("prometheus", Health="healthy"), container("prepare", "exited"))
    assert main(["status"], made) == 0
    assert re.search(r"prepare +done\n +prometheus +healthy\n", capfd.readouterr().out)
    docker.has(container("prometheus", Health="unhealthy"), container("kibana", "restarting"))
    assert main(["status"], made) == 1
    said = capfd.readouterr()
    assert re.search(r"kibana +is restarting\n +prometheus +is unhealthy\n", said.out)
    assert "logs kibana prometheus" in said.err


def test_status_of_nothing_names_up(
    docker: Docker, made: Places, capfd: pytest.CaptureFixture[str]
) -> None:
    assert "nothing runs: nox -s stack -- up" in failure(capfd, made, "status")


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        (["down"], "--profile * down"),
        (["down", "--volumes"], "--profile * down --volumes"),
        (["logs", "kibana"], "--profile * logs --tail 100 kibana"),
        (["logs", "--follow", "--tail", "5"], "--profile * logs --tail 5 --follow"),
        (["config"], "config"),
        (["config", "--demo"], "--profile demo config"),
    ],
    ids=" ".join,
)
def test_a_command_asks_compose_for_what_it_is_called(
    docker: Docker, made: Places, given: list[str], asked: str
) -> None:
    assert main(given, made) == 0
    assert docker.calls[-1] == asked


def test_help_teaches_and_needs_python_alone() -> None:
    command = [sys.executable, "-S", "-m", "stack.compose", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    for word in ("up", "down", "status", "logs", "config", "stack/.env", "exit status"):
        assert word in done.stdout
