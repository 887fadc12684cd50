"""Setup installs what is missing, says what it changed, and what it installs is strict."""

from __future__ import annotations

import http.client
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import pytest
from elasticsearch import BadRequestError, Elasticsearch, NotFoundError

from stack.logs.command import main
from stack.logs.fields import load_fields
from stack.logs.indices import index_of
from stack.logs.setup import Plan, set_up
from stack.logs.steps import Step
from stack.logs.template import TEMPLATE
from tests.stack.logs.answering import Answering
from tests.stack.logs.conftest import Node

pytestmark = pytest.mark.integration

INDEX = "softfactory-logs-2090.01.01"
OLDER, NEWER = "softfactory-logs-2089.12.31", "softfactory-logs-2090.01.02"


def installed(client: Elasticsearch, *, dry_run: bool = False, **options: Any) -> dict[str, Step]:
    plan = Plan(**{"fields": load_fields(), "days": 30, **options})
    return {step.what: step for step in set_up(client, plan, dry_run=dry_run)}


@pytest.fixture
def bare(node: Node) -> Iterator[Elasticsearch]:
    """A client of the node, without our template and without this module's index."""
    remove(node.client)
    yield node.client
    remove(node.client)


@pytest.fixture
def client(bare: Elasticsearch) -> Elasticsearch:
    installed(bare)
    return bare


def remove(client: Elasticsearch) -> None:
    client.options(ignore_status=404).indices.delete(index=INDEX)
    client.options(ignore_status=404).indices.delete_index_template(name=TEMPLATE)


@contextmanager
def read_only(client: Elasticsearch, index: str) -> Iterator[None]:
    """An index that takes no change at all, as one that was mounted or is kept for a court."""
    client.indices.create(index=index)
    client.indices.put_settings(index=index, settings={"index.blocks.read_only": True})
    try:
        yield
    finally:
        client.indices.put_settings(index=index, settings={"index.blocks.read_only": None})
        client.indices.delete(index=index)


def document(**more: Any) -> dict[str, Any]:
    return {"@timestamp": "2090-01-01T00:00:00Z", "message": "hello", **more}


def test_what_is_installed_once_is_unchanged_the_second_time(bare: Elasticsearch) -> None:
    what = f"index template {TEMPLATE}"
    assert installed(bare)[what].outcome == "created"
    bare.index(index=INDEX, document=document())
    again = installed(bare)
    assert again[what].outcome == "unchanged"
    assert again[f"index {INDEX}"] == Step(what=f"index {INDEX}", outcome="unchanged")


def test_a_dry_run_says_the_same_and_writes_nothing(bare: Elasticsearch) -> None:
    assert installed(bare, dry_run=True)[f"index template {TEMPLATE}"].outcome == "created"
    with pytest.raises(NotFoundError):
        bare.indices.get_index_template(name=TEMPLATE)


def test_a_change_is_told_by_its_path_and_reaches_indices_that_are_there(
    client: Elasticsearch,
) -> None:
    client.index(index=INDEX, document=document())
    steps = installed(client, refresh_interval="7s")
    assert [str(one) for one in steps[f"index template {TEMPLATE}"].changes] == [
        "~ template.settings.index.refresh_interval: 1s -> 7s"
    ]
    assert [str(one) for one in steps[f"index {INDEX}"].changes] == [
        "~ index.refresh_interval: 1s -> 7s"
    ]
    assert (
        client.indices.get_settings(index=INDEX)[INDEX]["settings"]["index"]["refresh_interval"]
        == "7s"
    )


def test_a_new_field_is_taken_by_todays_index_too(bare: Elasticsearch) -> None:
    fields = dict(load_fields())
    later = fields.pop("error.type")
    installed(bare, fields=fields)
    bare.index(index=INDEX, document=document())
    with pytest.raises(BadRequestError):
        bare.index(index=INDEX, document=document(**{"error.type": "ValueError"}))
    steps = installed(bare, fields={**fields, later.name: later})
    changed = [str(one) for one in steps[f"index {INDEX}"].changes]
    assert "+ properties.error.properties.type.type: keyword" in changed
    bare.index(index=INDEX, document=document(**{"error.type": "ValueError"}))


def test_a_type_that_an_index_has_for_good_is_said_to_stay(bare: Elasticsearch) -> None:
    bare.index(index=INDEX, document=document(latency_ms="fast"))  # guessed: there is no template
    step = installed(bare)[f"index {INDEX}"]
    assert "stay so" in step.note


def test_an_index_with_objects_where_fields_belong_says_so_and_gets_the_other_fields(
    bare: Elasticsearch,
) -> None:
    guessed = document(extra={"cart": 3}, error="words")  # an object for a field, and the reverse
    bare.index(index=INDEX, document=guessed)
    step = installed(bare)[f"index {INDEX}"]
    assert step.outcome == "changed"
    assert "stay so" in step.note
    bare.index(index=INDEX, document=document(latency_ms=1.5))
    again = installed(bare)[f"index {INDEX}"]
    assert again.outcome == "kept"
    stays = [str(one) for one in again.changes]
    assert "- properties.extra.properties.cart.type: long" in stays
    assert "+ properties.extra.type: flattened" in stays
    assert "+ properties.error.properties.type.type: keyword" in stays


def test_an_index_that_refuses_is_kept_with_the_reason_and_stops_no_other(
    bare: Elasticsearch,
) -> None:
    fields = dict(load_fields())
    later = fields.pop("error.type")
    installed(bare, fields=fields)
    with read_only(bare, OLDER), read_only(bare, NEWER):
        bare.index(index=INDEX, document=document())
        steps = installed(bare, fields={**fields, later.name: later}, refresh_interval="7s")
    ours = [f"index {name}" for name in (NEWER, INDEX, OLDER)]
    dated = [step for what, step in steps.items() if what in ours]
    assert [step.what for step in dated] == ours, "the newest first"
    assert [step.outcome for step in dated] == ["kept", "changed", "kept"]
    for kept in (dated[0], dated[2]):
        assert "403: index [" in kept.note
        assert "blocked by: [FORBIDDEN/5/index read-only (api)]" in kept.note
        assert "privilege" not in kept.note
        assert "~ index.refresh_interval: 1s -> 7s" in map(str, kept.changes)
        assert not kept.failed
    bare.index(index=INDEX, document=document(**{"error.type": "ValueError"}))


def test_only_if_todays_index_refuses_is_setup_not_done(
    client: Elasticsearch,
    node: Node,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("ELASTICSEARCH_URL", node.url)
    with read_only(client, OLDER):
        assert main(["setup", "--refresh-interval", "7s"]) == 0
    out, err = capsys.readouterr()
    assert f"index {OLDER}: kept  (1 paths were refused: 403: " in out
    assert err == ""
    today = index_of(datetime.now(UTC))
    with read_only(client, today):
        assert main(["setup", "--refresh-interval", "8s"]) == 1
    out, err = capsys.readouterr()
    assert err.startswith(f"logs: index {today}: kept  (")
    assert err.count("\n") == 1


@pytest.mark.parametrize("mappings", [{"dynamic": True}, {"dynamic": "strict"}, {}], ids=str)
def test_another_template_that_wins_is_named_and_setup_is_not_done(
    bare: Elasticsearch,
    node: Node,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    mappings: dict[str, Any],
) -> None:
    monkeypatch.setenv("ELASTICSEARCH_URL", node.url)
    bare.indices.put_index_template(
        name="all-logs",
        index_patterns=["*-logs-*"],
        priority=900,
        template={"mappings": mappings},
    )
    bare.indices.put_index_template(name="elsewhere", index_patterns=["metrics-*"], priority=901)
    bare.indices.put_index_template(name="beaten", index_patterns=["soft*"], priority=3)
    try:
        for outcome in ("created", "unchanged"):
            assert main(["setup"]) == 1
            out, err = capsys.readouterr()
            assert f"index template {TEMPLATE}: overruled  ({outcome}, but what " in out
            assert " is made from is all-logs (900), of a priority above 500: delete" in err
        assert main(["setup", "--dry-run"]) == 1
    finally:
        bare.indices.delete_index_template(name="all-logs,elsewhere,beaten")
    assert installed(bare)[f"index template {TEMPLATE}"].outcome == "unchanged"


def test_one_node_gets_no_replicas(client: Elasticsearch) -> None:
    client.index(index=INDEX, document=document())
    assert client.cat.indices(index=INDEX, h="health", format="json")[0] == {"health": "green"}


def test_a_cluster_without_lifecycle_policies_is_told_to_prune(bare: Elasticsearch) -> None:
    step = installed(bare, days=7)["lifecycle policy softfactory-logs"]
    assert step.outcome == "absent"
    assert "prune --days 7 --yes" in step.note


def test_an_unknown_field_is_refused_by_name(client: Elasticsearch) -> None:
    with pytest.raises(BadRequestError, match="strict_dynamic_mapping_exception") as refused:
        client.index(index=INDEX, document=document(surprise=1))
    assert "surprise" in str(refused.value.body)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("http.response.status_code", "ok"),
        ("http.response.status_code", "200"),
        ("http.response.status_code", 70_000),
        ("event.duration", 1.5),
        ("@timestamp", "yesterday"),
        ("log.truncated", "perhaps"),
        ("message", {"nested": "text"}),
        ("extra", "no object"),
    ],
)
def test_a_value_of_another_type_is_refused(
    client: Elasticsearch, field: str, value: object
) -> None:
    with pytest.raises(BadRequestError):
        client.index(index=INDEX, document=document() | {field: value})


def test_ten_thousand_keys_of_extras_add_nothing_to_the_mapping(client: Elasticsearch) -> None:
    client.index(index=INDEX, document=document())
    before = client.indices.get_mapping(index=INDEX)[INDEX]
    extra = {f"key-{number}": number for number in range(10_000)}
    client.index(index=INDEX, document=document(extra=extra), refresh=True)
    assert client.indices.get_mapping(index=INDEX)[INDEX] == before
    found = client.search(index=INDEX, query={"term": {"extra.key-9999": "9999"}})
    assert found["hits"]["total"]["value"] == 1


@pytest.mark.parametrize("field", ["log.logger", "url.path", "event.original", "request_id"])
def test_a_value_longer_than_a_term_of_lucene_does_not_cost_its_record(
    client: Elasticsearch, field: str
) -> None:
    long = "\N{BUG}" * 40_000
    client.index(index=INDEX, document=document() | {field: long}, id="long", refresh=True)
    assert client.get(index=INDEX, id="long")["_source"][field] == long


def test_every_field_of_the_table_is_accepted(client: Elasticsearch) -> None:
    values = {
        "date": "2090-01-01T00:00:00.123456Z",
        "keyword": "k",
        "text": "words",
        "long": 1,
        "short": 1,
        "double": 0.5,
        "boolean": True,
        "flattened": {"a": {"b": 1}},
    }
    whole = {name: values[field.type] for name, field in load_fields().items()}
    client.index(index=INDEX, document=whole)


def test_setup_prints_each_step_and_change(
    bare: Elasticsearch,
    node: Node,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("ELASTICSEARCH_URL", node.url)
    said = []
    for words in (["--dry-run"], [], [], ["--replicas", "1"]):
        assert main(["setup", *words]) == 0
        said.append(capsys.readouterr().out.partition(f"index template {TEMPLATE}")[2])
    assert said[0].startswith(": would be created\n")
    assert said[1].startswith(": created\n")
    assert said[2].startswith(": unchanged\n")
    assert said[3].startswith(": changed\n  ~ template.settings.index.number_of_replicas: 0 -> 1\n")


class WithLifecycle(Answering, BaseHTTPRequestHandler):
    """The node, and in front of it what a cluster with lifecycle policies answers besides.

    The embedded node has no such module, and no other cluster is to be had here.
    """

    node_url: str
    policies: dict[str, Any]
    named: dict[str, Any]

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = urlsplit(self.path).path
        if path.startswith("/_ilm/"):
            self.answer(*self.ilm(path, body))
            return
        if self.command == "PUT" and path.startswith("/_index_template/"):
            template = json.loads(body)
            settings = template["template"]["settings"]["index"]
            self.named["template"] = settings.pop("lifecycle", None)
            body = json.dumps(template).encode()
        if self.command == "PUT" and path.endswith("/_settings"):
            given = json.loads(body)
            self.named[path.split("/")[1]] = given.pop("index.lifecycle.name", None)
            body = json.dumps(given or {"index.number_of_replicas": 0}).encode()
        status, answer = self.forward(body)
        if self.command == "GET" and path.startswith("/softfactory-logs-"):
            for index in answer.keys() & self.named.keys():
                answer[index]["settings"]["index"]["lifecycle"] = {"name": self.named[index]}
        if self.command == "GET" and path.startswith("/_index_template/") and status == 200:
            inner = answer["index_templates"][0]["index_template"]["template"]
            given = {key: str(value).lower() for key, value in self.named["template"].items()}
            inner["settings"]["index"]["lifecycle"] = given
        self.answer(status, answer)

    do_PUT = do_POST = do_HEAD = do_DELETE = do_GET  # noqa: N815 - the library's names

    def ilm(self, path: str, body: bytes) -> tuple[int, Any]:
        if path == "/_ilm/status":
            return 200, {"operation_mode": "RUNNING"}
        name = path.removeprefix("/_ilm/policy/")
        if self.command == "PUT":
            self.policies[name] = json.loads(body)["policy"]
            return 200, {"acknowledged": True}
        if name not in self.policies:
            return 404, {"error": {"type": "resource_not_found_exception"}, "status": 404}
        return 200, {name: {"version": 1, "policy": self.policies[name], "in_use_by": {}}}

    def forward(self, body: bytes) -> tuple[int, Any]:
        connection = http.client.HTTPConnection(urlsplit(self.node_url).netloc)
        headers = {
            k: v for k, v in self.headers.items() if re.match("accept$|content-type$", k, re.I)
        }
        connection.request(self.command, self.path, body, headers)
        with connection.getresponse() as response:
            return response.status, json.loads(response.read() or b"{}")


@contextmanager
def a_cluster_with_lifecycle(node: Node) -> Iterator[tuple[Elasticsearch, dict[str, Any]]]:
    policies: dict[str, Any] = {}
    handler = type(
        "Handler", (WithLifecycle,), {"node_url": node.url, "policies": policies, "named": {}}
    )
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            with Elasticsearch(f"http://127.0.0.1:{server.server_port}") as client:
                yield client, policies
        finally:
            server.shutdown()


def test_where_there_are_lifecycle_policies_ours_is_installed_and_named(
    bare: Elasticsearch, node: Node
) -> None:
    bare.index(index=INDEX, document=document())  # by nobody's policy, and never deleted
    with a_cluster_with_lifecycle(node) as (client, policies):
        first = installed(client, days=30)
        assert first["lifecycle policy softfactory-logs"].outcome == "created"
        adopted = [str(one) for one in first[f"index {INDEX}"].changes]
        assert "+ index.lifecycle.name: softfactory-logs" in adopted
        again = installed(client, days=30)
        assert again.pop(f"index {INDEX}").outcome == "kept"  # types that were guessed
        assert {step.outcome for step in again.values()} == {"unchanged"}
        changed = installed(client, days=7)["lifecycle policy softfactory-logs"]
        assert [str(one) for one in changed.changes] == ["~ phases.delete.min_age: 31d -> 8d"]
        named = client.indices.get_index_template(name=TEMPLATE)["index_templates"][0]
        lifecycle = named["index_template"]["template"]["settings"]["index"]["lifecycle"]
    assert lifecycle == {"name": "softfactory-logs", "parse_origination_date": "true"}
    assert policies["softfactory-logs"]["phases"]["delete"]["min_age"] == "8d"
