"""The headline is read exactly, or not at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stack.receivers.delivery import Headline, deliver, first_line, parse_headline

SLOW = "[FIRING] HIGH SlowResponseTime on softfactory: P95 is 1.5 s"


def test_a_headline_is_taken_apart():
    assert parse_headline(SLOW) == Headline(
        status="firing",
        severity="HIGH",
        alert="SlowResponseTime",
        service="softfactory",
        summary="P95 is 1.5 s",
    )


def test_a_resolved_headline_says_so():
    headline = parse_headline(SLOW.replace("FIRING", "RESOLVED"))
    assert headline is not None
    assert headline.status == "resolved"


def test_only_the_first_line_that_is_not_blank_counts():
    assert parse_headline(f"\n  \n{SLOW}\n[RESOLVED] LOW Other on x: y") == parse_headline(SLOW)


def test_a_headline_without_summary_still_names_its_alert():
    headline = parse_headline("[FIRING] HIGH SlowResponseTime on softfactory: ")
    assert headline is not None
    assert (headline.alert, headline.summary) == ("SlowResponseTime", "")


WHOLE = (
    "[FIRING] HIGH InstanceDown on shop: 8 firing, 2 resolved; first: one | two is down"
    " | since 14:03 UTC | do: restart it | or not"
)


def test_a_whole_headline_says_how_many_since_when_and_what_to_do():
    headline = parse_headline(WHOLE)
    assert headline == Headline(
        status="firing",
        severity="HIGH",
        alert="InstanceDown",
        service="shop",
        summary="one | two is down",
        alerts=10,
        since="14:03 UTC",
        action="restart it | or not",
    )


@pytest.mark.parametrize(
    ("text", "since", "until", "action"),
    [
        ("[RESOLVED] LOW A on s: x | since 14:03 UTC until 15:00 UTC", "14:03", "15:00", ""),
        ("[FIRING] LOW A on s: x | since 2026-01-02 14:03 UTC", "2026-01-02 14:03", "", ""),
        ("[FIRING] LOW A on s: 2 firing; first:  | since 14:03 UTC | do: y", "14:03", "", "y"),
        ("[FIRING] LOW A on s: x | since 14:", "", "", ""),
        ("[FIRING] LOW A on s: x | do: y", "", "", ""),
    ],
)
def test_what_a_headline_does_not_state_is_empty(text, since, until, action):
    headline = parse_headline(text)
    assert headline.since.removesuffix(" UTC") == since
    assert headline.until.removesuffix(" UTC") == until
    assert headline.action == action
    assert headline.alert == "A"


@pytest.mark.parametrize("severity", ["warning", "P1", "sev-2", "page_now"])
def test_a_severity_may_be_a_team_s_own_word(severity):
    for drill in ("", "DRILL 2026-11-29: "):
        headline = parse_headline(f"[FIRING] {drill}{severity} Slow on shop: it is slow")
        assert (headline.severity, headline.alert) == (severity, "Slow")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[FIRING]  SlowResponseTime on softfactory: the severity label was missing",
        "[FIRING] HIGH  on softfactory: the alert's name was missing",
        "[FIRING] HIGH SlowResponseTime on : the service was missing",
        "[FIRING:2] HIGH SlowResponseTime on softfactory: another template's form",
        "[FIRING] 2 SlowResponseTime on softfactory: a number is no severity",
        "SlowResponseTime on softfactory",
        "{{ .CommonLabels.alertname }}",
        f"Re: {SLOW}",
    ],
)
def test_anything_else_is_no_headline(text):
    assert parse_headline(text) is None


@given(
    status=st.sampled_from(["firing", "resolved"]),
    severity=st.sampled_from(["CRITICAL", "HIGH", "MEDIUM", "LOW"]),
    alert=st.from_regex(r"[A-Z][A-Za-z0-9]{0,30}", fullmatch=True),
    service=st.from_regex(r"[a-z][a-z0-9.:-]{0,30}[a-z0-9]", fullmatch=True),
    summary=st.from_regex(r"([!-~]([ -~]{0,60}[!-~])?)?", fullmatch=True),
)
def test_every_headline_reads_back_what_was_written(status, severity, alert, service, summary):
    written = f"[{status.upper()}] {severity} {alert} on {service}: {summary}"
    assert parse_headline(written) == Headline(
        status=status, severity=severity, alert=alert, service=service, summary=summary
    )


@given(st.text())
def test_no_text_breaks_the_parser(text):
    parse_headline(text)
    assert "\n" not in first_line(text)


def test_a_delivery_without_headline_states_no_facts():
    delivery = deliver(
        at=1.0, receiver="slack #alerts", headline="hello", text="hello", payload="", refusal=None
    )
    assert (delivery.status, delivery.severity, delivery.alert, delivery.service) == (None,) * 4
    assert delivery.accepted


def test_a_refused_delivery_is_not_accepted():
    delivery = deliver(
        at=1.0, receiver="slack #alerts", headline=SLOW, text=SLOW, payload="", refusal="no_text"
    )
    assert not delivery.accepted
    assert delivery.refusal == "no_text"
    assert delivery.alert == "SlowResponseTime"
