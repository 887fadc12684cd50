"""The reference says what the code says: settings, metrics and log fields."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.guide import FILES, GUIDE, PRODUCTION
from tests.docs.reference import FIELDS, REFERENCE, ROOT, TABLE, TABLES

WRITTEN = {match["name"]: match["text"] for match in TABLE.finditer(REFERENCE.read_text())}

EVERY_FIELD = """
import flask, logging
from instrumentation import instrument
from instrumentation.logging_config import flush_logs

app = flask.Flask("shop")
instrument(app, user_id=lambda: "ann", log_file="app.log")

@app.get("/api/items")
def items():
    logging.getLogger("shop").warning("few are left", extra={"left": 1})
    logging.getLogger("shop").warning("x" * 100_000)
    return ""

@app.get("/broken")
def broken():
    raise LookupError("nothing")

for path in ("/api/items?page=2", "/broken", "/unknown"):
    app.test_client().get(path).close()
flush_logs(app)
"""


def test_every_table_is_there() -> None:
    assert WRITTEN.keys() == TABLES.keys()


@pytest.mark.parametrize("name", TABLES)
def test_a_table_says_what_the_code_says(name: str) -> None:
    made = TABLES[name]()
    assert WRITTEN[name] == made, "run: python -m tests.docs.reference"


def test_every_metric_that_a_guide_names_is_in_the_table_or_in_a_block_of_the_guides() -> None:
    known = set(re.findall(r"^\| `(\w+)`", WRITTEN["metrics"], re.M))
    made = re.findall(r"prefix\}_(\w+)", "".join(FILES.values()))
    known |= {f"softfactory_{name}" for name in made}
    for document in (GUIDE, PRODUCTION, REFERENCE):
        named = set(re.findall(r"`(softfactory_\w+)`", document.read_text()))
        assert named <= known, document


def test_the_log_has_the_fields_that_the_table_names_and_no_other(tmp_path: Path) -> None:
    settings = {
        "INSTRUMENT_SERVICE_VERSION": "1",
        "INSTRUMENT_ENVIRONMENT": "test",
        "INSTRUMENT_LOG_SAMPLE": "/api/items=1.0",
    }
    subprocess.run(
        [sys.executable, "-c", EVERY_FIELD],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), **settings},
        timeout=60,
        check=True,
    )
    records = [json.loads(line) for line in (tmp_path / "app.log").read_text().splitlines()]
    assert {name for record in records for name in record} == set(FIELDS)
    assert all(
        name in record for record in records for name, (kind, _) in FIELDS.items() if kind == "all"
    )
