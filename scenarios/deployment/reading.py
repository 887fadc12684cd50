"""From options and environment to a `DeploymentTarget`, or one line that says what can't be meant.

One rule: everything is read once, here, before anybody is asked; a line never repeats a secret.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import get_args

from scenarios.deployment.options import ALL_STAGES, SETTINGS, Setting
from scenarios.deployment.target import (
    STAGES,
    DeploymentTarget,
    PageTest,
    Watcher,
)
from stack.clients.server import read_address, read_authority, read_server, read_watcher
from stack.logs.connection import Connection
from stack.logs.lifecycle import RETENTION_DAYS
from stack.production import Production, production_files
from stack.settings import SettingsError, variable

LEAST_DEADLINE_SECONDS = 5.0
"""With less, starting Python would be most of it."""

_YES = {"1", "true", "yes", "on"}
_NO = {"0", "false", "no", "off"}


class Given:
    """What was asked: an option, else its variable, else nothing. Empty counts as nothing."""

    def __init__(self, options: Callable[[str], object], environment: Mapping[str, str]) -> None:
        self._options = options
        self._environment = environment

    def values(self, option: str) -> tuple[str, ...]:
        """Return what was given, in its order. Raises SettingsError for none of its choices."""
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
                raise SettingsError(
                    f"{name}: unknown {value!r}; known: {', '.join(setting.choices)}"
                )
        return values

    def text(self, option: str, default: str = "") -> str:
        """Return the last value that was given."""
        return (self.values(option) or (default,))[-1]

    def flag(self, option: str) -> bool:
        """Return whether it was asked for. Raises SettingsError for neither yes nor no."""
        text = self.text(option, "no").lower()
        if text not in _YES | _NO:
            raise SettingsError(f"{variable(option)}: {text!r} is neither yes nor no")
        return text in _YES

    def number(self, option: str, default: float, *, least: float, below: float) -> float:
        """Return a number from `least` on and below `below`. Raises SettingsError."""
        text = self.text(option)
        if not text:
            return default
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not least <= value < below:
            top = "" if below == float("inf") else f" and below {below:g}"
            raise SettingsError(f"{option}: {text!r} is no number from {least:g} on{top}")
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

    Raises SettingsError.
    """
    given = Given(options, environment)
    kind = given.text("--environment", "production")
    names: tuple[Watcher, ...] = get_args(Watcher)
    watchers = {name: one for name in names if (one := read_watcher(given.text, name))}
    days = given.number("--retention-days", RETENTION_DAYS[kind], least=1, below=36_501)
    timeout = given.number("--request-timeout", 5.0, least=0.1, below=float("inf"))
    return DeploymentTarget(
        services=tuple(
            read_server(one, given.text, option="--target", token_option="--token-file")  # noqa: S106 (an option)
            for one in given.values("--target")
        ),
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


def read_stages(options: Callable[[str], object], environment: Mapping[str, str]) -> frozenset[str]:
    """Return the stages whose checks are wanted. Raises SettingsError."""
    asked = Given(options, environment).text("--stage", ALL_STAGES)
    return frozenset(STAGES if asked == ALL_STAGES else (asked,))


def _path(given: Given, option: str, default: str) -> str:
    text = given.text(option, default)
    if not text.startswith("/"):
        raise SettingsError(f"{option}: {text!r} is no path; it should begin with a slash")
    return text


def _there(given: Given, option: str) -> Path | None:
    path = given.path(option)
    if path is not None and not path.is_file():
        raise SettingsError(f"{option}: there is no file {path}")
    return path


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
    connection = Connection.from_env({**environment, "ELASTICSEARCH_URL": url})
    urls = tuple(read_address(one, "--elasticsearch-url") for one in connection.urls)
    ca_file = connection.ca_file
    if ca_file is None and urls[0].startswith("https:"):
        ca_file = read_authority(given.text)
    return replace(connection, urls=urls, ca_file=ca_file, timeout_seconds=timeout)


def _page_test(given: Given) -> PageTest | None:
    severity = given.text("--page-test")
    confirm = given.flag("--confirm")
    if confirm and not severity:
        raise SettingsError("--confirm asks about a test alert: give --page-test too")
    return PageTest(severity=severity, confirm=confirm) if severity else None


def _summaries(given: Given, environment: Mapping[str, str]) -> tuple[Path, ...]:
    texts = (given.text("--summary"), environment.get("GITHUB_STEP_SUMMARY", ""))
    return tuple(dict.fromkeys(Path(one) for one in texts if one))
