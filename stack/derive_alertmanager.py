"""A drill's Alertmanager notifies doubles alone: a destination that can't be moved is refused."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Literal

from ruamel.yaml.comments import CommentedMap, CommentedSeq

from stack.durations import divide, format_duration
from stack.editing import Editor
from stack.routes import (
    DEFAULT_GROUP_INTERVAL,
    DEFAULT_GROUP_WAIT,
    DEFAULT_REPEAT_INTERVAL,
)
from stack.routing_secrets import TLS_FILES
from stack.run_addresses import RunAddresses
from stack.timescale import Change
from stack.yamlfile import (
    ConfigurationError,
    key_line,
    line_of,
    read_duration,
    read_yaml,
    write_yaml,
)

__all__ = ["TIMEOUT_FLOOR", "DerivedAlertmanager", "Mute", "derive_alertmanager"]

Mute = Literal["never", "always", "as written"]
"""What becomes of production's calendar: no drill's outcome may depend on the hour it runs at."""

TIMEOUT_FLOOR = timedelta(seconds=1)
"""A receiver's `timeout` is not scaled below this: the answer crosses a real, busy machine."""

_ROUTE_TIMES = {
    "group_wait": DEFAULT_GROUP_WAIT,
    "group_interval": DEFAULT_GROUP_INTERVAL,
    "repeat_interval": DEFAULT_REPEAT_INTERVAL,
}
# The integration and the key of the file that says where it delivers to; None: from `global`.
_INTEGRATIONS: dict[str, str | None] = {
    "pagerduty_configs": None,
    "email_configs": None,
    "slack_configs": "api_url_file",
    "webhook_configs": "url_file",
    "discord_configs": "webhook_url_file",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DerivedAlertmanager:
    """A drill's Alertmanager configuration."""

    text: str
    changes: tuple[Change, ...]


def derive_alertmanager(
    text: str,
    *,
    source: str,
    directory: Path,
    k: float,
    run: RunAddresses,
    mute: Mute = "never",
) -> DerivedAlertmanager:
    """Scale an Alertmanager configuration by `k` and point its receivers at the doubles of `run`.

    `directory` is the production file's: templates are named relative to it. Whether mail requires
    TLS stays as production has it; only the authority that signs the server's certificate is the
    run's. `mute` says whether time intervals keep routes from notifying, at every `k`.
    Raises ConfigurationError for an integration, or a destination written into the file, that
    can't be pointed elsewhere: nobody is paged by mistake.
    """
    document = read_yaml(text, source)
    editor = Editor(source)
    _point_global(document, editor, source, k, run)
    for receiver in document.get("receivers") or ():
        _point_receiver(receiver, editor, source, k, run)
    if mute != "as written":
        _set_calendar(document, editor, source, always=mute == "always")
    if k != 1:
        _scale_route(document["route"], editor, source, k, "route", root=True)
    templates = CommentedSeq(
        [str((directory / str(each)).resolve()) for each in document.get("templates") or ()]
    )
    if templates:
        editor.put(document, "templates", templates, "alertmanager")
    return DerivedAlertmanager(text=write_yaml(document), changes=tuple(editor.changes))


def _point_global(
    document: CommentedMap, editor: Editor, source: str, k: float, run: RunAddresses
) -> None:
    if document.get("global") is None:
        document.insert(0, "global", CommentedMap())
    settings: CommentedMap = document["global"]
    if "slack_api_url" in settings:
        raise _refusal(settings, "slack_api_url", "slack_api_url_file", source)
    editor.put(settings, "pagerduty_url", run.pagerduty_url, "global")
    editor.put(settings, "smtp_smarthost", run.smtp_smarthost, "global")
    _trust(settings, "smtp_tls_config", editor, run, "global")
    _move_secrets(settings, editor, run, "global")
    if k != 1 and "resolve_timeout" in settings:
        timeout = read_duration(settings, "resolve_timeout", source, timedelta(0))
        editor.put(settings, "resolve_timeout", format_duration(divide(timeout, k)), "global")


def _point_receiver(
    receiver: CommentedMap, editor: Editor, source: str, k: float, run: RunAddresses
) -> None:
    for kind in receiver:
        if kind == "name":
            continue
        if kind not in _INTEGRATIONS:
            raise ConfigurationError(
                f"{source}:{key_line(receiver, kind)}: receiver {receiver.get('name')!r}: a drill "
                f"has no double for {kind}, and would notify the real one"
            )
        for number, raw in enumerate(receiver[kind] or ()):
            where = f"receivers[{receiver.get('name')}].{kind}[{number}]"
            _point_integration(raw, str(kind), editor, source, run, where)
            if k != 1 and raw.get("timeout") is not None:
                timeout = read_duration(raw, "timeout", source, timedelta(0))
                scaled = max(divide(timeout, k), min(timeout, TIMEOUT_FLOOR))
                editor.put(raw, "timeout", format_duration(scaled), where)


def _point_integration(
    raw: CommentedMap, kind: str, editor: Editor, source: str, run: RunAddresses, where: str
) -> None:
    file_key = _INTEGRATIONS[kind]
    if file_key is not None:
        inline = file_key.removesuffix("_file")
        if inline in raw:
            raise _refusal(raw, inline, file_key, source)
    if kind == "pagerduty_configs":
        for key in ("routing_key", "service_key"):
            if key in raw:
                raise _refusal(raw, key, f"{key}_file", source)
        if "url" in raw:
            editor.put(raw, "url", run.pagerduty_url, where)
    if kind == "email_configs":
        if "smarthost" in raw:
            editor.put(raw, "smarthost", run.smtp_smarthost, where)
        if "tls_config" in raw:
            _trust(raw, "tls_config", editor, run, where)
    _move_secrets(raw, editor, run, where)


def _trust(raw: CommentedMap, key: str, editor: Editor, run: RunAddresses, where: str) -> None:
    if raw.get(key) is None:
        raw[key] = CommentedMap()
    editor.put(raw[key], "ca_file", str(run.smtp_ca_file), f"{where}.{key}")


def _move_secrets(raw: CommentedMap, editor: Editor, run: RunAddresses, where: str) -> None:
    """Point every secret's file, however deep, at the run's directory, under the same name."""
    for key, value in list(raw.items()):
        if isinstance(value, CommentedMap):
            _move_secrets(value, editor, run, f"{where}.{key}")
        elif str(key).endswith("_file") and key not in TLS_FILES:
            editor.put(raw, key, str(run.secrets_directory / Path(str(value)).name), where)


def _set_calendar(document: CommentedMap, editor: Editor, source: str, *, always: bool) -> None:
    """Let the named intervals hold always or never, so that all routes that use them are muted.

    The routes stay as they are: it is their use of the interval that a drill proves.
    """
    muting, active = _used_intervals(document["route"])
    for key in ("time_intervals", "mute_time_intervals"):
        for named in document.get(key) or ():
            name = str(named.get("name"))
            if name in muting and name in active:
                raise ConfigurationError(
                    f"{source}:{line_of(named)}: time interval {name!r} mutes one route and is "
                    "another's active time, so a drill can't mute both or neither; define it twice"
                )
            whole = always is not (name in active)
            editor.put(
                named,
                "time_intervals",
                [{"times": [{"start_time": "00:00", "end_time": "24:00"}]}] if whole else [],
                f"{key}[{name}]",
            )


def _used_intervals(route: CommentedMap) -> tuple[set[str], set[str]]:
    """Return the names of intervals that mute routes, and of those that routes are active in."""
    muting = {str(name) for name in route.get("mute_time_intervals") or ()}
    active = {str(name) for name in route.get("active_time_intervals") or ()}
    for child in route.get("routes") or ():
        below = _used_intervals(child)
        muting |= below[0]
        active |= below[1]
    return muting, active


def _scale_route(
    raw: CommentedMap, editor: Editor, source: str, k: float, where: str, *, root: bool
) -> None:
    """Scale a route's own times; the root's defaults too, which the tree below would inherit."""
    for key, default in _ROUTE_TIMES.items():
        if root or raw.get(key) is not None:
            scaled = divide(read_duration(raw, key, source, default), k)
            editor.put(raw, key, format_duration(scaled), where)
    for number, child in enumerate(raw.get("routes") or ()):
        _scale_route(child, editor, source, k, f"{where}.routes[{number}]", root=False)


def _refusal(raw: CommentedMap, key: str, file_key: str, source: str) -> ConfigurationError:
    line = key_line(raw, key) if key in raw else line_of(raw)
    return ConfigurationError(
        f"{source}:{line}: `{key}:` is written into the file, so a drill would use production's; "
        f"put it in a file of its own and name that with `{file_key}:`"
    )
