"""`kibana import` speaks Kibana's import API, and a failure is one line that says what to do.

Kibana itself is not to be had here: the double accepts what Kibana's documentation asks for
(`kbn-xsrf`, a multipart `file` that ends in .ndjson, who asks) and refuses everything else.
"""

from __future__ import annotations

import argparse
import email
import http.server
import json
import threading
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from stack.logs.connection import SettingsError
from stack.logs.kibana import add_arguments, run
from stack.logs.kibana.importing import ImportRefused, import_objects
from stack.logs.kibana.objects import load_objects, to_ndjson
from stack.logs.kibana.settings import DEFAULT_URL, KibanaSettings
from stack.ports import reserve

USER, PASSWORD, API_KEY = "ann", "s3cret-of-ann", "aWQ6a2V5"
KNOWN = {f"Basic {b64encode(f'{USER}:{PASSWORD}'.encode()).decode()}", f"ApiKey {API_KEY}"}


class Kibana(http.server.ThreadingHTTPServer):
    """Imports what it is sent, if it is sent as Kibana's API says."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.objects: dict[str, dict[str, object]] = {}
        self.paths: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Kibana

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        where = urlsplit(self.path)
        self.server.paths.append(where.path)
        if self.headers.get("Authorization") not in KNOWN:
            return self.answer(401, {"statusCode": 401, "message": "[security_exception]: no"})
        if "kbn-xsrf" not in self.headers:
            return self.answer(400, {"message": "Request must contain a kbn-xsrf header."})
        if not where.path.endswith("/api/saved_objects/_import"):
            return self.answer(404, {"statusCode": 404, "message": "Not Found"})
        head = f"Content-Type: {self.headers['Content-Type']}\n\n".encode()
        (part,) = email.message_from_bytes(head + body).get_payload()
        if part.get_param("name", header="content-disposition") != "file":
            return self.answer(400, {"message": "[request body.file]: expected value"})
        if not part.get_filename().endswith(".ndjson"):
            return self.answer(400, {"message": "Invalid file extension"})
        given = [json.loads(line) for line in part.get_payload(decode=True).splitlines()]
        errors = [
            {
                "id": one["id"],
                "type": one["type"],
                "error": {"type": "missing_references", "references": missing},
            }
            for one in given
            if (missing := self.missing(one, given))
        ]
        if parse_qs(where.query).get("overwrite") != ["true"]:
            conflicts = [one for one in given if one["id"] in self.server.objects]
            errors += [
                {"id": one["id"], "type": one["type"], "error": {"type": "conflict"}}
                for one in conflicts
            ]
        failed = {error["id"] for error in errors}
        taken = [one for one in given if one["id"] not in failed]
        self.server.objects |= {one["id"]: one for one in taken}
        answer = {"success": not errors, "successCount": len(taken)}
        return self.answer(200, {**answer, **({"errors": errors} if errors else {})})

    def missing(self, one: dict, given: list[dict]) -> list[dict]:
        there = {(other["type"], other["id"]) for other in given}
        return [used for used in one["references"] if (used["type"], used["id"]) not in there]

    def answer(self, status: int, said: dict[str, object]) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(said).encode())

    def log_message(self, format: str, *args: object) -> None:
        return


@pytest.fixture
def kibana() -> Iterator[Kibana]:
    server = Kibana()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("URL", "API_KEY_FILE", "USER", "PASSWORD_FILE", "CA_FILE"):
        monkeypatch.delenv(f"KIBANA_{name}", raising=False)


def command(action: str) -> int:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return run(parser.parse_args([action]))


def test_the_command_imports_every_object_and_again_in_place_of_them(
    kibana: Kibana,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "key").write_text(f"{API_KEY}\n")
    monkeypatch.setenv("KIBANA_URL", f"{kibana.url}/")
    monkeypatch.setenv("KIBANA_API_KEY_FILE", str(tmp_path / "key"))
    for _ in range(2):
        assert command("import") == 0
        said = f"imported {len(load_objects())} objects into {kibana.url}\n"
        assert capsys.readouterr() == (said, "")
    assert kibana.objects.keys() == {one.id for one in load_objects()}


def test_a_user_and_a_space_are_those_of_the_settings(kibana: Kibana, tmp_path: Path) -> None:
    (tmp_path / "password").write_text(PASSWORD)
    settings = KibanaSettings.from_env(
        {
            "KIBANA_URL": f"{kibana.url}/s/operations",
            "KIBANA_USER": USER,
            "KIBANA_PASSWORD_FILE": str(tmp_path / "password"),
        }
    )
    assert import_objects(settings, to_ndjson(load_objects())).count == len(load_objects())
    assert kibana.paths == ["/s/operations/api/saved_objects/_import"]
    assert PASSWORD not in repr(settings)


def test_print_writes_what_import_sends(capsys: pytest.CaptureFixture[str]) -> None:
    assert command("print") == 0
    assert capsys.readouterr().out.encode() == to_ndjson(load_objects())


def test_a_kibana_that_is_not_there_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with reserve() as held:
        monkeypatch.setenv("KIBANA_URL", f"http://127.0.0.1:{held.port}")
        assert command("import") == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"kibana: http://127.0.0.1:{held.port}/api/saved_objects/_import did not")
    assert "_import did not answer: [Errno 111] Connection refused; set KIBANA_URL" in err
    assert err.count("\n") == 1


def test_an_authority_that_can_not_be_used_is_named_and_nobody_is_asked(tmp_path: Path) -> None:
    missing = tmp_path / "ca.pem"
    with pytest.raises(SettingsError) as told:
        KibanaSettings.from_env({"KIBANA_CA_FILE": str(missing)})
    assert str(told.value).startswith(f"KIBANA_CA_FILE: can't use {missing}: No such file")


def test_a_stranger_is_told_which_settings_say_who_asks(kibana: Kibana) -> None:
    with pytest.raises(ImportRefused, match=r"401: \[security_exception\]: no; set KIBANA_API_KEY"):
        import_objects(KibanaSettings(url=kibana.url), b"")


def test_what_kibana_refuses_is_named_with_what_it_misses(kibana: Kibana) -> None:
    without_view = [one for one in load_objects() if one.type != "index-pattern"]
    with pytest.raises(ImportRefused) as refused:
        import_objects(
            KibanaSettings(url=kibana.url, basic_auth=(USER, PASSWORD)), to_ndjson(without_view)
        )
    said = "search softfactory-errors: missing_references (index-pattern softfactory-logs)"
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_another_server_is_not_taken_for_a_kibana(kibana: Kibana) -> None:
    settings = KibanaSettings(url=f"{kibana.url}/elsewhere?", api_key=API_KEY)
    with pytest.raises(ImportRefused, match="answered 404: Not Found"):
        import_objects(settings, b"")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"KIBANA_USER": "ann"}, "KIBANA_USER and KIBANA_PASSWORD_FILE go together"),
        ({"KIBANA_URL": "kibana:5601"}, f"is no URL; it should be like {DEFAULT_URL}"),
        ({"KIBANA_URL": "http://a:b@kibana"}, "put it into KIBANA_PASSWORD_FILE"),
        ({"KIBANA_API_KEY_FILE": "/nowhere/key"}, "KIBANA_API_KEY_FILE: can't read /nowhere/key"),
    ],
    ids=["no password", "no URL", "password in the URL", "no key file"],
)
def test_a_setting_that_cannot_be_used_is_named(given: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        KibanaSettings.from_env(given)


def test_a_secret_that_is_empty_is_named(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("\n")
    with pytest.raises(SettingsError, match="is empty; put the secret into it"):
        KibanaSettings.from_env({"KIBANA_API_KEY_FILE": str(tmp_path / "key")})


def test_nothing_set_is_a_kibana_on_this_machine_without_users() -> None:
    assert KibanaSettings.from_env({}) == KibanaSettings(url=DEFAULT_URL)
