"""What Logstash is told: the shipper's names, ids and indices, and no secret.

Logstash itself is not to be had here. The text is parsed by its grammar, and the filter's Ruby
runs on JRuby, as it does in Logstash, in `test_logstash_filter.py`.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from stack.logs.fields import load_fields
from stack.logs.indices import index_of
from stack.logs.shipping.documents import TAGS
from tests.stack.logs_production.logstash import (
    CONFIGURATION,
    NotLogstash,
    Plugin,
    fields_of,
    parse,
    with_fields,
)

TEXT = CONFIGURATION.read_text()
PLUGINS = parse(TEXT)
FIELDS = load_fields()
GIVEN = {
    "ELASTICSEARCH_URL",
    "ELASTICSEARCH_USER",
    "ELASTICSEARCH_PASSWORD",
    "LOGSTASH_LOG_FILE",
    "LOGSTASH_SINCEDB",
    "LOGSTASH_TCP_HOST",
}


def plugin(kind: str, name: str) -> Plugin:
    (one,) = (one for one in PLUGINS if (one.kind, one.name) == (kind, name))
    return one


def test_the_list_of_fields_is_that_of_the_table() -> None:
    assert with_fields(TEXT) == TEXT, "run: python -m tests.stack.logs_production.logstash"
    assert fields_of(TEXT) == list(FIELDS)


def test_every_field_that_the_filter_names_is_in_the_table() -> None:
    code = str(plugin("filter", "ruby").options["code"])
    set_ = set(re.findall(r'document\["([^"]+)"\]', code))
    set_ |= set(re.findall(r'event\.set\("([^"[]+)"', code))
    assert set_ <= FIELDS.keys()
    assert {"event.original", "tags", "event.ingested", "log.file.path", "extra"} <= set_
    assert {"event.id", "message"} <= set_


def test_the_index_is_the_shippers() -> None:
    index = str(plugin("output", "elasticsearch").options["index"])
    prefix, pattern = re.fullmatch(r"(.*)%\{\+(.*)\}", index).groups()
    assert pattern == "yyyy.MM.dd"
    when = datetime(2026, 3, 7, 23, 59, tzinfo=UTC)
    assert f"{prefix}{when:%Y.%m.%d}" == index_of(when)


def test_a_record_that_is_sent_again_makes_no_duplicate() -> None:
    options = plugin("output", "elasticsearch").options
    assert options["action"] == "create"
    assert options["document_id"] == "%{[@metadata][id]}"
    assert 'event.set("[@metadata][id]"' in str(plugin("filter", "ruby").options["code"])


@pytest.mark.parametrize("option", ["data_stream", "ilm_enabled", "manage_template"])
def test_logstash_puts_neither_template_nor_stream_nor_alias_of_its_own(option: str) -> None:
    assert plugin("output", "elasticsearch").options[option] == "false"


@pytest.mark.parametrize(("name", "codec"), [("file", "json"), ("tcp", "json_lines")])
def test_a_record_stands_apart_from_what_an_input_adds(name: str, codec: str) -> None:
    options = plugin("input", name).options
    decoded = options["codec"]
    assert isinstance(decoded, Plugin)
    assert (decoded.name, decoded.options["target"]) == (codec, "[record]")
    assert options["ecs_compatibility"] == decoded.options["ecs_compatibility"] == "disabled"


def test_json_lines_come_in_on_port_5000() -> None:
    assert plugin("input", "tcp").options["port"] == 5000


def test_nothing_from_the_environment_has_a_default_and_each_is_explained() -> None:
    assert set(re.findall(r"\$\{([^}]*)\}", TEXT)) == GIVEN
    assert set(re.findall(r"^#   ([A-Z_]+)  ", TEXT, re.M)) == GIVEN


def test_no_comment_holds_what_logstash_would_replace() -> None:
    assert not [line for line in TEXT.splitlines() if line.lstrip().startswith("#") and "$" in line]


def test_what_is_odd_is_counted_under_an_id_of_its_own() -> None:
    counted = {
        one.condition: one.options["id"]
        for one in PLUGINS
        if one.kind == "filter" and one.condition
    }
    assert counted == {
        ("not_json", "tags"): "lines_not_json",
        ("no_time", "tags"): "records_without_time",
        ("_rubyexception", "tags"): "records_that_broke_the_filter",
    }
    ids = [one.options["id"] for one in PLUGINS]
    assert len(set(ids)) == len(ids)


def test_the_tags_are_those_of_the_table() -> None:
    code = str(plugin("filter", "ruby").options["code"])
    assert set(re.findall(r'tags << "(\w+)"', code)) == set(TAGS)
    assert all(f"`{tag}`" in FIELDS["tags"].what for tag in TAGS)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("input { tcp { port => 5000 }", r"expected (word|\}), and it ends"),
        ("input { tcp { port = 5000 } }", "line 1: '= 5000"),
        ("filter { mutate { id => } }", r"expected \[, found '\}'"),
        ("inputs { }", "expected input, filter or output"),
        ('input { tcp { id => "a" id => "b" } }', "one id only"),
        ("input {\n tcp { id => 'a }\n}", "line 2: "),
    ],
    ids=["unclosed", "no arrow", "no value", "no section", "twice", "unclosed string"],
)
def test_what_logstash_would_not_load_is_refused(wrong: str, said: str) -> None:
    with pytest.raises(NotLogstash, match=said):
        parse(wrong)
