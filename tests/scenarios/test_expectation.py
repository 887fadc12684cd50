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
        ("{{ $who := $labels.service }}{{ $who }} is slow", "shop is slow"),
        ("slow{{ if $a }} as a{{ else if $b }} as b{{ end }}", "slow"),
        ("{{ $n := 1 }}{{ if true }}{{ $n = 2 }}{{ end }}is slow", "is slow"),
        ("{{/* of the team */}}it is slow{{- /* and more */ -}}", "it is slow"),
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
        ("{{ $value }} is slow", " is slow"),
    ],
)
def test_anything_else_is_not(template: str, other: str) -> None:
    assert not re.fullmatch(pattern_of(template), other)
