"""What ``init`` writes is valid, says what it guessed, and works as it is."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import pytest

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
EXPOSITION = """\
# TYPE shop_requests_total counter
shop_requests_total{code="200",path="/"} 1.0
# TYPE shop_seconds histogram
shop_seconds_bucket{le="1.0",path="/"} 1.0
"""


def written(exposition: str = "") -> str:
    return block("shop:app", SURVEY, source_folder="src", exposition=exposition, path="/metrics")


def test_the_block_is_toml_and_names_pages_and_what_is_refused() -> None:
    table = tomllib.loads(written())["tool"]["alertproof"]
    assert table["app"] == "shop:app"
    assert table["pythonpath"] == ["src"]
    assert table["unauthorized"] == "GET /orders"
    assert list(table["journey"]) == ["GET /", "GET /products"]


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
    assert tasks == ["start", "products"]
    assert "# GET /orders was answered with 401" in text
    assert "# /products/<int:number> needs a real number" in text
    assert "# POST /orders/new changes something" in text
    assert "metrics" not in text
    assert "static" not in text


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
