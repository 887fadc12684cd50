"""A drill's Prometheus watches the drill's targets, its Alertmanager and itself, and none else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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

_DISCOVERY = "file_sd_configs"
# How production's own watchers may be reached; a drill's are plain HTTP on the loopback address.
_PROTECTION = ("scheme", "tls_config", "basic_auth", "authorization", "oauth2", "proxy_url")


@dataclass(frozen=True, slots=True, kw_only=True)
class DerivedPrometheus:
    """A drill's Prometheus configuration, and what it says of scrapes; production's as said.

    `sample_limit` is how many samples a scrape of the drill's targets may yield, 0 any number;
    `watcher_interval` how often Prometheus and Alertmanager themselves are scraped, at least.
    """

    text: str
    changes: tuple[Change, ...]
    production_scrape_interval: timedelta
    scrape_interval: timedelta
    scrape_timeout: timedelta
    evaluation_interval: timedelta
    watcher_interval: timedelta
    sample_limit: int


def derive_prometheus(
    text: str,
    *,
    source: str,
    rules_name: str,
    k: float,
    run: RunAddresses,
    relabel: Sequence[Mapping[str, object]] = (),
) -> DerivedPrometheus:
    """Scale a Prometheus configuration by `k` and point it at `run`.

    It must have exactly one job with `file_sd_configs`, which becomes the drill's. The jobs
    `prometheus` and `alertmanager` are pointed at the run's own two; all others, remote storage and
    tracing are taken out, for they would reach the world outside.
    At `k` > 1 the scrape time-out is the scaled interval: production's, divided, would be missed by
    a busy service that production would still reach. `relabel` is added to the drill's job, after
    what it relabels already. Raises ConfigurationError.
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

    watchers = {"prometheus": run.prometheus, "alertmanager": run.alertmanager}
    job = _keep_jobs(document, editor, source, watchers)
    watcher_interval = interval
    for each in document["scrape_configs"]:
        where = f"scrape_configs[{each.get('job_name')}]"
        if each is not job:
            _point_at_watcher(each, editor, watchers[str(each["job_name"])], where)
        if "scrape_interval" in each or "scrape_timeout" in each:
            written = read_duration(each, "scrape_interval", source, production_interval)
            times = _scrape_times(each, editor, source, k, written, where)
            if each is job:
                production_interval, (interval, timeout) = written, times
            else:
                watcher_interval = max(watcher_interval, times[0])
    _point_at_targets(job, editor, source, k, run)
    if relabel:
        steps = [*(job.get("metric_relabel_configs") or ()), *map(dict, relabel)]
        where = f"scrape_configs[{job.get('job_name')}]"
        editor.put(job, "metric_relabel_configs", CommentedSeq(steps), where)
    return DerivedPrometheus(
        text=write_yaml(document),
        changes=tuple(editor.changes),
        production_scrape_interval=production_interval,
        scrape_interval=interval,
        scrape_timeout=timeout,
        evaluation_interval=evaluation,
        watcher_interval=watcher_interval,
        sample_limit=int(job.get("sample_limit", defaults.get("sample_limit", 0))),
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


def _point_at_targets(
    job: CommentedMap, editor: Editor, source: str, k: float, run: RunAddresses
) -> None:
    for number, discovery in enumerate(job[_DISCOVERY]):
        at = f"scrape_configs[{job.get('job_name')}].{_DISCOVERY}[{number}]"
        files = CommentedSeq([str(run.prometheus_targets_glob)])
        editor.put(discovery, "files", files, at)
        refresh = read_duration(discovery, "refresh_interval", source, _REFRESH_INTERVAL)
        if k != 1:
            editor.put(discovery, "refresh_interval", format_duration(divide(refresh, k)), at)


def _point_at_watcher(job: CommentedMap, editor: Editor, address: str, where: str) -> None:
    """Let a job scrape `address` alone, in the clear, under the labels of its first target."""
    labels = next((each.get("labels") for each in job["static_configs"]), None)
    static = CommentedMap({"targets": CommentedSeq([address])})
    if labels:
        static["labels"] = labels
    editor.put(job, "static_configs", CommentedSeq([static]), where)
    for key in _PROTECTION:
        editor.drop(job, key, where)
    _drop_other_discovery(job, editor, "static_configs")


def _keep_jobs(
    document: CommentedMap, editor: Editor, source: str, watchers: Mapping[str, str]
) -> CommentedMap:
    """Take out every job but the one for the drill's targets, which is returned, and `watchers`."""
    jobs = document.get("scrape_configs") or CommentedSeq()
    found = []
    for index in reversed(range(len(jobs))):
        job = jobs[index]
        if _DISCOVERY in job:
            found.append(job)
        elif job.get("job_name") not in watchers or not job.get("static_configs"):
            editor.drop_item(jobs, index, "scrape_configs")
    if len(found) != 1:
        line = key_line(document, "scrape_configs")
        raise ConfigurationError(
            f"{source}:{line}: a drill needs exactly one job with `file_sd_configs:` to put its "
            f"targets in, and found {len(found)}"
        )
    (job,) = found
    _drop_other_discovery(job, editor, _DISCOVERY)
    if not isinstance(job, CommentedMap) or len(job[_DISCOVERY]) != 1:
        raise ConfigurationError(
            f"{source}:{line_of(job)}: a drill needs exactly one entry in `file_sd_configs:`"
        )
    return job


def _drop_other_discovery(job: CommentedMap, editor: Editor, kept: str) -> None:
    for key in [str(key) for key in job]:
        if key != kept and (key == "static_configs" or key.endswith("_sd_configs")):
            editor.drop(job, key, f"scrape_configs[{job.get('job_name')}]")


def _mapping(document: CommentedMap, key: str) -> CommentedMap:
    if document.get(key) is None:
        document[key] = CommentedMap()
    value: CommentedMap = document[key]
    return value
