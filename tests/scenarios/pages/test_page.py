"""The page shows all that is not PASS, escapes what a run brought, and asks for nothing outside."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from scenarios.pages import page as page_module
from scenarios.pages.page import anchor_of, in_order, render, safe_url, style_hash
from scenarios.pages.runs import Past
from tests.scenarios.pages.written import (
    HOSTILE,
    claim,
    drill,
    event,
    evidence,
    run,
    signal,
    told,
)

VOID = {"meta", "link", "br", "hr", "img", "input"}
LOADS = {"src", "srcset", "data", "poster", "background", "action", "xlink:href"}


class Reader(HTMLParser):
    """Notes every element, and complains about what is not closed as it was opened."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing, at {self.getpos()}"
        opened = self.open.pop()
        assert opened == tag, f"</{tag}> closes <{opened}>, at {self.getpos()}"

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    return reader


def hostile_run() -> str:
    one = drill(
        fault=HOSTILE,
        claims=[claim(HOSTILE, "FAIL", expected=HOSTILE, observed=HOSTILE, because=HOSTILE)],
        verdict="FAIL",
        history=[
            event(0.0, "injected", text=HOSTILE),
            told(1.0, "SlowResponseTime", HOSTILE, body=HOSTILE, payload=HOSTILE, problem=HOSTILE),
            event(2.0, "ended"),
        ],
    )
    one["signals"]["sentence"] = HOSTILE
    one["signals"]["conditions"] = [
        signal([1.0, 2.0], query=HOSTILE, limit_name=HOSTILE)
        | {"curves": [{"labels": {HOSTILE: HOSTILE}, "values": [1.0, 2.0]}]}
    ]
    one["rule"] |= {"expression": HOSTILE, "runbook_url": "javascript:alert(1)", "panel": HOSTILE}
    one["logs"] = {"command": HOSTILE, "kql": HOSTILE}
    cell = {"drill": HOSTILE, "alert": HOSTILE, "declared": False, "delivered": True}
    return render(
        run(
            drills={HOSTILE: one},
            drilled_again={HOSTILE: [HOSTILE]},
            app=HOSTILE,
            attribution=[cell],
            checks={HOSTILE: [claim(HOSTILE, "UNKNOWN")]},
            not_applicable=[{"test": HOSTILE, "reason": HOSTILE}],
        ),
        Past(unreadable=(HOSTILE,)),
        evidence=HOSTILE,
    )


@pytest.mark.parametrize("text", [render(run(), Past()), hostile_run()], ids=["usual", "hostile"])
def test_every_element_is_closed_and_every_picture_is_well_formed(text: str) -> None:
    read(text)
    pictures = re.findall(r"<svg .*?</svg>(?!\s*</?(?:rect|line|path|g\b|text|circle))", text, re.S)
    assert pictures
    for one in re.findall(r"<figure>\s*(<svg.*?)\s*<figcaption>", text, re.S):
        ElementTree.fromstring(one)


def test_what_a_run_brought_is_text_and_nothing_else() -> None:
    text = hostile_run()
    reader = read(text)
    assert "<script" not in text
    assert not [tag for tag, _ in reader.elements if tag in ("script", "iframe", "object", "img")]
    assert "".join(reader.text).count("alert(1)") > 20
    for tag, attributes in reader.elements:
        assert not [name for name in attributes if name.startswith("on")], tag
        assert "javascript:" not in (attributes.get("href") or "")


@pytest.mark.parametrize("text", [render(run(), Past()), hostile_run()], ids=["usual", "hostile"])
def test_nothing_is_asked_of_the_network(text: str) -> None:
    reader = read(text)
    for tag, attributes in reader.elements:
        assert not LOADS & attributes.keys(), (tag, attributes)
        assert tag not in ("link", "base")
        assert "style" not in attributes, "the policy forbids it"
    styles = re.findall(r"<style>(.*?)</style>", text, re.S)
    assert len(styles) == 1
    assert "url(" not in styles[0]
    assert "@import" not in styles[0]


def test_the_policy_allows_the_one_style_sheet_and_nothing_else() -> None:
    text = render(run(), Past())
    style = re.findall(r"<style>(.*?)</style>", text, re.S)[0]
    policy = next(
        attributes["content"] or ""
        for tag, attributes in read(text).elements
        if tag == "meta" and attributes.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy.startswith("default-src 'none'; ")
    assert f"style-src '{style_hash(style)}'" in policy
    assert "unsafe" not in policy


def test_ids_are_unique_and_every_link_within_the_page_leads_somewhere() -> None:
    reader = read(render(run(), Past()))
    ids = [attributes["id"] for _, attributes in reader.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for _, attributes in reader.elements:
        for name in ("href", "aria-labelledby"):
            for target in (attributes.get(name) or "").split():
                if name == "aria-labelledby" or target.startswith("#"):
                    assert target.removeprefix("#") in ids


def parts(text: str) -> Iterator[str]:
    for one in ("unproved", "proved", "detection", "attribution", "history", "drills", "made"):
        yield text.partition(f'id="{one}"')[2].partition("</section>")[0]


def test_what_is_not_pass_stands_at_the_top_with_its_reason() -> None:
    unproved = next(parts(render(run(), Past())))
    for said in (
        "HighErrorRate reaches exactly its receivers",
        "pagerduty was told, and should not be",
        "alertmanager-config.yml:72 names receiver &#39;critical&#39;",
        "the experiment was disturbed",
        "AssertionError: 7 days",
        "containers: no engine answers",
        "2 claims of SoftFactoryDown-gone",
    ):
        assert said in unproved
    assert "SlowResponseTime fires" not in unproved


def test_a_run_of_which_all_was_proved_says_so() -> None:
    good = run(
        verdict="PASS",
        exit_status=0,
        drills={"SlowResponseTime": drill()},
        drilled_again={},
        checks={},
        not_applicable=[],
    )
    text = render(good, Past())
    assert "All 3 claims were proved" in text
    assert "Nothing: every claim of this run was proved." in text


def test_a_run_that_was_cut_short_is_not_shown_as_proved() -> None:
    cut = run(verdict="UNKNOWN", exit_status=2, drills={"SlowResponseTime": drill()}, checks={})
    text = render(cut, Past())
    assert "All 3 claims were proved" not in text
    assert "the run ended with exit status 2" in text


def test_a_run_without_a_claim_proves_nothing() -> None:
    none = run(verdict="UNKNOWN", drills={}, checks={}, attribution=[], drilled_again={})
    assert "No claim was judged" in render(none, Past())


def test_what_is_not_pass_comes_first_among_the_drills() -> None:
    order = [one.id for one in in_order(run().drills)]
    assert order == ["HighErrorRate", "DiskFilling", "SlowResponseTime", "SlowResponseTime-below"]


def test_a_drill_without_an_injection_says_that_it_has_no_picture() -> None:
    assert "There is no picture" in render(run(), Past())


def test_every_table_has_a_caption_and_every_verdict_its_word() -> None:
    text = render(run(), Past())
    reader = read(text)
    tags = [tag for tag, _ in reader.elements]
    assert tags.count("caption") == tags.count("table") > 2
    for status, inside in re.findall(r'<span class="chip ([A-Z ]+)">(.*?)</span>\s*', text, re.S):
        assert status in text[text.index(inside) :]
    for found in re.findall(r'<span class="chip (\w+).*?</span>(.*?)</span>', text, re.S):
        assert found[0] in found[1]


def test_raw_messages_are_left_out_where_the_page_would_be_too_heavy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert "as it came over the wire" in render(run(), Past())
    monkeypatch.setattr(page_module, "LARGEST_BYTES", 1000)
    text = render(run(), Past())
    assert "as it came over the wire" not in text
    assert "raw messages were left out" in text
    assert "Do: find what waits" in text


def test_a_long_message_is_cut_and_says_how_much_is_missing() -> None:
    document = evidence()
    for one in document["drills"]["SlowResponseTime"]["history"]:
        if "payload" in one["detail"]:
            one["detail"]["payload"] = "x" * 5000
    assert "1000 characters more" in render(run(drills=document["drills"]), Past())


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("https://example.org/a", True),
        ("docs/a.md", True),
        ("javascript:alert(1)", False),
        ("data:text/html,x", False),
        ("http://[", False),
    ],
)
def test_a_link_leads_to_a_page_or_nowhere(address: str, kept: bool) -> None:
    assert safe_url(address) == (address if kept else "")


def test_an_anchor_is_made_of_letters_whatever_a_drill_is_called() -> None:
    assert re.fullmatch(r"drill-[\w-]+", anchor_of(HOSTILE))
