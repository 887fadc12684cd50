"""A search of logs is read into what it asks of each field; what is no search is refused."""

from __future__ import annotations

import pytest

from stack.grafana.lucene import LuceneError, read_clauses


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("", []),
        ("*", ["*"]),
        ("service.name:$service AND a:b", ["service.name:$service", "a:b"]),
        ("log.level:(error OR critical)", ["log.level:error", "log.level:critical"]),
        ("http.response.status_code:[500 TO 599]", ["http.response.status_code:[500 TO 599]"]),
        ("latency_ms:>$objective", ["latency_ms:>$objective"]),
        ("@timestamp:>=5", ["@timestamp:>=5"]),
        ("_exists_:tags", ["tags:"]),
        ('message:"a b: (c" NOT d', ['message:"a b: (c"', "d"]),
        ("-a +b !c d-e", ["a", "b", "c", "d-e"]),
        ("(a OR (b && c)) || d*", ["a", "b", "c", "d*"]),
        (r"a\:b", [r"a\:b"]),
    ],
)
def test_a_search_is_read_from_left_to_right(text: str, asked: list[str]) -> None:
    clauses = read_clauses(text)
    named = [f"{one.field}:" if one.field else "" for one in clauses]
    said = [f"{name}{one.sign}{one.value}" for name, one in zip(named, clauses, strict=True)]
    assert said == asked


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a AND", "missing, at the end"),
        ("a OR OR b", "missing, before 'OR b'"),
        ("a:", "missing, at the end"),
        (":a", "missing, before ': a'"),
        ("(a", "not closed, at the end"),
        ("a)", "nothing is open that this closes"),
        ("()", "missing, before '\\)'"),
        ("a:(b:c)", "a field within a"),
        ("a:>", "nothing to compare with"),
        ("_exists_:", "no field is named"),
        ('a:"x', "can't read"),
        ("a:[1 TO", "can't read"),
        ("a:/x.*/", "can't read"),
    ],
)
def test_what_is_no_search_is_refused_with_the_place(text: str, said: str) -> None:
    with pytest.raises(LuceneError, match=said):
        read_clauses(text)
