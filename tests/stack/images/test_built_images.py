"""The stand-ins have the users, ports and entry points of the official images, and do their work.

They are not built here: `nox -s images` does that.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from stack.images import Engine, EngineAbsent, image_of, stand_in
from stack.waiting import NotYet, wait_until

pytestmark = pytest.mark.integration

TIMEOUT_SECONDS = 60.0
LOCKED = ("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges:true")
"""As the compose file starts them."""


def docker(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["docker", *arguments], capture_output=True, text=True, check=check, timeout=TIMEOUT_SECONDS
    )


@pytest.fixture(scope="module")
def engine() -> Engine:
    engine = Engine()
    try:
        engine.check()
    except EngineAbsent as absent:
        pytest.skip(str(absent))
    return engine


@pytest.fixture
def reference(engine: Engine, name: str) -> str:
    """Return the reference of a stand-in that is there."""
    reference = image_of(name)
    if not stand_in(reference, engine):
        pytest.skip(f"{reference} is no stand-in that is there: nox -s images -- --only {name}")
    return reference


@contextlib.contextmanager
def running(reference: str, *options: str, command: tuple[str, ...] = ()) -> Iterator[str]:
    """Start a container with a name of its own; remove it and its volumes at the end."""
    name = f"alertproof-test-{uuid.uuid4().hex[:12]}"
    docker("run", "--detach", "--name", name, *options, reference, *command)
    try:
        yield name
    finally:
        docker("rm", "--force", "--volumes", name)


def config(reference: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(docker("image", "inspect", reference).stdout)[0]["Config"]
    return found


def within(reference: str, command: str) -> str:
    return docker("run", "--rm", "--entrypoint", "sh", reference, "-c", command).stdout.strip()


@pytest.mark.parametrize(
    ("name", "user", "ports", "entry_point", "volumes"),
    [
        ("prometheus", "nobody", {"9090/tcp"}, ["/bin/prometheus"], {"/prometheus"}),
        ("alertmanager", "nobody", {"9093/tcp"}, ["/bin/alertmanager"], {"/alertmanager"}),
        ("postgres", "", {"5432/tcp"}, ["docker-entrypoint.sh"], {"/var/lib/postgresql/data"}),
        (
            "elasticsearch",
            "1000:0",
            {"9200/tcp", "9300/tcp"},
            ["docker-entrypoint.sh"],
            set(),
        ),
        ("softfactory", "10001:10001", {"8000/tcp"}, None, set()),
    ],
)
def test_it_declares_what_the_official_image_does(
    reference: str,
    user: str,
    ports: set[str],
    entry_point: list[str] | None,
    volumes: set[str],
) -> None:
    declared = config(reference)
    assert declared["User"] == user
    assert set(declared["ExposedPorts"]) == ports
    assert declared.get("Entrypoint") == entry_point
    assert set(declared.get("Volumes") or ()) == volumes


@pytest.mark.parametrize(
    ("name", "asked", "answer"),
    [
        ("prometheus", "id -u", "65534"),
        ("prometheus", "for p in prometheus promtool; do command -v $p; done | wc -l", "2"),
        ("prometheus", "ls /bin/prometheus /bin/promtool", "/bin/prometheus\n/bin/promtool"),
        ("alertmanager", "id -u", "65534"),
        ("alertmanager", "ls /bin/alertmanager /bin/amtool", "/bin/alertmanager\n/bin/amtool"),
        ("postgres", "id -u postgres; id -g postgres", "999\n999"),
        ("postgres", "for p in psql pg_dump pg_isready; do command -v $p; done | wc -l", "3"),
        ("elasticsearch", "id -u; id -g", "1000\n0"),
        ("elasticsearch", "command -v curl", "/usr/bin/curl"),
        ("softfactory", "id -u; id -g", "10001\n10001"),
    ],
)
def test_inside_it_is_as_in_the_official_image(reference: str, asked: str, answer: str) -> None:
    assert within(reference, asked) == answer


@pytest.mark.parametrize(
    ("name", "ready"),
    [
        ("prometheus", ["promtool", "check", "ready", "--url=http://127.0.0.1:9090"]),
        ("alertmanager", ["amtool", "--alertmanager.url=http://127.0.0.1:9093", "cluster", "show"]),
    ],
)
def test_it_runs_without_privileges_and_passes_composes_health_check(
    reference: str, name: str, ready: list[str]
) -> None:
    with running(reference, *LOCKED) as container:
        _wait_for(container, *ready)


@pytest.mark.parametrize("name", ["softfactory"])
def test_the_services_image_is_small_and_runs_what_drills_need(reference: str) -> None:
    image = Engine().image(reference)
    assert image is not None
    assert image.size_bytes < 250e6
    within(reference, "python3 -c 'import gunicorn, psycopg, cryptography'")
    for module in ("instrumentation.fleet", "stack.logs ship", "instrumentation.demo.gateway"):
        assert "usage:" in within(reference, f"python3 -m {module} --help")
    within(reference, "python3 -c 'from instrumentation.demo.app import create_app'")


PASSWORD = "a 'quoted' pass\\word"
POSTGRES = (
    *("--user", "999:999", "--env", "POSTGRES_USER=softfactory", "--env", "POSTGRES_DB=service"),
    *("--env", "POSTGRES_PASSWORD_FILE=/tmp/secret/password"),
    *("--env", "POSTGRES_INITDB_ARGS=--auth=scram-sha-256"),
    *("--env", "PGDATA=/var/lib/postgresql/data/pgdata"),
    *("--tmpfs", "/var/run/postgresql:mode=1777,size=16m"),
)


@pytest.fixture
def secret(engine: Engine) -> Iterator[str]:
    """Yield a volume with a password that user 999 alone may read, and a place for data."""
    volume = f"alertproof-test-{uuid.uuid4().hex[:12]}"
    docker("volume", "create", volume)
    try:
        reference = image_of("postgres")
        put = 'printf "%s\\n" "$P" >/s/password; chown -R 999:999 /s; chmod 0400 /s/password'
        entry = ("--entrypoint", "sh", "--env", f"P={PASSWORD}", "--volume", f"{volume}:/s")
        docker("run", "--rm", "--user", "0", *entry, reference, "-c", put)
        yield volume
    finally:
        docker("volume", "rm", "--force", volume)


@pytest.mark.parametrize("name", ["postgres"])
def test_postgresql_takes_the_password_of_its_file_and_no_other(
    reference: str, secret: str
) -> None:
    options = (*LOCKED, *POSTGRES, "--volume", f"{secret}:/tmp/secret:ro")
    with running(reference, *options) as container:
        _wait_for(container, "pg_isready", "-q", "-h", "127.0.0.1", "-d", "service")
        assert _asked(container, "service", PASSWORD).stdout.strip() == "softfactory"
        refused = _asked(container, "service", "wrong")
        assert "password authentication failed" in refused.stderr
        assert "no password supplied" in _asked(container, "service", "").stderr
        # By the socket too, as POSTGRES_INITDB_ARGS asks for it.
        by_socket = _asked(container, "service", "wrong", host="/var/run/postgresql")
        assert "password authentication failed" in by_socket.stderr
        # A start later it is the same database.
        _asked(container, "service", PASSWORD, "CREATE TABLE kept ()")
        docker("restart", "--time", "20", container)
        _wait_for(container, "pg_isready", "-q", "-h", "127.0.0.1", "-d", "service")
        assert (
            _asked(
                container,
                "service",
                PASSWORD,
                "SELECT 'there' FROM pg_class WHERE relname = 'kept'",
            ).stdout.strip()
            == "there"
        )


@pytest.mark.parametrize("name", ["postgres"])
def test_a_database_that_was_left_unfinished_is_made_anew(reference: str, secret: str) -> None:
    spoil = (
        "mkdir -p $PGDATA/unfinished/base; touch $PGDATA/half; exec docker-entrypoint.sh postgres"
    )
    options = (*POSTGRES, "--volume", f"{secret}:/tmp/secret:ro", "--entrypoint", "sh")
    with running(reference, *options, command=("-c", spoil)) as container:
        _wait_for(container, "pg_isready", "-q", "-h", "127.0.0.1", "-d", "service")
        assert _asked(container, "service", PASSWORD).stdout.strip() == "softfactory"
        left = docker("exec", container, "ls", "/var/lib/postgresql/data/pgdata").stdout.split()
        assert not {"unfinished", "half"} & set(left)


@pytest.mark.parametrize("name", ["postgres"])
@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "the superuser postgres has no password; set POSTGRES_PASSWORD_FILE"),
        (("--env", "POSTGRES_PASSWORD_FILE=/nowhere"), "user 999 cannot read /nowhere"),
        (
            ("--env", "POSTGRES_PASSWORD=a", "--env", "POSTGRES_PASSWORD_FILE=/etc/passwd"),
            "both POSTGRES_PASSWORD and POSTGRES_PASSWORD_FILE are set; unset one of them",
        ),
    ],
    ids=["none", "unreadable", "two"],
)
def test_postgresql_is_not_made_without_exactly_one_password(
    reference: str, options: tuple[str, ...], said: str
) -> None:
    done = docker("run", "--rm", *options, reference, check=False)
    assert done.returncode == 1
    assert said in done.stderr


@pytest.mark.parametrize("name", ["postgres"])
def test_postgresql_leaves_files_that_are_not_its_own(reference: str) -> None:
    spoil = "touch $PGDATA/mine; exec docker-entrypoint.sh postgres"
    entry = ("--env", "POSTGRES_PASSWORD=a", "--entrypoint", "sh")
    done = docker("run", "--rm", *entry, reference, "-c", spoil, check=False)
    assert done.returncode == 1
    assert "has files and no database" in done.stderr


@pytest.mark.parametrize("name", ["elasticsearch"])
def test_elasticsearch_takes_settings_of_its_environment_and_says_what_it_ignores(
    reference: str,
) -> None:
    given = (
        *("--env", "discovery.type=single-node", "--env", "cluster.name=softfactory-logs"),
        *("--env", 'node.attr.said=a "b\\c', "--env", "ES_JAVA_OPTS=-Xms256m -Xmx256m"),
        *("--env", "xpack.security.enabled=true", "--env", "ELASTIC_PASSWORD_FILE=/nowhere"),
        *("--env", "ingest.geoip.downloader.enabled=false"),
    )
    locked = ("--cap-drop", "ALL", "--security-opt", "no-new-privileges:true")
    with running(reference, *locked, *given) as container:
        health = "http://127.0.0.1:9200/_cluster/health?wait_for_status=yellow&timeout=4s"
        _wait_for(container, "curl", "-fsS", "-o", "/dev/null", health)
        nodes = json.loads(
            docker("exec", container, "curl", "-s", "http://127.0.0.1:9200/_nodes").stdout
        )
        (node,) = nodes["nodes"].values()
        assert nodes["cluster_name"] == "softfactory-logs"
        assert node["attributes"]["said"] == 'a "b\\c'
        assert "-Xmx256m" in node["jvm"]["input_arguments"]
        log = docker("logs", container).stdout
        (line,) = [one for one in log.splitlines() if "stand-in" in one]
        for ignored in ("xpack.security", "ELASTIC_PASSWORD_FILE", "ingest.geoip.downloader"):
            assert ignored in line


def _wait_for(container: str, *command: str) -> None:
    def answers() -> bool:
        done = docker("exec", container, *command, check=False)
        if done.returncode == 0:
            return True
        state = docker("inspect", "--format", "{{.State.Running}}", container).stdout.strip()
        if state != "true":
            logs = docker("logs", container)
            pytest.fail(f"{container} ended: {logs.stdout[-500:]} {logs.stderr[-500:]}")
        raise NotYet(done.stderr.strip() or f"{command[0]} answered {done.returncode}")

    wait_until(
        answers, what=" ".join(command), timeout_seconds=TIMEOUT_SECONDS, interval_seconds=0.1
    )


def _asked(
    container: str,
    database: str,
    password: str,
    sql: str = "SELECT current_user",
    host: str = "127.0.0.1",
) -> subprocess.CompletedProcess[str]:
    client = ("psql", "-h", host, "-U", "softfactory", "-d", database, "-Atqw", "-c", sql)
    return docker("exec", "--env", f"PGPASSWORD={password}", container, *client, check=False)
