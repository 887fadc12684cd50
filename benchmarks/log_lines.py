"""How many records a second one process logs to a file, beside the other ways to log JSON.

    python -m benchmarks logs
    python -m benchmarks logs --profile ours

The flush at a round's end is in its time, and the lines in each file are counted afterwards: a
logger that loses records is no faster for it.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.apps.loggers import FILE
from benchmarks.options import Options
from benchmarks.profiling import profile
from benchmarks.report import Outcome, publish
from benchmarks.rounds import Contender, Rounds, take_turns
from benchmarks.spread import ratios, spread
from benchmarks.targets import Target

ROTATIONS, UNITS, WARM_UP = 40, 3000, 3000
PROFILED = 50_000
BASE = "json-logger-orjson"

CONTENDERS = tuple(
    Contender(name=name, make=f"benchmarks.apps.loggers:{function}", says=says)
    for name, function, says in (
        ("ours", "ours", "configure_logging, redaction and limits on"),
        (BASE, "json_orjson", "python-json-logger with orjson"),
        ("json-logger", "json_standard", "python-json-logger with json"),
        ("structlog-orjson", "structlog_orjson", "structlog with orjson, past logging"),
        ("plain", "plain", "the standard library's text, without fields"),
    )
)


def measure(options: Options) -> bool:
    """Run the benchmark; tell whether its target is met."""
    if options.profile is not None:
        profile(CONTENDERS, options.profile, units=PROFILED)
        return True
    rotations = options.rotations or ROTATIONS
    with tempfile.TemporaryDirectory(prefix="bench-logs-") as name:
        folder = Path(name)
        rounds = take_turns(
            CONTENDERS, folder=folder, rotations=rotations, units=UNITS, warm_up_units=WARM_UP
        )
        expected = WARM_UP + rotations * UNITS
        lost = {one.name: expected - _lines(folder / one.name / FILE) for one in CONTENDERS}
    outcome = judged(rounds, lost)
    publish(outcome)
    return outcome.met


def judged(rounds: Rounds, lost: dict[str, int]) -> Outcome:
    """Turn rounds into a table and its target."""
    rates = {
        name: [1 / seconds for seconds in taken] for name, taken in rounds.wall_seconds.items()
    }
    rows, figures = [], {}
    for name, rate in rates.items():
        one, relative = spread(rate), spread(ratios(rate, rates[BASE]))
        rows.append(
            (
                name,
                f"{one.median:,.0f}",
                f"{one.lower:,.0f} .. {one.upper:,.0f}",
                f"{relative.median:.2f}",
                f"{lost[name]}",
            )
        )
        figures[name] = {"median": one.median, "lower": one.lower, "upper": one.upper}
    relative = spread(ratios(rates["ours"], rates[BASE]))
    return Outcome(
        name="logs",
        title=f"records a second, {relative.count} rotations of {UNITS} records",
        columns=("contender", "median", "quartiles", "/ orjson", "lost"),
        rows=rows,
        targets=(
            Target(what=f"ours / {BASE}", observed=relative.median, limit=1.0, at_least=True),
            Target(what="records that ours lost", observed=float(lost["ours"]), limit=0.0),
        ),
        notes=(
            "one process each on one pinned core; the flush at the end is in the time",
            *(f"{one.name}: {one.says}" for one in CONTENDERS),
        ),
        figures={"records_per_second": figures, "lost": lost},
    )


def _lines(path: Path) -> int:
    with path.open("rb") as file:
        return sum(1 for _ in file)
