"""From options and environment to a `DeploymentTarget`, or one line that says what can't be meant.

One rule: everything is read once, here, before anybody is asked; a line never repeats a secret.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypeVar, get_args

from scenarios.deployment.needs import variable
from scenarios.deployment.options import ALL_STAGES, SETTINGS, Setting
from scenarios.deployment.target import (
    STAGES,
    DeploymentTarget,
    PageTest,
    Watcher,
)
from stack.clients.address import AddressError, address, is_read_on_the_way
from stack.logs.connection import Connection
from stack.logs.lifecycle import RETENTION_DAYS
from stack.logs.settings import SettingsError, secret
from stack.production import Production, production_files

T = TypeVar("T")

LEAST_DEADLINE_SECONDS = 5.0
"""With less, starting Python would be most of it."""

_YES = {"1", "true", "yes", "on"}
_NO = {"0", "false", "no", "off"}


class TargetError(ValueError):
    """What was asked can't be meant: one line that names the option or variable."""


class Given:
    """What was asked: an option, else its variable, else nothing. Empty counts as nothing."""

    def __init__(self, options: Callable[[str], object], environment: Mapping[str, str]) -> None:
        self._options = options
        self._environment = environment

    def values(self, option: str) -> tuple[str, ...]:
        """Return what was given, in its order. Raises TargetError for none of its choices."""
        setting = _SETTING[option]
        asked = self._options(option)
        name = option
        if asked is None:
            name = variable(option)
            text = self._environment.get(name, "")
            found = text.split(",") if setting.kind == "several" else [text]
        else:
            found = [str(one) for one in asked] if isinstance(asked, list) else [str(asked)]
        values = tuple(one.strip() for one in found if one.strip())
        for value in values:
            if setting.choices and value not in setting.choices:
                raise TargetError(f"{name}: unknown {value!r}; known: {', '.join(setting.choices)}")
        return values

    def text(self, option: str, default: str = "") -> str:
        """Return the last value that was given."""
        return (self.values(option) or (default,))[-1]

    def flag(self, option: str) -> bool:
        """Return whether it was asked for. Raises TargetError for neither yes nor no."""
        text = self.text(option, "no").lower()
        if text not in _YES | _NO:
            raise TargetError(f"{variable(option)}: {text!r} is neither yes nor no")
        return text in _YES

    def number(self, option: str, default: float, *, least: float, below: float) -> float:
        """Return a number from `least` on and below `below`. Raises TargetError."""
        text = self.text(option)
        if not text:
            return default
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not least <= value < below:
            top = "" if below == float("inf") else f" and below {below:g}"
            raise TargetError(f"{option}: {text!r} is no number from {least:g} on{top}")
        return value

    def path(self, option: str) -> Path | None:
        """Return a path as it was given."""
        text = self.text(option)
        return Path(text) if text else None


_SETTING: Mapping[str, Setting] = {one.option: one for one in SETTINGS}


def read_target(
    options: Callable[[str], object], environment: Mapping[str, str]
) -> DeploymentTarget:
    """Return what is to be looked at; `options` returns what was given for an option, or None.

    Raises TargetError.
    """
    given = Given(options, environment)
    kind = given.text("--environment", "production")
    watchers: dict[Watcher, str] = {}
    tokens: dict[Watcher, str] = {}
    for name in get_args(Watcher):
        if url := given.text(f"--{name}-url"):
            watchers[name] = _url(f"--{name}-url", url)
        if token := _token(given, f"--{name}-token-file"):
            tokens[name] = token
    days = given.number("--retention-days", RETENTION_DAYS[kind], least=1, below=36_501)
    timeout = given.number("--request-timeout", 5.0, least=0.1, below=float("inf"))
    target = DeploymentTarget(
        services=tuple(_url("--target", one) for one in given.values("--target")),
        metrics_path=_path(given, "--metrics-path", "/api/metrics").rstrip("/"),
        probe_path=_path(given, "--probe-path", "/"),
        watchers=watchers,
        elasticsearch=_elasticsearch(given, environment, timeout),
        service=given.text("--service"),
        distribution=given.text("--distribution", "alertproof"),
        environment=kind,
        retention_days=round(days),
        files=_files(given),
        secrets_directory=given.path("--secrets"),
        log_directory=given.path("--log-directory"),
        ca_file=_there(given, "--ca-file"),
        token=_token(given, "--token-file"),
        watcher_tokens=tokens,
        allowed_alerts=frozenset(given.values("--allow-alert")),
        unused_alerts=frozenset(given.values("--without-alert")),
        budget_minimum_ratio=given.number("--budget-minimum", 0.0, least=0.0, below=1.0),
        log_delay_seconds=given.number("--log-delay", 5.0, least=0.0, below=float("inf")),
        timeout_seconds=timeout,
        deadline_seconds=given.number(
            "--deadline", 60.0, least=LEAST_DEADLINE_SECONDS, below=float("inf")
        ),
        page_test=_page_test(given),
        fail_on=given.text("--fail-on", "unknown"),
        summary_files=_summaries(given, environment),
    )
    return _without_secret_in_clear(target)


def read_stages(options: Callable[[str], object], environment: Mapping[str, str]) -> frozenset[str]:
    """Return the stages whose checks are wanted. Raises TargetError."""
    asked = Given(options, environment).text("--stage", ALL_STAGES)
    return frozenset(STAGES if asked == ALL_STAGES else (asked,))


def _url(option: str, text: str) -> str:
    try:
        return address(text)
    except AddressError as error:
        raise TargetError(f"{option}: {error}") from error


def _path(given: Given, option: str, default: str) -> str:
    text = given.text(option, default)
    if not text.startswith("/"):
        raise TargetError(f"{option}: {text!r} is no path; it should begin with a slash")
    return text


def _there(given: Given, option: str) -> Path | None:
    path = given.path(option)
    if path is not None and not path.is_file():
        raise TargetError(f"{option}: there is no file {path}")
    return path


def _token(given: Given, option: str) -> str | None:
    path = given.text(option)
    if not path:
        return None
    name = variable(option)
    try:
        return secret({name: path}, name.removesuffix("_FILE"))
    except SettingsError as error:
        raise TargetError(str(error)) from error


def _files(given: Given) -> Production:
    files = production_files()
    if rules := _there(given, "--loaded-rules"):
        files = replace(files, rules=rules)
    if routing := _there(given, "--loaded-routing"):
        files = replace(files, alertmanager=routing)
    return files


def _elasticsearch(
    given: Given, environment: Mapping[str, str], timeout: float
) -> Connection | None:
    url = given.text("--elasticsearch-url") or environment.get("ELASTICSEARCH_URL", "")
    if not url:
        return None
    try:
        connection = Connection.from_env({**environment, "ELASTICSEARCH_URL": url})
    except SettingsError as error:
        raise TargetError(str(error)) from error
    urls = tuple(_url("--elasticsearch-url", one) for one in connection.urls)
    return replace(connection, urls=urls, timeout_seconds=timeout)


def _page_test(given: Given) -> PageTest | None:
    severity = given.text("--page-test")
    confirm = given.flag("--confirm")
    if confirm and not severity:
        raise TargetError("--confirm asks about a test alert: give --page-test too")
    return PageTest(severity=severity, confirm=confirm) if severity else None


def _summaries(given: Given, environment: Mapping[str, str]) -> tuple[Path, ...]:
    texts = (given.text("--summary"), environment.get("GITHUB_STEP_SUMMARY", ""))
    return tuple(dict.fromkeys(Path(one) for one in texts if one))


def _without_secret_in_clear(target: DeploymentTarget) -> DeploymentTarget:
    """Refuse to send a token where everybody on the way reads it."""
    told = [(one, target.token, "--token-file") for one in target.services]
    told += [
        (url, target.watcher_tokens.get(name), f"--{name}-token-file")
        for name, url in target.watchers.items()
    ]
    for url, token, option in told:
        if token and is_read_on_the_way(url):
            raise TargetError(f"{option}: the token would go to {url} unencrypted; use https")
    return target
