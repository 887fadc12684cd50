"""A change is told by its path, and what only looks different is none."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stack.logs.differences import differences

JSON = st.recursive(
    st.text(max_size=3) | st.integers() | st.booleans(),
    lambda below: st.dictionaries(st.sampled_from("abc"), below, max_size=3),
)
OBJECTS = st.dictionaries(st.sampled_from("abc"), JSON, max_size=3)


def told(before: dict[str, object], after: dict[str, object]) -> list[str]:
    return [str(one) for one in differences(before, after)]


def test_each_kind_of_change_is_told_by_its_path() -> None:
    before: dict[str, object] = {"a": {"b": 1, "c": 2}, "d": 3}
    after: dict[str, object] = {"a": {"b": 9, "c": 2}, "e": 4}
    assert told(before, after) == ["~ a.b: 1 -> 9", "- d: 3", "+ e: 4"]


def test_what_elasticsearch_writes_as_text_is_the_same() -> None:
    assert told({"n": "0", "yes": "true", "s": ["x"]}, {"n": 0, "yes": True, "s": ["x"]}) == []


@given(OBJECTS)
def test_nothing_differs_from_itself(one: dict[str, object]) -> None:
    assert differences(one, one) == ()


@given(OBJECTS, OBJECTS)
def test_both_directions_tell_the_same_paths(
    one: dict[str, object], other: dict[str, object]
) -> None:
    there, back = differences(one, other), differences(other, one)
    assert [(x.path, x.before, x.after) for x in there] == [
        (x.path, x.after, x.before) for x in back
    ]
