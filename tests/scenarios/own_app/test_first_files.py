"""What ``init`` writes is valid, says what it guessed, and works as it is."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from scenarios.own_app.application import OwnApp
from scenarios.own_app.block import read_block
from scenarios.own_app.first_files import block, locustfile, source_folder_of
from scenarios.own_app.survey import Route, Survey

SURVEY = Survey(
    instrumented=False,
    metrics=frozenset(),
    routes=(
        Route(rule="/", methods=("GET",), status=200),
        Route(rule="/products", methods=("GET", "POST"), status=200),
        Route(rule="/products/<int:number>", methods=("GET",), arguments=("number",)),
        Route(rule="/orders", methods=("GET",), status=401),
        Route(rule="/orders/new", methods=("POST",)),
        Route(rule="/metrics", methods=("GET",), status=200),
        Route(rule="/static/<path:filename>", methods=("GET",), static=True),
    ),
)
OWN = OwnApp(name="shop:app", paths=())
EXPOSITION = """\
# TYPE shop_requests_total counter
shop_requests_total{code="200",path="/"} 1.0
# TYPE shop_seconds histogram
shop_seconds_bucket{le="1.0",path="/"} 1.0
"""


def written(exposition: str = "") -> str:
    return block(OWN, SURVEY, source_folder="src", exposition=exposition, path="/metrics")


def test_the_block_is_toml_and_names_pages_and_what_is_refused() -> None:
    table = tomllib.loads(written())["tool"]["alertproof"]
    assert table["app"] == "shop:app"
    assert table["pythonpath"] == ["src"]
    assert table["unauthorized"] == "GET /orders"
    assert list(table["journey"]) == ["GET /", "GET /products"]


def test_what_it_was_made_with_stands_in_the_block_whatever_its_text() -> None:
    odd = {"SHOP_DATABASE": "{directory}/shop.db", "A.B": 'say "no"\n\\ \x7f ü'}
    words = ("flask", "init db", 'it"s')
    own = OwnApp(name="shop:app", paths=(), environment=odd, prepare=words)
    text = block(own, SURVEY, source_folder="", exposition="", path="/metrics")
    table = tomllib.loads(text)["tool"]["alertproof"]
    assert table["environment"] == odd
    assert table["prepare"] == list(words)


def test_what_is_proposed_as_a_comment_is_a_block_without_its_marks(tmp_path: Path) -> None:
    lines = [
        line.removeprefix("# ") for line in written().splitlines() if "is the folder" not in line
    ]
    (tmp_path / "src").mkdir()
    (tmp_path / "locustfile.py").touch()
    (tmp_path / "pyproject.toml").write_text("\n".join(lines))
    read = read_block(tmp_path)
    assert read.backup == Path("backups/shop.db")
    assert read.database is not None
    assert read.prepare[0] == "flask"
    assert read.environment == {"SHOP_DATABASE": "{directory}/shop.db"}


def test_own_metrics_are_proposed_as_comments_that_are_toml_without_their_marks() -> None:
    text = written(EXPOSITION)
    assert "metrics" not in tomllib.loads(text)["tool"]["alertproof"]
    proposal = text[text.index("# [tool.alertproof.metrics]") :]
    mapping = tomllib.loads(proposal.replace("# ", ""))["tool"]["alertproof"]["metrics"]
    assert mapping["requests"] == "shop_requests_total"
    assert mapping["latency"] == "shop_seconds"
    assert mapping["labels"] == {"endpoint": "path", "status": "code"}


def test_the_locust_file_has_a_task_a_page_and_a_comment_for_every_other_route() -> None:
    text = locustfile("shop:app", SURVEY, without="/metrics")
    (users,) = [node for node in ast.parse(text).body if isinstance(node, ast.ClassDef)]
    tasks = [node.name for node in users.body if isinstance(node, ast.FunctionDef)]
    assert tasks == ["ask_front_page", "ask_products"]
    assert "# GET /orders was answered with 401" in text
    assert "# /products/<int:number> needs a real number" in text
    assert "# POST /orders/new changes something" in text
    assert "metrics" not in text
    assert "static" not in text


def test_no_page_is_a_task_that_stands_in_the_way_of_a_user_of_locust() -> None:
    rules = ("/", "/start", "/stop", "/wait", "/client", "/host", "/tasks", "/class", "/2024", "/é")
    pages = tuple(Route(rule=rule, methods=("GET",), status=200) for rule in rules)
    survey = Survey(instrumented=False, metrics=frozenset(), routes=pages)
    text = locustfile("shop:app", survey, without="")
    (users,) = [node for node in ast.parse(text).body if isinstance(node, ast.ClassDef)]
    tasks = {node.name for node in users.body if isinstance(node, ast.FunctionDef)}
    assert len(tasks) == len(rules)
    # Of another process, as Locust changes the one that imports it.
    tell = "from locust import FastHttpUser; print(*dir(FastHttpUser))"
    told = subprocess.run([sys.executable, "-c", tell], capture_output=True, text=True, check=True)
    assert not tasks & set(told.stdout.split())


def test_an_application_without_pages_still_gets_a_task() -> None:
    text = locustfile("shop:app", Survey(instrumented=False, metrics=frozenset(), routes=()),
                      without="/metrics")  # fmt: skip
    assert 'self.client.get("/")' in text
    ast.parse(text)


def test_commented_tasks_are_python_once_they_are_uncommented() -> None:
    text = locustfile("shop:app", SURVEY, without="/metrics")
    ast.parse("\n".join(
        line.replace("# ", "", 1)
        if line.strip().startswith(("# @task", "# def", "#     self")) else line
        for line in text.splitlines()
    ))  # fmt: skip


@pytest.mark.parametrize(("there", "wanted"), [("src/shop", "src"), ("shop", ""), ("other", "")])
def test_the_source_folder_is_the_one_that_has_the_module(
    there: str, wanted: str, tmp_path: Path
) -> None:
    (tmp_path / there).mkdir(parents=True)
    assert source_folder_of(tmp_path, "shop.wsgi:create_app") == wanted
