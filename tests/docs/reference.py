"""The tables of docs/instrumentation-reference.md, made from what the code itself says.

    python -m tests.docs.reference

writes them into the document; a test compares them, so that neither can change alone.
"""

from __future__ import annotations

import logging
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path

from instrumentation.settings import InstrumentSettings, variable

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "docs" / "instrumentation-reference.md"
TABLE = re.compile(
    r"(?P<begin><!-- table (?P<name>[\w-]+) -->\n)(?P<text>.*?)(?P<end><!-- end -->)", re.S
)
PREFIX = "softfactory"


def settings_table() -> str:
    """Every setting, by its variable."""
    rows = [
        (f"`{variable(one)}`", _default(one.default), one.metadata["says"])
        for one in fields(InstrumentSettings)
    ]
    return table(("variable", "default", "what"), rows)


def metrics_table() -> str:
    """Every metric of a service that uses all there is, as one process exposes it."""
    code = "from tests.docs.reference import _print_metrics; _print_metrics()"
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("INSTRUMENT_", "PROMETHEUS_", "PYTEST"))
    }
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**environment, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def fields_table() -> str:
    """Every field that a log record can have, and what it says."""
    return table(("field", "in", "what"), [(f"`{name}`", *said) for name, said in FIELDS.items()])


FIELDS: Mapping[str, tuple[str, str]] = {
    "@timestamp": ("all", "when, in UTC with a `Z`"),
    "log.level": ("all", "in lower case"),
    "log.logger": ("all", "the logger's name; `instrumentation.request` for finished requests"),
    "message": ("all", "the message; `GET /api/items 200` for a finished request"),
    "event.id": ("all", "one of a kind: two lines with the same id are one record"),
    "process.pid": ("all", "the worker"),
    "process.thread.name": ("all", "the thread"),
    "ecs.version": ("all", "of the Elastic Common Schema, whose names these are"),
    "service.name": ("all", "`INSTRUMENT_SERVICE_NAME`, else the application's name"),
    "service.version": ("all", "`INSTRUMENT_SERVICE_VERSION`, where it is set"),
    "service.environment": ("all", "`INSTRUMENT_ENVIRONMENT`, where it is set"),
    "request_id": ("a request's", "as in the response's `X-Request-Id`"),
    "trace.id": ("a request's", "as in the request's `traceparent`, else a new one"),
    "span.id": ("a request's", "this service's part of the trace"),
    "http.request.method": ("a request's", "as the client sent it"),
    "url.path": ("a request's", "the path, without its query"),
    "user.id": ("a request's", "what your `user_id` said, hashed where there is a key"),
    "url.query": ("a finished request", "secret parameters hidden"),
    "http.route": ("a finished request", "the route's template; absent where none matched"),
    "http.response.status_code": ("a finished request", "what the client saw"),
    "http.response.body.bytes": ("a finished request", "bytes of the body"),
    "event.duration": ("a finished request", "until the last byte, in nanoseconds"),
    "latency_ms": ("a finished request", "the same in milliseconds"),
    "event.sample_rate": ("a finished request", "the share of its route that is logged"),
    "error.type": ("a failure", "the exception's class"),
    "error.message": ("an exception", "its text"),
    "error.stack_trace": ("an exception", "its traceback"),
    "extra": ("a caller's `extra=`", "what has none of the names above"),
    "log.truncated": ("a cut record", "`true`"),
    "log.original_bytes": ("a cut record", "how long it was"),
}
"""What the records of `tests/docs/test_reference.py` are compared with."""


def _print_metrics() -> None:
    """Make the metrics table from a service in a process of its own."""
    import trustme
    from flask import Flask
    from sqlalchemy import create_engine

    from instrumentation import instrument
    from instrumentation.database import watch_engine
    from instrumentation.database_probe import watch_database

    logging.raiseExceptions = False
    with tempfile.TemporaryDirectory() as folder:
        app = Flask("shop", static_folder=None)
        secret = Path(folder) / "fault-secret"
        secret.write_text("f" * 64)
        secret.chmod(0o600)
        certificate = Path(folder) / "shop.pem"
        trustme.CA().cert_pem.write_to_path(certificate)
        settings = InstrumentSettings(fault_secret_file=secret, certificate_files=(certificate,))
        one = instrument(app, settings=settings, prefix=PREFIX, log_file=Path(folder) / "app.log")
        app.add_url_rule("/api/items", view_func=lambda: "")
        watch_engine(one, create_engine("sqlite://"))
        watch_database(one, lambda: None)
        one.served_by(16)
        one.start()
        rows = []
        for family in one.exposition.families():
            labels: dict[str, None] = {}
            for sample in family.samples:
                labels.update(dict.fromkeys(label for label in sample.labels if label != "le"))
            name = f"{family.name}_total" if family.type == "counter" else family.name
            rows.append(
                (
                    f"`{name}`",
                    family.type,
                    ", ".join(f"`{label}`" for label in labels),
                    family.documentation,
                )
            )
        sys.stdout.write(table(("metric", "type", "labels", "what"), sorted(rows)))
        sys.stdout.flush()


TABLES = {"settings": settings_table, "metrics": metrics_table, "log-fields": fields_table}


def _default(value: object) -> str:
    match value:
        case None | ():
            return "none"
        case bool():
            return "yes" if value else "no"
        case tuple():
            return f"`{','.join(f'{edge:g}' if edge < 1e6 else str(int(edge)) for edge in value)}`"
        case float():
            return f"{value:g}"
    return str(value)


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(map(_escaped, line))} |\n" for line in lines)


def _escaped(cell: str) -> str:
    return cell.replace("|", r"\|").replace("<", r"\<")


def main() -> None:
    """Write each table between its markers."""
    text = REFERENCE.read_text()
    REFERENCE.write_text(TABLE.sub(lambda m: f"{m['begin']}{TABLES[m['name']]()}{m['end']}", text))


if __name__ == "__main__":
    main()
