"""Whether a trial can be had on this machine, or one line that says why not.

Design rule: asked before anything is started; what is fetched to find out is Compose alone.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

from stack.compose.failure import StackFailure
from stack.compose.plugin import find_compose
from stack.images import Engine, image_of, missing, stand_in
from stack.tools.settings import ToolSettings

__all__ = ["EXTRAS", "IMAGES", "why_no_accounts", "why_no_trial"]

IMAGES = ("prometheus", "alertmanager", "softfactory", "postgres")
"""Without one of these there is nothing to bring up."""

EXTRAS = ("elasticsearch", "grafana", "kibana", "logstash")
"""Without one of these, what needs it is left out."""

_PULL = "where a registry is reached: nox -s images -- --pull"
_MAKE = "make them: nox -s images"


def why_no_trial(say: Callable[[str], None], *extras: str) -> str:
    """Return why there is no trial, or none with these images of EXTRAS; "" where there is.

    `say` is told when Compose is fetched.
    """
    if reason := _no_engine():
        return reason
    if reason := _lacking(IMAGES, _MAKE):
        return reason
    if reason := _lacking(extras, _MAKE if extras == ("elasticsearch",) else _PULL):
        return reason
    return _no_compose(say)


def why_no_accounts(say: Callable[[str], None]) -> str:
    """Return why the Elasticsearch of a trial asks nobody who he is, or "" where it does."""
    if reason := why_no_trial(say, "elasticsearch"):
        return reason
    if not stand_in(image_of("elasticsearch")):
        return ""
    return f"the image of elasticsearch is a stand-in without security; {_PULL}"


@functools.cache
def _no_engine() -> str:
    # Loaded where it is asked for: the engine's client takes a third of a second.
    from stack.launch.containers import why_no_engine

    return why_no_engine()


@functools.cache
def _lacking(images: Sequence[str], remedy: str) -> str:
    try:
        absent = missing(Engine(), images)
    except StackFailure as failure:
        return str(failure)
    return f"the engine has no image of {', '.join(absent)}; {remedy}" if absent else ""


@functools.cache
def _no_compose(say: Callable[[str], None]) -> str:
    try:
        find_compose(ToolSettings.from_env(), say)
    except StackFailure as failure:
        return str(failure)
    return ""
