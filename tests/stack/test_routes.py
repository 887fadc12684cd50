from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stack.matchers import Matcher, MatcherError, parse_matchers
from stack.production import production_files
from stack.routes import RouteError, RouteTree, load_routes

FILE = """\
route:
  receiver: fallback
  group_by: [alertname, service]
  group_interval: 2m
  routes:
    - matchers: [severity="CRITICAL"]
      receiver: page
      group_wait: 10s
      continue: true
      routes:
        - matchers: ['team=~"db|storage"']
          group_by: [service]
    - matchers: [severity=~"CRITICAL|HIGH", drill!="true"]
      receiver: chat
      repeat_interval: 1h
    - match: {severity: LOW}
      match_re: {team: "w.b"}
      receiver: chat
    - receiver: chat
      matchers: [owner=""]
      group_by: ['...']
receivers: [{name: fallback}, {name: page}, {name: chat}]
inhibit_rules:
  - source_matchers: [alertname="Down"]
    target_matchers: [alertname!="Down"]
    equal: [service]
  - source_matchers: [severity="CRITICAL"]
    target_matchers: [severity=~"CRITICAL|HIGH"]
    equal: [service]
"""


@pytest.fixture
def tree() -> RouteTree:
    return load_routes(FILE, "am.yml")


def receivers(tree: RouteTree, **labels: str) -> list[str]:
    return [route.receiver for route in tree.route_for({"owner": "x", **labels})]


def test_the_first_route_that_matches_takes_the_alert(tree: RouteTree) -> None:
    assert receivers(tree, severity="HIGH") == ["chat"]


def test_continue_lets_the_next_sibling_match_too(tree: RouteTree) -> None:
    assert receivers(tree, severity="CRITICAL") == ["page", "chat"]


def test_the_root_takes_what_nobody_else_does(tree: RouteTree) -> None:
    assert receivers(tree, severity="MEDIUM") == ["fallback"]


def test_a_child_inherits_what_it_does_not_say(tree: RouteTree) -> None:
    (route, _) = tree.route_for({"severity": "CRITICAL", "team": "db"})
    assert (route.path, route.line) == ("route.routes[0].routes[0]", 11)
    assert (route.receiver, route.group_by) == ("page", ("service",))
    assert route.group_wait == timedelta(seconds=10)
    assert route.group_interval == timedelta(minutes=2)
    assert route.repeat_interval == timedelta(hours=4)


def test_times_that_no_route_sets_are_alertmanagers_defaults(tree: RouteTree) -> None:
    (route,) = tree.route_for({"owner": "x"})
    assert route.group_wait == timedelta(seconds=30)


def test_a_missing_label_is_an_empty_one(tree: RouteTree) -> None:
    (route,) = tree.route_for({"severity": "MEDIUM"})
    assert (route.receiver, route.group_by) == ("chat", ("...",))


def test_all_matchers_of_a_route_must_match(tree: RouteTree) -> None:
    assert receivers(tree, severity="HIGH", drill="true") == ["fallback"]


@pytest.mark.parametrize(("team", "expected"), [("web", "chat"), ("web2", "fallback")])
def test_the_older_match_and_match_re_are_understood_and_anchored(
    tree: RouteTree, team: str, expected: str
) -> None:
    assert receivers(tree, severity="LOW", team=team) == [expected]


def test_an_inhibit_rule_needs_both_sides_and_equal_labels(tree: RouteTree) -> None:
    rule = tree.inhibit_rules[0]
    down = {"alertname": "Down", "service": "a"}
    slow = {"alertname": "Slow", "service": "a"}
    assert rule.inhibits(down, slow)
    assert not rule.inhibits(slow, down)
    assert not rule.inhibits(down, {**slow, "service": "b"})


def test_labels_missing_on_both_sides_are_equal(tree: RouteTree) -> None:
    assert tree.inhibit_rules[0].inhibits({"alertname": "Down"}, {"alertname": "Slow"})


def test_an_alert_on_both_sides_is_not_muted_by_another_on_both(tree: RouteTree) -> None:
    rule = tree.inhibit_rules[1]
    critical = {"severity": "CRITICAL", "service": "a"}
    assert not rule.inhibits(critical, critical)
    assert not rule.inhibits(critical, {**critical, "alertname": "Other"})
    assert rule.inhibits(critical, {"severity": "HIGH", "service": "a"})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('severity="HIGH"', [("severity", "=", "HIGH")]),
        ("severity=HIGH", [("severity", "=", "HIGH")]),
        (' severity != "HIGH" ', [("severity", "!=", "HIGH")]),
        ('severity=~"A|B"', [("severity", "=~", "A|B")]),
        ('severity!~"A.*"', [("severity", "!~", "A.*")]),
        ('{a="1", b=2}', [("a", "=", "1"), ("b", "=", "2")]),
        ('a="x,y",b="}"', [("a", "=", "x,y"), ("b", "=", "}")]),
        ('"with space"="v"', [("with space", "=", "v")]),
        (r'a="say \"hi\" \\ \n"', [("a", "=", 'say "hi" \\ \n')]),
        ('owner=""', [("owner", "=", "")]),
        ("owner=", [("owner", "=", "")]),
        ('a="1",', [("a", "=", "1")]),
    ],
)
def test_matchers_are_read_in_every_form(text: str, expected: list[tuple[str, str, str]]) -> None:
    assert [(m.name, m.operator, m.value) for m in parse_matchers(text)] == expected


@pytest.mark.parametrize("text", ["", "{}", "severity", '="x"', 'a=="x"', 'a="x" b="y"', 'a=~"("'])
def test_a_bad_matcher_is_refused(text: str) -> None:
    with pytest.raises(MatcherError):
        parse_matchers(text)


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20))
def test_a_quoted_value_is_what_was_meant(value: str) -> None:
    written = str(Matcher(name="a", operator="=", value=value))
    (read,) = parse_matchers(written)
    assert read.value == value
    assert read.matches({"a": value})


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("receiver: page", "receiver: pgae", "am.yml:6: route.routes[0] names receiver 'pgae'"),
        ("  receiver: fallback\n", "", "am.yml:2: route has no receiver"),
        ("group_wait: 10s", "group_wait: 10", "am.yml:8: `group_wait:` '10' is not"),
        ('[severity="CRITICAL"]', "[severity]", "am.yml:6: can't read the matcher"),
        ("route:\n", "routes:\n", "am.yml:1: there is no `route:`"),
    ],
)
def test_a_bad_file_is_refused_at_its_line(old: str, new: str, message: str) -> None:
    with pytest.raises(RouteError if "`group_wait" not in message else ValueError) as refused:
        load_routes(FILE.replace(old, new, 1), "am.yml")
    assert str(refused.value).startswith(message)


def test_a_derived_tree_can_carry_the_lines_of_its_original(tree: RouteTree) -> None:
    moved = load_routes("# one more line\n" + FILE, "derived.yml")
    assert moved.with_lines_of(tree) == tree


@pytest.mark.skipif(not production_files().alertmanager.exists(), reason="no production file")
@pytest.mark.parametrize("severity", ["CRITICAL", "HIGH", "unheard of"])
def test_production_takes_every_alert_exactly_once(severity: str) -> None:
    path = production_files().alertmanager
    tree = load_routes(path.read_text(encoding="utf-8"), path.name)
    (route,) = tree.route_for({"alertname": "A", "service": "s", "severity": severity})
    assert route.receiver in tree.receivers
