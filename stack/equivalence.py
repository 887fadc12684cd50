"""Prometheus' own parser is asked whether a scaled expression differs in durations alone.

Nothing of this toolkit's own reading of PromQL takes part, so a mistake there shows here.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import requests

from stack.durations import MILLISECOND, divide

__all__ = ["PARSE_TIMEOUT_SECONDS", "equivalent_via_prometheus"]

PARSE_TIMEOUT_SECONDS = 10.0
"""How long Prometheus may take to parse one expression; it takes milliseconds."""

# Where Prometheus' syntax tree holds durations, in milliseconds (web/api/v1/translate_ast.go).
_DURATIONS = frozenset({"range", "offset", "step"})


def equivalent_via_prometheus(original: str, scaled: str, *, k: float, url: str) -> tuple[str, ...]:
    """Return the ways in which `scaled` is not `original` with its durations divided by `k`.

    Empty means equivalent. A number that a rule declares as scaled is reported as well. `url` is a
    running Prometheus (2.54 or later), such as `http://127.0.0.1:9090`. Raises ValueError for an
    expression that it can't parse, and `requests.RequestException` when it doesn't answer.
    """
    return tuple(_differences(_tree(original, url), _tree(scaled, url), k, "expr"))


def _tree(expression: str, url: str) -> object:
    answer = requests.get(
        f"{url.rstrip('/')}/api/v1/parse_query",
        params={"query": expression},
        timeout=PARSE_TIMEOUT_SECONDS,
    )
    body = answer.json()
    if body.get("status") != "success":
        raise ValueError(f"Prometheus can't parse {expression!r}: {body.get('error')}")
    return body["data"]


def _differences(original: object, scaled: object, k: float, where: str) -> Iterator[str]:
    if isinstance(original, dict) and isinstance(scaled, dict) and original.keys() == scaled.keys():
        for key, value in original.items():
            at = f"{where}.{key}"
            if key in _DURATIONS and isinstance(value, int):
                expected = divide(timedelta(milliseconds=value), k) // MILLISECOND
                if scaled[key] != expected:
                    yield f"{at}: {value} ms should become {expected} ms, is {scaled[key]} ms"
            elif key == "matchers":
                # Their order means nothing, and a rewritten selector may list them otherwise.
                yield from _differences(_sorted(value), _sorted(scaled[key]), k, at)
            else:
                yield from _differences(value, scaled[key], k, at)
    elif isinstance(original, list) and isinstance(scaled, list) and len(original) == len(scaled):
        for number, (before, after) in enumerate(zip(original, scaled, strict=True)):
            yield from _differences(before, after, k, f"{where}[{number}]")
    elif original != scaled:
        yield f"{where}: {original!r} became {scaled!r}"


def _sorted(matchers: object) -> object:
    return sorted(matchers, key=str) if isinstance(matchers, list) else matchers
