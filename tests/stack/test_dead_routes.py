"""Whatever a routing file says in vain is named, with its line."""

from stack.dead_routes import dead_parts, lacking_labels
from stack.routes import load_routes

FILE = """\
route:
  receiver: rest
  group_by: [alertname, service]
  routes:
    - matchers: [severity="HIGH"]
      receiver: high
      mute_time_intervals: [night]
      routes:
        - matchers: [team="db"]
inhibit_rules:
  - source_matchers: [alertname="Down"]
    target_matchers: [alertname="Slow"]
    equal: [service]
receivers:
  - {name: rest, slack_configs: [{channel: '#a'}]}
  - {name: high, slack_configs: [{channel: '#b'}]}
time_intervals: [{name: night, time_intervals: []}]
"""


def alert(name, **labels):
    return {"alertname": name, "severity": "HIGH", "service": "shop", **labels}


ALERTS = [alert("Down"), alert("Slow", team="db")]


def dead(text=FILE, alerts=ALERTS):
    return dead_parts(load_routes(text, "am.yml"), alerts)


def test_a_file_that_uses_all_it_says_has_nothing_dead():
    assert dead() == []


def test_a_parent_whose_child_takes_all_is_alive():
    assert dead(alerts=[alert("Down", team="db"), alert("Slow", team="db")]) == []


def test_a_route_that_takes_no_alert_is_dead():
    assert dead(alerts=[alert("Down"), alert("Slow")]) == [
        "am.yml:9: route.routes[0].routes[0] (receiver 'high') takes no alert"
    ]


def test_an_alert_that_only_the_root_takes_is_unknown_to_the_routes():
    assert dead(alerts=[*ALERTS, alert("Odd", severity="ODD")]) == [
        "am.yml:2: no route knows Odd, so it falls to the root"
    ]


def test_a_receiver_that_no_route_names_is_dead():
    more = FILE.replace("receivers:\n", "receivers:\n  - {name: old, slack_configs: [{}]}\n", 1)
    assert dead(more) == ["am.yml: no route names receiver 'old'"]


def test_a_receiver_that_tells_nobody_is_dead():
    assert dead(FILE.replace("{name: high, slack_configs: [{channel: '#b'}]}", "{name: high}")) == [
        "am.yml: receiver 'high' tells nobody"
    ]


def test_an_inhibition_of_alerts_that_do_not_exist_is_dead():
    assert dead(FILE.replace('"Slow"', '"Slwo"')) == [
        'am.yml:11: no alert is this inhibition\'s target: alertname="Slwo"'
    ]


def test_an_interval_that_no_route_uses_is_dead():
    assert dead(FILE.replace("      mute_time_intervals: [night]\n", "")) == [
        "am.yml: no route uses time interval 'night'"
    ]


def test_an_alert_without_the_label_of_its_group_is_named():
    assert lacking_labels(load_routes(FILE, "am.yml"), [*ALERTS, alert("Bare", service="")]) == [
        "Bare has no label 'service'"
    ]
