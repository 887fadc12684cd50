"""In a real Chromium: drawn at once, on a phone too, in light and dark, and nothing asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from scenarios.pages.command import write_page
from tests.scenarios.pages.browser import NAMES, Page, chromium, find_chromium
from tests.scenarios.pages.test_page import hostile_run
from tests.scenarios.pages.written import evidence

PHONE, DESK = (390, 844), (1280, 900)

CHROMIUM = find_chromium()

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(
        CHROMIUM is None,
        reason=f"no Chromium on PATH ({', '.join(NAMES)}); on Debian: apt-get install chromium",
    ),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Page]:
    assert CHROMIUM
    with chromium(CHROMIUM) as page:
        yield page


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reports")
    (folder / "evidence.json").write_text(json.dumps(evidence()))
    return write_page(folder / "evidence.json")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("hostile") / "index.html"
    path.write_text(hostile_run())
    return path


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("which", ["usual", "hostile"])
def test_it_asks_for_nothing_but_itself_and_the_browser_has_no_complaint(
    browser: Page,
    request: pytest.FixtureRequest,
    size: tuple[int, int],
    dark: bool,
    which: str,
) -> None:
    path = request.getfixturevalue(which)
    seen = browser.open(path, width=size[0], height=size[1], dark=dark)
    assert seen.requests == (path.resolve().as_uri(),)
    assert seen.complaints == ()
    assert browser.evaluate("document.querySelectorAll('script').length") == 0


@pytest.mark.parametrize("which", ["usual", "hostile"])
def test_a_phone_never_scrolls_sideways(
    browser: Page, request: pytest.FixtureRequest, which: str
) -> None:
    browser.open(request.getfixturevalue(which), width=PHONE[0], height=PHONE[1])
    browser.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert browser.evaluate("document.documentElement.scrollWidth") <= PHONE[0]


def test_text_in_pictures_keeps_its_size_on_a_phone(browser: Page, usual: Path) -> None:
    height = "document.querySelector('figure text').getBoundingClientRect().height"
    browser.open(usual, width=DESK[0], height=DESK[1])
    desk = browser.evaluate(height)
    browser.resize(*PHONE)
    assert browser.evaluate(height) == pytest.approx(desk)
    assert desk >= 11


def test_light_and_dark_are_drawn_in_their_own_colours(browser: Page, usual: Path) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    browser.open(usual, width=DESK[0], height=DESK[1])
    light = browser.evaluate(ground)
    browser.open(usual, width=DESK[0], height=DESK[1], dark=True)
    assert (light, browser.evaluate(ground)) == ("rgb(244, 245, 247)", "rgb(13, 17, 23)")


def test_the_curve_crosses_its_limit_where_the_alert_becomes_pending(
    browser: Page, usual: Path
) -> None:
    browser.open(usual, width=DESK[0], height=DESK[1])
    browser.evaluate("document.querySelector('#drill-SlowResponseTime').scrollIntoView()")
    crossing, pending = browser.evaluate(
        """(card => {
            const curve = card.querySelector('.curve'), box = curve.getBoundingClientRect();
            const limit = card.querySelector('path.limit').getBoundingClientRect().y;
            const bar = card.querySelector('.b-pending').getBoundingClientRect();
            const svg = curve.ownerSVGElement, at = svg.createSVGPoint();
            for (const point of curve.points) {
                at.x = point.x; at.y = point.y;
                const drawn = at.matrixTransform(curve.getScreenCTM());
                if (drawn.y < limit) return [drawn.x, bar.x];
            }
        })(document.querySelector('#drill-SlowResponseTime'))"""
    )
    step = 0.25 / 16 * DESK[0]  # one evaluation, of the 16 seconds that the picture shows
    assert abs(crossing - pending) <= 4 * step


def test_every_picture_has_a_name_for_whoever_cannot_see_it(browser: Page, usual: Path) -> None:
    browser.open(usual, width=DESK[0], height=DESK[1])
    assert browser.evaluate(
        """[...document.querySelectorAll('svg[role=img]')].every(one =>
            one.getAttribute('aria-label') || one.getAttribute('aria-labelledby')
                .split(' ').every(id => document.getElementById(id).textContent))"""
    )


def test_whoever_uses_the_keyboard_reaches_what_scrolls(browser: Page, usual: Path) -> None:
    browser.open(usual, width=PHONE[0], height=PHONE[1])
    assert browser.evaluate(
        "[...document.querySelectorAll('.scroll')].every(one => one.tabIndex === 0)"
    )


def test_paper_shows_what_is_folded_on_the_screen(
    browser: Page, usual: Path, tmp_path: Path
) -> None:
    height = """[...document.querySelectorAll('details:not([open]) > :not(summary)')].map(
        one => one.getBoundingClientRect().height)"""
    browser.open(usual, width=DESK[0], height=DESK[1], dark=True)
    folded = browser.evaluate(height)
    browser.open(usual, width=DESK[0], height=DESK[1], dark=True, paper=True)
    assert min(browser.evaluate(height)) > 0
    assert folded
    assert browser.evaluate("getComputedStyle(document.body).backgroundColor") == (
        "rgb(244, 245, 247)"
    )
    printed = browser.pdf(tmp_path / "page.pdf").read_bytes()
    assert printed.startswith(b"%PDF")
    assert printed.count(b"/Type /Page\n") >= 3
