"""A setting that can't be used is named without its secret; a node that is down is passed over."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from elasticsearch import ConnectionError

from stack.logs.connection import DEFAULT_URL, Connection, SettingsError
from stack.logs.kibana.settings import KibanaSettings
from stack.ports import LOOPBACK, reserve
from tests.stack.logs.answering import Answering

ROOT = Path(__file__).resolve().parents[3]
FROM_ENV: dict[str, Callable[[dict[str, str]], Connection | KibanaSettings]] = {
    "ELASTICSEARCH": Connection.from_env,
    "KIBANA": KibanaSettings.from_env,
}


@pytest.fixture(params=FROM_ENV)
def server(request: pytest.FixtureRequest) -> str:
    """Whose settings they are."""
    return str(request.param)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty; put the secret into it"),
        (b" \n\n", "is empty; put the secret into it"),
        (b"\xff\xfe\x00hunter", "more than one line of printable ASCII"),
        (b"hun\nter", "more than one line of printable ASCII"),
        (b"hun\r\nter", "more than one line of printable ASCII"),
        (b"hun\tter", "more than one line of printable ASCII"),
        ("hünter".encode(), "more than one line of printable ASCII"),
        (b"\xef\xbb\xbfhunter", "more than one line of printable ASCII"),
        (b"\x85hunter", "more than one line of printable ASCII"),
    ],
)
@pytest.mark.parametrize("name", ["API_KEY", "PASSWORD"])
def test_a_secret_that_no_header_takes_is_named_and_never_shown(
    server: str, name: str, content: bytes, says: str, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.write_bytes(content)
    given = {f"{server}_{name}_FILE": str(file)}
    if name == "PASSWORD":
        given[f"{server}_USER"] = "me"
    with pytest.raises(SettingsError, match=rf"^{server}_{name}_FILE: {file} .*{says}") as refused:
        FROM_ENV[server](given)
    assert "ter" not in str(refused.value).replace(str(file), "")


@pytest.mark.parametrize("path", ["/nowhere", "/", "nul\0byte"], ids=ascii)
def test_a_secret_file_that_is_none_is_named(server: str, path: str) -> None:
    with pytest.raises(SettingsError, match=f"^{server}_API_KEY_FILE: can't read"):
        FROM_ENV[server]({f"{server}_API_KEY_FILE": path})


def test_a_secret_ends_before_its_lines_end(server: str, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("a2V5OnNlY3JldA==\n")
    (tmp_path / "password").write_text("two words!\r\n")
    with_key = FROM_ENV[server]({f"{server}_API_KEY_FILE": str(tmp_path / "key")})
    assert with_key.api_key == "a2V5OnNlY3JldA=="
    password = str(tmp_path / "password")
    with_user = FROM_ENV[server]({f"{server}_USER": "me", f"{server}_PASSWORD_FILE": password})
    assert with_user.basic_auth == ("me", "two words!")
    assert "words" not in repr(with_user)


@pytest.mark.parametrize("user", ["m\u00e9", "m\ne"], ids=ascii)
def test_a_user_that_no_header_takes_is_refused(server: str, user: str, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("secret")
    password = str(tmp_path / "password")
    with pytest.raises(SettingsError, match=f"{server}_USER .* is not printable ASCII"):
        FROM_ENV[server]({f"{server}_USER": user, f"{server}_PASSWORD_FILE": password})


@pytest.mark.parametrize(
    "url",
    [
        "http://me:hidden@127.0.0.1:9200",
        "http://hidden@127.0.0.1:9200",
        "http://me:hid/den@127.0.0.1:9200",
        "http://me:hid,den@127.0.0.1:9200",
        "http://[me:hidden@127.0.0.1:9200",
        "http://127.0.0.1:9200,http://me:hidden@127.0.0.1:9201",
        "me:hidden@127.0.0.1",
    ],
)
def test_a_url_that_holds_a_secret_is_refused_without_showing_it(server: str, url: str) -> None:
    with pytest.raises(SettingsError, match=f"^{server}_URL holds .*{server}_PASSWORD_FILE") as no:
        FROM_ENV[server]({f"{server}_URL": url})
    assert "hid" not in str(no.value)
    assert "den" not in str(no.value)


def test_an_authority_that_can_not_be_used_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=f"ELASTICSEARCH_CA_FILE: can't use {tmp_path}/ca.pem"):
        Connection.from_env({"ELASTICSEARCH_CA_FILE": str(tmp_path / "ca.pem")})


def test_an_environment_without_any_setting_is_not_the_real_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ELASTICSEARCH_URL", "http://elsewhere:9200")
    assert Connection.from_env({}).urls == (DEFAULT_URL,)
    assert Connection.from_env().urls == ("http://elsewhere:9200",)


class Empty(Answering, BaseHTTPRequestHandler):
    """A node without any record."""

    asked: list[str]

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.asked.append(self.path)
        answer = {"hits": {"total": {"value": 0}, "hits": []}}
        self.answer(200, answer)


@contextmanager
def an_empty_node() -> Iterator[tuple[str, list[str]]]:
    asked: list[str] = []
    with ThreadingHTTPServer((LOOPBACK, 0), type("Handler", (Empty,), {"asked": asked})) as node:
        threading.Thread(target=node.serve_forever, daemon=True).start()
        try:
            yield f"http://{LOOPBACK}:{node.server_port}", asked
        finally:
            node.shutdown()


@contextmanager
def a_silent_node() -> Iterator[str]:
    """A node that takes connections and answers nothing, as one that hangs."""
    with socket.create_server((LOOPBACK, 0)) as listening:
        yield f"http://{LOOPBACK}:{listening.getsockname()[1]}"


def search(client: Any) -> int:
    return int(client.search(index="any")["hits"]["total"]["value"])


def test_who_passes_over_is_answered_while_one_node_is_left() -> None:
    with an_empty_node() as (url, asked), a_silent_node() as silent, reserve() as gone:
        down = f"http://{LOOPBACK}:{gone.port}"
        for urls in [(url, down, silent), (down, silent, url), (silent, url, down)]:
            connection = Connection(urls=urls, timeout_seconds=0.2)
            with connection.client(passes_over=True) as client:
                assert search(client) == 0
        assert len(asked) == 3


def test_each_node_is_asked_once_and_by_itself_a_client_repeats_nothing() -> None:
    asked: list[str] = []

    class Failing(Empty):
        def do_POST(self) -> None:
            asked.append(self.path)
            self.close_connection = True  # without an answer, as a node that is killed

    with ThreadingHTTPServer((LOOPBACK, 0), Failing) as node:
        threading.Thread(target=node.serve_forever, daemon=True).start()
        url = f"http://{LOOPBACK}:{node.server_port}"
        urls = (url, f"{url}/second", f"{url}/third")
        for passes_over, times in ((False, 1), (True, 3)):
            asked.clear()
            connection = Connection(urls=urls)
            with (
                connection.client(passes_over=passes_over) as client,
                pytest.raises(ConnectionError),
            ):
                search(client)
            assert len(asked) == times
        node.shutdown()


@pytest.mark.parametrize("round_", range(3))
def test_a_command_passes_over_a_node_that_is_down_without_a_word(round_: int) -> None:
    with an_empty_node() as (url, asked), reserve() as gone:
        urls = f"http://{LOOPBACK}:{gone.port},{url}"
        done = subprocess.run(
            [sys.executable, "-m", "stack.logs", "find"],
            cwd=ROOT,
            env={"ELASTICSEARCH_URL": urls},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.stderr.startswith("logs: no record at all in softfactory-logs-*")
    assert done.stderr.count("\n") == 1
    assert len(asked) == 2
