"""A server is read from what a person gave, or refused in one line, and its token is its own."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests
import trustme

from stack.clients import AlertmanagerClient, PrometheusClient, PrometheusError
from stack.clients.failure import failure_of
from stack.clients.server import Server, read_watcher
from stack.logs.connection import Connection, SettingsError
from stack.settings import given_by

TOKEN = "s3cr3t-token-of-nobody"
URL = "https://prometheus.shop.io"
VECTOR = {"result": [{"metric": {}, "value": [1.0, "1"]}]}
ANSWERS = {
    "/api/v1/query": {"status": "success", "data": VECTOR},
    "/api/v1/rules": {"status": "success", "data": {"groups": []}},
    "/api/v2/alerts": [],
    "/_cluster/health": {"status": "green"},
}


@contextmanager
def guarded(authority: trustme.CA | None = None, token: str = TOKEN) -> Iterator[str]:
    """Answer whoever shows the token; over TLS where there is an authority."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            let_in = not token or self.headers["Authorization"] == f"Bearer {token}"
            body = json.dumps(ANSWERS[self.path.partition("?")[0]]).encode()
            self.send_response(200 if let_in else 401)
            self.send_header("X-Elastic-Product", "Elasticsearch")
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None: ...

    class Quiet(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None: ...  # who does not believe it, hangs up

    with Quiet(("127.0.0.1", 0), Handler) as server:
        if authority:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            authority.issue_cert("127.0.0.1").configure_cert(context)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http{'s' if authority else ''}://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def read(**options: object) -> Server | None:
    return read_watcher(given_by(options, {}), "prometheus")


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text(f"{TOKEN}\n")
    return path


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> Path:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


# --- what was given


def test_all_three_are_read_together(token_file: Path, ca_file: Path) -> None:
    found = read(prometheus_url=f"{URL}/", prometheus_token_file=token_file, ca_file=ca_file)
    assert found == Server(url=URL, token=TOKEN, ca_file=ca_file)


def test_an_option_wins_over_its_variable_and_what_is_empty_was_not_given(token_file: Path) -> None:
    environment = {
        "ALERTPROOF_PROMETHEUS_URL": "https://of-the-environment.io",
        "ALERTPROOF_PROMETHEUS_TOKEN_FILE": str(token_file),
        "ALERTPROOF_CA_FILE": "",
    }
    given = given_by({"prometheus_url": URL, "prometheus_token_file": None}, environment)
    assert read_watcher(given, "prometheus") == Server(url=URL, token=TOKEN)
    assert read_watcher(given, "alertmanager") is None


def test_a_token_goes_to_this_machine_unencrypted_and_to_no_other(token_file: Path) -> None:
    assert read(prometheus_url="http://127.0.0.1:9090", prometheus_token_file=token_file)
    assert read(prometheus_url="http://prometheus.io")
    with pytest.raises(SettingsError, match=r"--prometheus-token-file: .* unencrypted") as told:
        read(prometheus_url="http://prometheus.io", prometheus_token_file=token_file)
    assert TOKEN not in str(told.value)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"prometheus_url": "prometheus:9090"}, "--prometheus-url: 'prometheus:9090' is no add"),
        ({"prometheus_url": f"https://me:{TOKEN}@a.io"}, "--prometheus-url: the address holds a"),
        ({"prometheus_token_file": "/none"}, "--prometheus-token-file: can't read /none: No such"),
        ({"prometheus_token_file": "/"}, "--prometheus-token-file: can't read /: Is a directory"),
        ({"ca_file": "/none"}, "--ca-file: can't use /none: No such file"),
        ({"ca_file": __file__}, f"--ca-file: can't use {__file__}: "),
    ],
)
def test_what_cannot_be_used_is_one_line_that_names_its_option(
    options: dict[str, object], says: str
) -> None:
    with pytest.raises(SettingsError) as told:
        read(**{"prometheus_url": URL, **options})
    assert str(told.value).startswith(says)
    assert "\n" not in str(told.value)
    assert TOKEN not in str(told.value)


@pytest.mark.parametrize("content", ["", "\n", f"{TOKEN}\n{TOKEN}", f"{TOKEN}\u00e9"])
def test_a_token_that_no_header_takes_is_named_by_its_file_and_never_shown(
    tmp_path: Path, content: str
) -> None:
    path = tmp_path / "token"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(SettingsError, match=f"^--prometheus-token-file: {path} ") as told:
        read(prometheus_url=URL, prometheus_token_file=path)
    assert TOKEN not in str(told.value)


def test_a_token_is_shown_by_nothing() -> None:
    server = Server(url=URL, token=TOKEN)
    assert TOKEN not in f"{server!r}{server}{replace(server, url='http://a.io')!r}"


def test_a_url_is_a_server_that_asks_for_nothing() -> None:
    assert Server.at("http://127.0.0.1:9090/") == Server(url="http://127.0.0.1:9090")
    server = Server(url=URL, token=TOKEN)
    assert Server.at(server) is server


# --- what is asked


def test_clients_show_the_token_and_who_does_not_is_told_so_without_it() -> None:
    with guarded() as url:
        server = Server(url=url, token=TOKEN)
        assert AlertmanagerClient(server).alerts() == ()
        assert PrometheusClient(server).query("up")[0].value == 1.0
        assert PrometheusClient(server).rules().rules == ()
        for token in ("", "another"):
            with pytest.raises(PrometheusError, match="401") as told:
                PrometheusClient(replace(server, token=token)).rules()
            assert "a file gives its token" in failure_of(told.value, 1.0).look
            with pytest.raises(PrometheusError, match="401") as told:
                PrometheusClient(replace(server, token=token)).query("up")
            assert "a file gives its token" in failure_of(told.value, 1.0).look


def test_what_evaluates_the_rules_is_shown_its_own_token() -> None:
    with guarded() as url, guarded(token="of-the-rules") as rules_url:
        server = Server(url=url, token=TOKEN)
        rules = Server(url=rules_url, token="of-the-rules")
        client = PrometheusClient(server, rules=rules)
        assert client.rules().rules == ()
        assert client.query("up")
        with pytest.raises(PrometheusError, match="401"):
            PrometheusClient(server, rules=rules_url).rules()


def test_a_private_authority_is_believed_by_every_client(
    authority: trustme.CA, ca_file: Path
) -> None:
    with guarded(authority) as url:
        server = Server(url=url, token=TOKEN, ca_file=ca_file)
        assert AlertmanagerClient(server).alerts() == ()
        client = PrometheusClient(server)
        assert client.query("up")[0].value == 1.0  # by the library, which has ways of its own
        assert client.rules().rules == ()
    with guarded(authority, token="") as url:
        connection = Connection(urls=(url,), ca_file=ca_file)
        with connection.client() as elasticsearch:
            assert elasticsearch.cluster.health()["status"] == "green"


def test_without_the_authority_nobody_is_asked_and_its_option_is_named(
    authority: trustme.CA, tmp_path: Path
) -> None:
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "other.pem"))
    with guarded(authority) as url:
        for ca_file in (None, tmp_path / "other.pem"):
            server = Server(url=url, token=TOKEN, ca_file=ca_file)
            for ask in (
                lambda: PrometheusClient(server).query("up"),  # noqa: B023 (called at once)
                lambda: PrometheusClient(server).rules(),  # noqa: B023
            ):
                with pytest.raises(PrometheusError) as told:
                    ask()
                assert failure_of(told.value, 1.0).look == "--ca-file names the authority"


def test_a_certificate_of_another_name_is_not_believed(
    authority: trustme.CA, ca_file: Path
) -> None:
    with guarded(authority) as url:
        server = Server(url=url.replace("127.0.0.1", "localhost"), ca_file=ca_file)
        with pytest.raises(requests.exceptions.SSLError):
            server.session().get(server.url, timeout=5)
