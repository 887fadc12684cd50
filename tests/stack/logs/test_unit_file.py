"""The unit of the guide starts the shipper, and starts it again however quickly it fails."""

from __future__ import annotations

from configparser import RawConfigParser

import pytest

from tests.docs.guide import ROOT, blocks

SYSTEMD_STARTS, SYSTEMD_SECONDS = 5, 10
"""systemd's StartLimitBurst and StartLimitIntervalSec, where a unit says nothing."""


@pytest.fixture
def unit() -> RawConfigParser:
    """The unit as systemd reads it."""
    (text,) = blocks("title", ROOT / "docs" / "logs.md").values()
    parser = RawConfigParser(strict=False)  # Environment= stands there several times
    parser.optionxform = str  # type: ignore[method-assign,assignment]  # as documented
    parser.read_string(text.replace("\\\n", " "))
    return parser


def test_what_the_unit_waits_for_is_started(unit: RawConfigParser) -> None:
    assert unit["Unit"]["Wants"] == unit["Unit"]["After"] == "network-online.target"


def test_no_number_of_quick_failures_is_the_end(unit: RawConfigParser) -> None:
    assert unit["Service"]["Restart"] == "always"
    assert int(unit["Service"]["RestartSec"]) * SYSTEMD_STARTS > SYSTEMD_SECONDS
