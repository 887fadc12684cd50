"""A drill's Prometheus watches the drill's targets and tells the drill's Alertmanager alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from ruamel.yaml.comments import CommentedMap, CommentedSeq

from stack.durations import divide, format_duration
from stack.editing import Editor
from stack.run_addresses import RunAddresses
from stack.timescale import Change, scale_interval
from stack.yamlfile import (
    ConfigurationError,
    key_line,
    line_of,
    read_duration,
    read_yaml,
    write_yaml,
)

__all__ = ["DerivedPrometheus", "derive_prometheus"]

# Defaults of Prometheus (config/config.go: DefaultGlobalConfig; discovery/file/file.go).
_SCRAPE_INTERVAL = timedelta(minutes=1)
_SCRAPE_TIMEOUT = timedelta(seconds=10)
_EVALUATION_INTERVAL = timedelta(minutes=1)
_REFRESH_INTERVAL = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class DerivedPrometheus:
    """A drill's Prometheus configuration, and the durations in it; production's as said."""

    text: str
    changes: tuple[Change, ...]
    production_scrape_interval: timedelta
    scrape_interval: timedelta
    scrape_timeout: timedelta
    evaluation_interval: timedelta


def derive_prometheus(
    text: str, *, source: str, rules_name: str, k: float, run: RunAddresses
) -> DerivedPrometheus:
    """Scale a Prometheus configuration by `k` and point it at `run`.

    It must have exactly one job with `file_sd_configs`, which becomes the drill's; jobs with other
    discovery, remote storage and tracing are taken out, for they would reach the world outside.
    At `k` > 1 the scrape time-out is the scaled interval: production's, divided, would be missed by
    a busy service that production would still reach. Raises ConfigurationError.
    """
    document = read_yaml(text, source)
    editor = Editor(source)
    for key in ("remote_write", "remote_read", "tracing", "scrape_config_files"):
        editor.drop(document, key, "")
    defaults = _mapping(document, "global")
    production_interval = read_duration(defaults, "scrape_interval", source, _SCRAPE_INTERVAL)
    evaluation = scale_interval(
        read_duration(defaults, "evaluation_interval", source, _EVALUATION_INTERVAL), k
    )
    interval, timeout = _scrape_times(defaults, editor, source, k, production_interval, "global")
    if k != 1:
        editor.put(defaults, "evaluation_interval", format_duration(evaluation), "global")
        if "rule_query_offset" in defaults:
            offset = read_duration(defaults, "rule_query_offset", source, timedelta(0))
            editor.put(defaults, "rule_query_offset", format_duration(divide(offset, k)), "global")
    editor.put(document, "rule_files", CommentedSeq([rules_name]), "prometheus")
    _point_at_alertmanager(document, editor, run)

    job = _only_job(document, editor, source)
    where = f"scrape_configs[{job.get('job_name')}]"
    if "scrape_interval" in job or "scrape_timeout" in job:
        production_interval = read_duration(job, "scrape_interval", source, production_interval)
        interval, timeout = _scrape_times(job, editor, source, k, production_interval, where)
    for number, discovery in enumerate(job["file_sd_configs"]):
        at = f"{where}.file_sd_configs[{number}]"
        files = CommentedSeq([str(run.prometheus_targets_glob)])
        editor.put(discovery, "files", files, at)
        refresh = read_duration(discovery, "refresh_interval", source, _REFRESH_INTERVAL)
        if k != 1:
            editor.put(discovery, "refresh_interval", format_duration(divide(refresh, k)), at)
    return DerivedPrometheus(
        text=write_yaml(document),
        changes=tuple(editor.changes),
        production_scrape_interval=production_interval,
        scrape_interval=interval,
        scrape_timeout=timeout,
        evaluation_interval=evaluation,
    )


def _scrape_times(
    raw: CommentedMap,
    editor: Editor,
    source: str,
    k: float,
    production_interval: timedelta,
    where: str,
) -> tuple[timedelta, timedelta]:
    interval = scale_interval(production_interval, k)
    if k == 1:
        # Prometheus lowers its default time-out to a shorter interval, but not a written one.
        default = min(_SCRAPE_TIMEOUT, interval)
        return interval, read_duration(raw, "scrape_timeout", source, default)
    editor.put(raw, "scrape_interval", format_duration(interval), where)
    editor.put(raw, "scrape_timeout", format_duration(interval), where)
    return interval, interval


def _point_at_alertmanager(document: CommentedMap, editor: Editor, run: RunAddresses) -> None:
    static = CommentedMap({"targets": CommentedSeq([run.alertmanager])})
    alertmanager = CommentedMap({"static_configs": CommentedSeq([static])})
    editor.put(
        _mapping(document, "alerting"), "alertmanagers", CommentedSeq([alertmanager]), "alerting"
    )


def _only_job(document: CommentedMap, editor: Editor, source: str) -> CommentedMap:
    jobs = document.get("scrape_configs") or CommentedSeq()
    for index in reversed(range(len(jobs))):
        if "file_sd_configs" not in jobs[index]:
            editor.drop_item(jobs, index, "scrape_configs")
    if len(jobs) != 1:
        line = key_line(document, "scrape_configs")
        raise ConfigurationError(
            f"{source}:{line}: a drill needs exactly one job with `file_sd_configs:` to put its "
            f"targets in, and found {len(jobs)}"
        )
    job = jobs[0]
    for key in list(job):
        if str(key) == "static_configs" or (
            str(key).endswith("_sd_configs") and str(key) != "file_sd_configs"
        ):
            editor.drop(job, key, f"scrape_configs[{job.get('job_name')}]")
    if not isinstance(job, CommentedMap) or len(job["file_sd_configs"]) != 1:
        raise ConfigurationError(
            f"{source}:{line_of(job)}: a drill needs exactly one entry in `file_sd_configs:`"
        )
    return job


def _mapping(document: CommentedMap, key: str) -> CommentedMap:
    if document.get(key) is None:
        document[key] = CommentedMap()
    value: CommentedMap = document[key]
    return value
