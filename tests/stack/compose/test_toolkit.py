"""The toolkit's image: what is copied into it is enough for what it runs, and holds no secret."""

from __future__ import annotations

import fnmatch
import json
import re
import shutil
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import PackageNotFoundError, packages_distributions, requires, version
from pathlib import Path
from typing import Any

import pytest

from stack.compose import accounts, answers
from stack.compose.accounts import ACCOUNTS
from tests.stack.compose import house

ROOT = Path(__file__).resolve().parents[3]
SERVICE = ROOT / "stack/compose/service"
DOCKERFILE = (SERVICE / "Dockerfile").read_text()
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
IGNORED = (SERVICE / "Dockerfile.dockerignore").read_text().splitlines()
REQUIREMENTS = {
    line
    for line in (SERVICE / "requirements.txt").read_text().splitlines()
    if line and not line.startswith("#")
}
COPIED = [
    tuple(line.split()[1:])
    for line in DOCKERFILE.splitlines()
    if line.startswith("COPY") and "--from" not in line and "requirements" not in line
]
RUN = [
    ["instrumentation.demo", "serve", "--help"],
    ["instrumentation.demo.gateway", "--help"],
    ["stack.logs", "ship", "--help"],
    ["stack.logs", "setup", "--help"],
    ["stack.logs", "kibana", "--help"],
    ["stack.compose.prepare", "--help"],
]
ONLY = """\
import runpy, sys
class Only:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {absent!r}:
            raise ModuleNotFoundError(f"{{name}} is not in the image", name=name)
sys.meta_path.insert(0, Only())
import instrumentation.demo.app, stack.compose.accounts, stack.logs.shipping.shipper
import stack.logs.shipping.metrics, psycopg
sys.argv = {argv!r}
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""


def distribution(requirement: str) -> str:
    found = re.match(r"[\w.-]+", requirement)
    assert found is not None
    return found[0].lower()


def brought(names: set[str]) -> set[str]:
    """Return these distributions with all that they bring along."""
    found: set[str] = set()
    while more := names - found:
        found |= more
        here = filter(installed, more)
        needed = [one for name in here for one in requires(name) or () if "extra ==" not in one]
        names = {distribution(each) for each in needed}
    return found


def installed(name: str) -> bool:
    """Tell whether it is here: some are asked for by other systems alone."""
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True


@lru_cache
def absent() -> set[str]:
    """Return the modules of the project's dependencies that the image has not."""
    extras = PYPROJECT["optional-dependencies"].values()
    everything = {
        distribution(each)
        for each in [*PYPROJECT["dependencies"], *(one for extra in extras for one in extra)]
    }
    out = everything - brought({distribution(each) for each in REQUIREMENTS})
    return {
        module
        for module, names in packages_distributions().items()
        if {name.lower() for name in names} <= out
    }


def test_each_requirement_is_one_of_the_projects() -> None:
    optional = PYPROJECT["optional-dependencies"]
    known = {*PYPROJECT["dependencies"], *optional["postgresql"], *optional["certificates"]}
    assert known >= REQUIREMENTS


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy what the Dockerfile copies."""
    app = tmp_path_factory.mktemp("app")
    for source, target in COPIED:
        for path in sorted(ROOT.glob(source)):
            into = app / target
            if path.is_dir():
                shutil.copytree(path, into, dirs_exist_ok=True)
            else:
                into.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, into)
    return app


@pytest.mark.parametrize("arguments", RUN, ids=" ".join)
def test_what_is_copied_runs_with_the_images_packages_alone(
    image: Path, arguments: list[str]
) -> None:
    program = ONLY.format(absent=absent(), argv=arguments)
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=image)
    assert done.returncode == 0, done.stderr
    assert "usage:" in done.stdout


def test_a_package_that_the_image_lacks_is_missed() -> None:
    assert {"locust", "pytest", "prometheus_api_client"} <= absent()
    program = ONLY.format(absent=absent(), argv=["stack.clients.prometheus"])
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert "is not in the image" in done.stderr


def test_no_secret_can_be_copied_and_none_is_sent_to_the_builder() -> None:
    secret = "stack/compose/secrets/elastic_password"
    for source, _ in COPIED:
        assert not fnmatch.fnmatch(secret, f"{source.rstrip('/')}/*"), source
        assert not secret.startswith(f"{source.rstrip('*')}/"), source
        assert source not in (".", "./", "stack", "stack/", "stack/compose", "stack/compose/")
    assert IGNORED[1] == "*"
    admitted = [line[1:] for line in IGNORED if line.startswith("!")]
    assert not any(Path(secret).is_relative_to(each) for each in admitted)
    assert not any(Path("stack/.env").match(each) for each in admitted)


def test_everything_that_is_copied_is_sent_to_the_builder() -> None:
    admitted = {line[1:] for line in IGNORED if line.startswith("!")}
    assert {source.rstrip("/") for source, _ in COPIED} <= admitted


def test_it_runs_as_a_user_on_a_base_that_can_be_replaced() -> None:
    assert re.search(r"^USER 10001:10001$", DOCKERFILE, re.M)
    assert re.findall(r"^FROM (\S+)", DOCKERFILE, re.M) == ["${PYTHON_IMAGE}"] * 2
    found = re.search(r"^ARG PYTHON_IMAGE=(\S+)$", DOCKERFILE, re.M)
    assert found is not None
    assert f"${{PYTHON_IMAGE:-{found[1]}}}" in house.COMPOSE_FILE.read_text()


def test_its_version_is_the_projects() -> None:
    tag = re.search(r"softfactory/alertproof:([\d.]+)\}", house.COMPOSE_FILE.read_text())
    assert tag is not None
    assert tag[1] == PYPROJECT["version"]


Asked = list[tuple[str, str, Any]]


@pytest.fixture
def node() -> Iterator[tuple[str, Asked]]:
    """Yield an address that takes everything, and what it was asked."""
    asked: Asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(503 if self.path == "/unwell" else 200)
            self.end_headers()

        def do_PUT(self) -> None:
            length = int(self.headers["Content-Length"])
            asked.append((self.command, self.path, json.loads(self.rfile.read(length))))
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("X-Elastic-Product", "Elasticsearch")
            self.end_headers()
            self.wfile.write(b"{}")

        do_POST = do_PUT  # noqa: N815 - http.server calls it so

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"127.0.0.1:{server.server_port}", asked
        server.shutdown()
        thread.join()


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    for name in ("kibana_system", "logstash", "log_shipper", "log_reader", "elastic"):
        (tmp_path / f"{name}_password").write_text(f"password-of-{name}\n")
    return tmp_path


def test_each_account_gets_its_password_and_its_privileges_on_the_logs_alone(
    node: tuple[str, Asked],
    secrets: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    address, asked = node
    monkeypatch.setenv("ELASTICSEARCH_URL", f"http://{address}")
    monkeypatch.setenv("ELASTICSEARCH_USER", "elastic")
    monkeypatch.setenv("ELASTICSEARCH_PASSWORD_FILE", str(secrets / "elastic_password"))
    assert accounts.main(secrets) == 0
    said = {path: body for _, path, body in asked}
    kibana = said["/_security/user/kibana_system/_password"]
    assert kibana == {"password": "password-of-kibana_system"}
    for account in ACCOUNTS:
        user = said[f"/_security/user/{account.name}"]
        assert user == {"password": f"password-of-{account.name}", "roles": [account.name]}
        role = said[f"/_security/role/{account.name}"]
        assert [one["names"] for one in role["indices"]] == [["softfactory-logs-*"]]
    assert "password" not in capsys.readouterr().out


@pytest.fixture
def openly() -> Iterator[str]:
    """Yield the address of a node that has no security, and says so as one does."""

    class Handler(BaseHTTPRequestHandler):
        said = "no handler found for uri [/_security] and method [PUT]"

        def do_PUT(self) -> None:
            body = json.dumps({"error": self.said}).encode()
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(400)
            self.send_header("Content-Type", "application/json")
            self.send_header("X-Elastic-Product", "Elasticsearch")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_PUT  # noqa: N815 - http.server calls it so

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_node_without_security_is_told_in_one_line_and_is_no_failure(
    openly: str,
    secrets: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("ELASTICSEARCH_URL", openly)
    assert accounts.main(secrets) == 0
    said = capsys.readouterr().out
    assert "has no security" in said
    assert said.count("\n") == 1


def test_a_node_that_refuses_a_password_for_another_reason_is_a_failure() -> None:
    assert not accounts.has_no_security(ValueError("no handler found for uri"))


def test_who_writes_may_not_read_and_who_reads_may_not_write() -> None:
    may = {account.name: {*account.cluster, *account.indices} for account in ACCOUNTS}
    writing = {"create_doc", "create_index"}
    assert may["log_shipper"] == writing
    assert may["logstash"] == writing | {"monitor"}
    assert may["log_reader"] == {"read", "view_index_metadata"}


def test_a_node_that_is_not_there_is_one_line_without_a_password(
    secrets: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ELASTICSEARCH_URL", "http://127.0.0.1:9")
    assert accounts.main(secrets) == 1
    said = capsys.readouterr().err
    assert said.startswith("accounts: no Elasticsearch at http://127.0.0.1:9")
    assert "password-of" not in said


def test_a_password_that_is_not_there_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert accounts.main(tmp_path) == 1
    assert "kibana_system_password" in capsys.readouterr().err


def test_what_answers_well_is_healthy_and_nothing_else(node: tuple[str, Asked]) -> None:
    address, _ = node
    assert answers.answers(f"http://{address}/well") is None
    assert answers.answers(f"tcp://{address}") is None
    assert "answered 503" in str(answers.answers(f"http://{address}/unwell"))
    assert "refused" in str(answers.answers("tcp://127.0.0.1:9"))
    assert "refused" in str(answers.answers("http://127.0.0.1:9/"))
