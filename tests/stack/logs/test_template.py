"""The index template is the table of fields, strict, and fit for logs."""

from __future__ import annotations

from typing import Any

import pytest

from stack.logs.fields import Field, load_fields
from stack.logs.indices import PATTERN
from stack.logs.lifecycle import RETENTION_DAYS, lifecycle_policy
from stack.logs.template import IGNORE_ABOVE, IndexOptions, index_template

FIELDS = load_fields()


def made(**options: Any) -> Any:
    return index_template(FIELDS, IndexOptions(**options))


def settings(**options: Any) -> Any:
    return made(**options)["template"]["settings"]["index"]


def mapping_of(name: str) -> Any:
    place = made()["template"]["mappings"]
    for part in name.split("."):
        place = place["properties"][part]
    return place


def a_field(name: str, type_: str, **more: Any) -> Field:
    return Field(name=name, type=type_, records="all", what="it", **more)


def test_it_is_for_the_indices_of_logs_and_no_others() -> None:
    assert made()["index_patterns"] == [PATTERN]


@pytest.mark.parametrize("name", FIELDS)
def test_a_field_has_the_type_that_the_table_says(name: str) -> None:
    assert mapping_of(name)["type"] == FIELDS[name].type


def test_a_field_outside_the_table_is_refused() -> None:
    assert made()["template"]["mappings"]["dynamic"] == "strict"


def test_what_is_never_searched_has_neither_an_index_nor_a_column() -> None:
    assert mapping_of("event.original") == {"type": "keyword", "index": False, "doc_values": False}


def test_the_table_says_how_long_a_searched_value_is() -> None:
    assert mapping_of("url.path")["ignore_above"] == FIELDS["url.path"].ignore_above
    assert mapping_of("extra")["ignore_above"] == FIELDS["extra"].ignore_above


def test_a_keyword_without_a_limit_gets_the_one_of_lucene_in_characters_of_four_bytes() -> None:
    assert mapping_of("request_id")["ignore_above"] == IGNORE_ABOVE
    assert len(("\N{BUG}" * IGNORE_ABOVE).encode()) <= 32_766


def test_the_limit_of_fields_grows_with_the_table() -> None:
    table = {name: a_field(name, "long") for name in ("a.b.c", "a.b.d", "e")}
    template: Any = index_template(table, IndexOptions())["template"]
    limit = template["settings"]["index"]["mapping"]
    assert limit["total_fields"]["limit"] == 2 * (3 + len(("a", "a.b")))


def test_replicas_and_refresh_interval_are_the_operators() -> None:
    chosen = settings(replicas=2, refresh_interval="5s")
    assert (chosen["number_of_replicas"], chosen["refresh_interval"]) == (2, "5s")


def test_records_are_compressed_and_not_sorted_which_costs_more_than_it_gives() -> None:
    assert settings()["codec"] == "best_compression"
    assert "sort" not in settings()


def test_no_lifecycle_is_named_where_the_cluster_has_none() -> None:
    assert "lifecycle" not in settings(lifecycle=None)


def test_a_lifecycle_goes_by_the_day_in_the_name() -> None:
    assert settings(lifecycle="x")["lifecycle"] == {"name": "x", "parse_origination_date": True}


def test_words_are_looked_for_in_texts_only() -> None:
    named = settings()["query"]["default_field"]
    assert named == [name for name, field in FIELDS.items() if field.type == "text"]


@pytest.mark.parametrize(("environment", "age"), [("production", "31d"), ("development", "8d")])
def test_the_policy_deletes_when_the_last_record_is_as_old_as_the_retention(
    environment: str, age: str
) -> None:
    policy: Any = lifecycle_policy(RETENTION_DAYS[environment])
    assert policy["phases"]["delete"]["min_age"] == age
    assert "hot" in policy["phases"]
