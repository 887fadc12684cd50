"""What observing adds to each request, beside the common ways to do the same.

    python -m benchmarks requests
    python -m benchmarks requests --profile ours      # where one contender's time goes

Added time is each contender's round less the bare application's round of the same rotation.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from benchmarks.options import Options
from benchmarks.profiling import profile
from benchmarks.report import Outcome, publish
from benchmarks.rounds import Contender, Rounds, take_turns
from benchmarks.spread import Spread, differences, spread
from benchmarks.targets import Target

ROTATIONS, UNITS, WARM_UP = 60, 300, 1500
PROFILED = 20_000
EXPORTER_RATIO, TELEMETRY_RATIO = 0.7, 1 / 3
QUIET_RATIO = 0.15
"""Quartiles that lie further apart than this share of the median say that others were at work."""

_SILENT = frozenset({"bare", "ours-metrics"})
"""Contenders that write no access records; whoever else has no log has lost all of them."""

_STABLE = {"OTEL_SEMCONV_STABILITY_OPT_IN": "http"}

CONTENDERS = (
    Contender(name="bare", make="benchmarks.apps.bare:make", says="the application alone"),
    Contender(
        name="ours",
        make="benchmarks.apps.ours:make",
        says="instrument(app): metrics, request and trace ids, JSON access record",
    ),
    Contender(
        name="ours-metrics", make="benchmarks.apps.ours:metrics_only", says="its metrics alone"
    ),
    Contender(name="ours-log", make="benchmarks.apps.ours:log_only", says="its log and ids alone"),
    Contender(
        name="exporter",
        make="benchmarks.apps.exporter:make",
        says="prometheus_flask_exporter, own ids, python-json-logger",
    ),
    Contender(
        name="otel-metrics",
        make="benchmarks.apps.telemetry:metrics",
        says="OpenTelemetry metrics, python-json-logger",
        environment=_STABLE,
    ),
    Contender(
        name="otel-traces",
        make="benchmarks.apps.telemetry:metrics_and_traces",
        says="the same with spans, batched and dropped",
        environment=_STABLE,
    ),
    Contender(
        name="ours-workers",
        make="benchmarks.apps.ours:make",
        says="ours in multi-process mode",
        multiprocess=True,
        optional=True,
    ),
    Contender(
        name="exporter-workers",
        make="benchmarks.apps.exporter:make",
        says="the exporter in multi-process mode",
        multiprocess=True,
        optional=True,
    ),
)


def measure(options: Options) -> bool:
    """Run the benchmark; tell whether its targets are met."""
    if options.profile is not None:
        profile(CONTENDERS, options.profile, units=PROFILED)
        return True
    rotations = options.rotations or ROTATIONS
    with tempfile.TemporaryDirectory(prefix="bench-requests-") as name:
        folder = Path(name)
        rounds = take_turns(
            CONTENDERS, folder=folder, rotations=rotations, units=UNITS, warm_up_units=WARM_UP
        )
        expected = WARM_UP + rotations * UNITS
        lost = losses(folder, rounds.wall_seconds.keys() - _SILENT, expected=expected)
    outcome = judged(rounds, lost)
    publish(outcome)
    return outcome.met


def losses(folder: Path, names: Iterable[str], *, expected: int) -> dict[str, int]:
    """Return how many access records of `expected` each of these contenders did not write."""
    return {name: expected - _records(folder / name / "app.log") for name in names}


def judged(rounds: Rounds, lost: Mapping[str, int]) -> Outcome:
    """Turn rounds, and access records that are missing by contender, into a table and targets.

    `lost` must know "ours": where nobody counted there is nothing to judge.
    """
    added = {name: _added_us(rounds.wall_seconds, name) for name in rounds.wall_seconds}
    cpu = {name: _added_us(rounds.cpu_seconds, name) for name in rounds.cpu_seconds}
    ours, exporter, telemetry = (
        added[name].median for name in ("ours", "exporter", "otel-metrics")
    )
    rows = [("bare", f"{spread(rounds.wall_seconds['bare']).median * 1e6:.0f}", *[""] * 5)]
    for name, one in added.items():
        if name == "bare":
            continue
        request_us = spread(rounds.wall_seconds[name]).median * 1e6
        rows.append(
            (
                name,
                f"{request_us:.0f}",
                f"{one.median:.1f}",
                f"{one.lower:.1f} .. {one.upper:.1f}",
                f"{cpu[name].median:.1f}",
                f"{one.median / exporter:.2f}",
                f"{lost[name]}" if name in lost else "-",
            )
        )
    noise = (added["exporter"].upper - added["exporter"].lower) / exporter
    busy = (
        [f"the machine was busy: the exporter's quartiles lie {noise:.0%} apart; repeat when idle"]
        if noise > QUIET_RATIO
        else []
    )
    on = [f"{one.name}: {one.says}" for one in CONTENDERS if one.name not in rounds.refused]
    left_out = [f"{name}: left out, as {reason}" for name, reason in rounds.refused.items()]
    return Outcome(
        name="requests",
        title=f"microseconds a request, {added['ours'].count} rotations of {UNITS} requests",
        columns=("contender", "request", "added", "quartiles", "CPU added", "/ exporter", "lost"),
        rows=rows,
        targets=(
            Target(what="ours / exporter", observed=ours / exporter, limit=EXPORTER_RATIO),
            Target(what="ours / otel-metrics", observed=ours / telemetry, limit=TELEMETRY_RATIO),
            Target(what="access records lost", observed=float(lost["ours"]), limit=0.0),
        ),
        notes=(
            "one pinned core, in process; what a round leaves to its threads is waited for",
            *on,
            *left_out,
            *busy,
        ),
        figures={
            "added_us": {name: _as_dict(one) for name, one in added.items()},
            "cpu_added_us": {name: _as_dict(one) for name, one in cpu.items()},
            "left_out": dict(rounds.refused),
            "lost": dict(lost),
        },
    )


def _added_us(seconds: Mapping[str, Sequence[float]], name: str) -> Spread:
    return spread([one * 1e6 for one in differences(seconds[name], seconds["bare"])])


def _records(log: Path) -> int:
    """Return how many records of requests stand in a log, if there is one; it holds others too."""
    if not log.exists():
        return 0
    with log.open("rb") as file:
        return sum(1 for line in file if b"GET /api/" in line)


def _as_dict(one: Spread) -> dict[str, float]:
    return {"median": one.median, "lower": one.lower, "upper": one.upper, "rounds": one.count}
