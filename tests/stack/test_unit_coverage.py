"""What a file of unit tests shows of its alert is read from its cases."""

from pathlib import Path

import pytest

from stack.unit_tests import ABSENT, FIRES, QUIET, RESOLVES, shown_by

HEAD = "rule_files: [../alert-rules.yml]\ntests:\n"
LOOK = "      - {{eval_time: {at}m, alertname: A{alerts}}}\n"
FIRING = ", exp_alerts: [{exp_labels: {}}]"


def case(name: str, looks: list[bool], values: str = "1x9") -> str:
    lines = [
        f"  - name: {name}\n    input_series: [{{series: s, values: {values!r}}}]\n",
        "    alert_rule_test:\n",
        *(
            LOOK.format(at=at, alerts=FIRING if expected else "")
            for at, expected in enumerate(looks)
        ),
    ]
    return "".join(lines)


@pytest.mark.parametrize(
    ("cases", "shown"),
    [
        ([case("fires", [False, True])], {FIRES}),
        ([case("fires, and ends", [False, True, False])], {FIRES, RESOLVES}),
        ([case("just under", [False, False])], {QUIET}),
        ([case("a scrape is lost", [True], values="1x3 _ 1x3")], {FIRES, ABSENT}),
        ([case("it dies", [False], values="1x3 stale")], {QUIET, ABSENT}),
        ([case("there are no data", [False])], {QUIET, ABSENT}),
        ([], set()),
    ],
)
def test_cases_show_what_they_expect(tmp_path: Path, cases: list[str], shown: set[str]) -> None:
    file = tmp_path / "A.yml"
    file.write_text(HEAD + "".join(cases))
    assert shown_by(file) == shown
