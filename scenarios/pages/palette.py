"""The page's colours, by light and by dark: each name says what it is for.

One rule: text reaches a contrast of 4.5 on what it stands on, and what is drawn 3, as WCAG 2.2 asks
(1.4.3 and 1.4.11); a test computes it from here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

LIGHT: Mapping[str, str] = MappingProxyType(
    {
        "page": "#f4f5f7",
        "card": "#ffffff",
        "ink": "#1b1f24",
        "soft": "#57606a",
        "line": "#d0d7de",
        "link": "#0b57d0",
        "pass": "#116329",
        "fail": "#b3261e",
        "unknown": "#7a4d00",
        "na": "#57606a",
        "on-status": "#ffffff",
        "series": "#0b57d0",
        "series-2": "#8250df",
        "series-3": "#0f766e",
        "series-4": "#9a3412",
        "limit": "#b3261e",
        "fault": "#8250df",
        "pending": "#b0740a",
        "firing": "#cf222e",
        "told": "#0b57d0",
        "over": "#116329",
    }
)
DARK: Mapping[str, str] = MappingProxyType(
    {
        "page": "#0d1117",
        "card": "#161b22",
        "ink": "#e6edf3",
        "soft": "#9ba5b0",
        "line": "#30363d",
        "link": "#79b8ff",
        "pass": "#56d364",
        "fail": "#ff7b72",
        "unknown": "#e3b341",
        "na": "#9ba5b0",
        "on-status": "#0d1117",
        "series": "#79b8ff",
        "series-2": "#d2a8ff",
        "series-3": "#5eead4",
        "series-4": "#ffa657",
        "limit": "#ff7b72",
        "fault": "#bc8cff",
        "pending": "#e3b341",
        "firing": "#ff7b72",
        "told": "#79b8ff",
        "over": "#56d364",
    }
)

ON: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "page": ("ink", "soft", "link", "pass", "fail", "unknown", "na"),
        "card": ("ink", "soft", "link", "pass", "fail", "unknown", "na"),
        "on-status": ("pass", "fail", "unknown", "na"),
    }
)
"""Which colours meet as text and ground: on the page, in a card, and in a verdict's own field."""

DRAWN = (
    *("series", "series-2", "series-3", "series-4", "limit"),
    *("fault", "pending", "firing", "told", "over"),
)
"""What is drawn on a card."""


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours (``#rrggbb``), from 1 to 21, as WCAG 2.2 defines it."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    """Return the relative luminance, from 0 to 1 (WCAG 2.2, "relative luminance")."""
    channels = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (
        one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def variables(colours: Mapping[str, str]) -> str:
    """Return the colours as declarations of CSS variables."""
    return "".join(f"--{name}:{value};" for name, value in colours.items())


def stylesheet() -> Iterator[str]:
    """Yield the rules that set the colours; paper is light whatever the screen was."""
    yield f":root{{color-scheme:light dark;{variables(LIGHT)}}}"
    yield f"@media (prefers-color-scheme:dark){{:root{{{variables(DARK)}}}}}"
    yield f"@media print{{:root{{color-scheme:light;{variables(LIGHT)}}}}}"
