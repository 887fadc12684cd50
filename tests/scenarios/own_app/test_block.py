"""A settings block is understood as written, or refused in one line that names file and key."""

from __future__ import annotations

from pathlib import Path

import pytest

from scenarios.own_app.block import BlockError, read_block

FULL = """
[tool.alertproof]
app = "shop.wsgi:create_app"
locustfile = "load.py"
time-scale = 30
require = ["own-disk"]
pythonpath = ["src"]
environment = { SHOP_DATABASE = "{directory}/shop.db" }
unauthorized = "GET /orders"
backup = "backups/shop.db"

[tool.alertproof.database]
file = "shop.db"
reads = "GET /products"

[tool.alertproof.journey]
"GET /products" = 5
"POST /orders" = 1

[tool.alertproof.metrics]
path = "/metrics"
requests = "shop_requests_total"
latency = "shop_seconds"
labels = { status = "code" }

[tool.alertproof.receivers]
warning = ["slack #alerts"]
"""


def write(folder: Path, text: str) -> Path:
    (folder / "pyproject.toml").write_text(text)
    return folder


def test_every_key_is_read_and_paths_are_those_of_the_project(tmp_path: Path) -> None:
    (tmp_path / "load.py").touch()
    (tmp_path / "src").mkdir()
    block = read_block(write(tmp_path, FULL))
    assert block.app == "shop.wsgi:create_app"
    assert block.locustfile == tmp_path / "load.py"
    assert block.pythonpath == ((tmp_path / "src").resolve(),)
    assert block.time_scale == 30
    assert block.journey == {"GET /products": 5, "POST /orders": 1}
    assert block.database is not None
    assert block.database.reads == "GET /products"
    assert block.metrics is not None
    assert block.metrics.labels == {"status": "code"}
    assert block.receivers == {"warning": frozenset({"slack #alerts"})}


def test_a_project_without_a_file_or_without_a_block_asks_for_nothing(tmp_path: Path) -> None:
    assert read_block(tmp_path).app is None
    assert read_block(write(tmp_path, "[project]\nname = 'x'\n")).app is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[tool.alertproof]\nap = 'x:y'\n", "unknown key 'ap'; known: alertmanager-config, app,"),
        ("[tool.alertproof]\napp = 1\n", "tool.alertproof.app: expected a text, got 1"),
        ("[tool.alertproof]\nlocustfile = 'no.py'\n", "locustfile: expected a file that is there"),
        ("[tool.alertproof]\npythonpath = ['no']\n", "pythonpath: expected a folder that is there"),
        ("[tool.alertproof]\ntime-scale = 0.5\n", "time-scale: expected a number from 1"),
        ("[tool.alertproof]\ntime-scale = true\n", "time-scale: expected a number from 1"),
        ("[tool.alertproof]\nstack = 'moon'\n", "stack: expected one of embedded"),
        ("[tool.alertproof]\nenvironment = { A = 8 }\n", "environment.A: expected a text"),
        ("[tool.alertproof]\nbackup = '/etc/x'\n", "backup: expected a path below the instance's"),
        ("[tool.alertproof]\nbackup = '../x'\n", "backup: expected a path below the instance's"),
        ("[tool.alertproof.journey]\n'products' = 1\n", "expected a request like 'GET /products'"),
        ("[tool.alertproof.journey]\n'GET /' = 0\n", "expected a whole number from 1"),
        ("[tool.alertproof.database]\nfile = 'x.db'\n", "lacks the key 'reads'"),
        (
            "[tool.alertproof.database]\nfile = 'x.db'\nreads = 'POST /x'\n",
            "reads: expected a GET request",
        ),
        ("[tool.alertproof.metrics]\nrequests = 'x'\n", "metrics.path: expected the path of the"),
        (
            "[tool.alertproof.metrics]\npath = '/m'\nlabels = { code = 'c' }\n",
            "[tool.alertproof.metrics.labels] has an unknown key 'code'; known: endpoint, method",
        ),
        (
            "[tool.alertproof.metrics]\npath = '/m'\nlatency-unit = 'hours'\n",
            "latency-unit: expected seconds or milliseconds",
        ),
        ("[tool]\nalertproof = 3\n", "tool.alertproof: expected a table, got 3"),
        ("[tool.alertproof\n", "pyproject.toml: "),
    ],
)
def test_what_can_not_be_meant_is_refused_by_file_and_key(
    text: str, says: str, tmp_path: Path
) -> None:
    with pytest.raises(BlockError) as refused:
        read_block(write(tmp_path, text))
    message = str(refused.value)
    assert message.startswith(str(tmp_path / "pyproject.toml"))
    assert says in message
    assert "\n" not in message
