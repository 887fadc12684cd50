"""A rendered annotation is recognised by its template, whichever branch of a condition it took."""

from __future__ import annotations

import re

import pytest

from scenarios.expectation import pattern_of

ENDS = (
    "Certificate {{ $labels.certificate }} of {{ $labels.service }} "
    "{{ if gt $value 0.0 }}ends in {{ $value | humanizeDuration }}{{ else }}has expired{{ end }}"
)


@pytest.mark.parametrize(
    ("template", "rendered"),
    [
        ("{{ $labels.service }} is down", "shop is down"),
        (ENDS, "Certificate tls of shop ends in 23h 58m"),
        (ENDS, "Certificate tls of shop has expired"),
        ("slow{{ with $value }} by {{ . }}{{ end }}", "slow"),
        ("{{ if $value -}}\n  it is\n{{- else -}}\n  it is not\n{{- end }}", "it is not"),
        ("costs (a) lot: 5 % + {{ $value }}", "costs (a) lot: 5 % + 7"),
    ],
)
def test_what_the_template_renders_is_recognised(template: str, rendered: str) -> None:
    assert re.fullmatch(pattern_of(template), rendered)


@pytest.mark.parametrize(
    ("template", "other"),
    [
        ("{{ $labels.service }} is down", "shop is up"),
        (ENDS, "Certificate tls of shop"),
        (ENDS, "Certificate tls of shop ends in"),
    ],
)
def test_anything_else_is_not(template: str, other: str) -> None:
    assert not re.fullmatch(pattern_of(template), other)
