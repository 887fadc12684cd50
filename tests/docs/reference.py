"""The tables of docs/instrumentation-reference.md, made from what the code itself says.

That of the log's fields is made from stack/elasticsearch/fields.yml.

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
from stack.logs.fields import load_fields

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
    field.name: (field.records, field.what)
    for field in load_fields().values()
    if field.records not in ("shipped", "an odd line")  # what the service itself never writes
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
