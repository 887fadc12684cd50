"""What can't be told ends in one line, and in a status that says which kind it is."""

from __future__ import annotations

import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from stack.baseline.command import main
from stack.ports import reserve


def test_a_prometheus_that_does_not_answer_is_unknown_in_one_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with reserve() as port:  # reserved, and nobody listens
        status = main(["--prometheus-url", f"http://{port.address}", "--timeout-seconds", "1"])
    told = capsys.readouterr()
    assert status == 3
    assert told.out == ""
    assert told.err == (
        f"baseline: UNKNOWN: http://{port.address} can't be asked: connection refused; "
        f"look: curl http://{port.address}/-/ready\n"
    )


def test_a_prometheus_that_does_not_answer_in_time_is_unknown_in_one_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections, and says nothing
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        status = main(["--prometheus-url", url, "--timeout-seconds", "0.2"])
    assert status == 3
    (line,) = capsys.readouterr().err.splitlines()
    assert "no answer within 0.2 s" in line


@pytest.mark.parametrize(
    "wrong",
    [
        ["--days", "0"],
        ["--days", "x"],
        ["--days", "1e12"],
        ["--least-hours", "inf"],
        ["--most-a-month", "-1"],
        ["--no-such-option"],
    ],
)
def test_a_wrong_command_line_is_refused(
    wrong: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(wrong)
    assert end.value.code == 2
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("url", ["127.0.0.1:9090", "http://me:s3cret@127.0.0.1:9090"])
def test_what_is_no_address_is_refused(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--prometheus-url", url]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("baseline: --prometheus-url: ")
    assert "s3cret" not in line


def test_days_that_hold_no_moment_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with HTTPServer(("127.0.0.1", 0), Empty) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        status = main(["--prometheus-url", url, "--days", "0.0001", "--step-seconds", "60"])
        server.shutdown()
        thread.join()
    assert status == 2
    assert capsys.readouterr().err == (
        "baseline: --days: a span of 8.64 s holds no step of 60 s; ask for more\n"
    )


def test_an_alert_that_is_not_there_names_those_that_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--alert", "NoSuchAlert"]) == 2
    assert "known: AlertDeliveryFailing" in capsys.readouterr().err


def test_a_rules_file_that_is_none_is_refused_with_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = tmp_path / "rules.yml"
    rules.write_text("groups:\n  - name: g\n    rules:\n      - alert: A\n        expr: 'a >'\n")
    assert main(["--rules", str(rules)]) == 2
    assert f"{rules}:5" in capsys.readouterr().err
    assert main(["--rules", str(tmp_path / "none.yml")]) == 2
    assert "none.yml" in capsys.readouterr().err


class Empty(BaseHTTPRequestHandler):
    """A Prometheus that knows of nothing."""

    def do_GET(self) -> None:
        body = b'{"status":"success","data":{"resultType":"matrix","result":[]}}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *_: object) -> None:
        """Say nothing."""


class Guarded(BaseHTTPRequestHandler):
    """What stands before a Prometheus: it lets nobody in who has not the token."""

    seen: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.seen.append(self.headers.get("Authorization", ""))
        body = b'{"status":"error"}'
        self.send_response(401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *_: object) -> None:
        """Say nothing."""


def test_a_token_is_shown_and_never_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    token = tmp_path / "token"
    token.write_text("s3cret-token\n")
    with HTTPServer(("127.0.0.1", 0), Guarded) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        status = main(["--prometheus-url", url, "--prometheus-token-file", str(token)])
        server.shutdown()
        thread.join()
    told = capsys.readouterr()
    assert status == 3
    assert set(Guarded.seen) == {"Bearer s3cret-token"}
    assert "it answers 401: it asks who is asking" in told.err
    assert "s3cret" not in told.err + told.out


def test_a_token_is_sent_to_no_other_machine_unencrypted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    token = tmp_path / "token"
    token.write_text("s3cret-token\n")
    url = "http://prometheus.example:9090"
    assert main(["--prometheus-url", url, "--prometheus-token-file", str(token)]) == 2
    told = capsys.readouterr().err
    assert f"would go to {url} unencrypted; use https" in told
    assert "s3cret" not in told


def test_a_file_of_a_token_or_an_authority_that_is_not_there_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for option in ("--prometheus-token-file", "--ca-file"):
        assert main([option, str(tmp_path / "none")]) == 2
        assert str(tmp_path / "none") in capsys.readouterr().err


def test_the_help_teaches(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    told = capsys.readouterr().out
    for word in ("examples:", "exit status:", "NOISY", "git apply"):
        assert word in told
