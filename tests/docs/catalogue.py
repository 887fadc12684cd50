"""The tables of alerts, thresholds and scenarios in the guides, made from the rules and scenarios.

    python -m tests.docs.catalogue

writes them into the documents; a test compares them, so that neither can change alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from scenarios import catalogue
from scenarios.expectation import RECEIVERS
from scenarios.model import BUDGETS, MAIN, Drill
from stack import promql
from stack.durations import format_duration
from stack.production import production_files
from stack.receivers import DEAD_MANS_SWITCH
from stack.recorded import reads
from stack.rules import RecordingRule, load_rules
from tests.docs.reference import ROOT, TABLE, table

SETUP = ROOT / "docs" / "MONITORING-SETUP.md"
DRILLS = ROOT / "docs" / "drills.md"
DOCUMENTS = (SETUP, DRILLS)

RULES = load_rules(production_files().rules.read_text(encoding="utf-8"), "alert-rules.yml")
CHOICE = re.compile(r"\{\{-? if .*?\}\}(?P<yes>.*?)\{\{-? else -?\}\}(?P<no>.*?)\{\{-? end -?\}\}")


def alerts_table() -> str:
    """Every alert: how bad, what its notification says, after how long, and who is told."""
    rows = [
        (
            f"[{rule.name}](runbooks/{rule.name}.md)",
            rule.labels["severity"],
            rule.labels["category"],
            in_words(rule.annotations["summary"]),
            format_duration(rule.for_) if rule.for_ else "at once",
            ", ".join(sorted(RECEIVERS[rule.labels["severity"]])),
        )
        for rule in RULES.alerts
    ]
    return table(("alert", "severity", "category", "what it says", "after", "who is told"), rows)


def thresholds_table() -> str:
    """Every threshold: its number, and the alerts that read it."""
    readers = {rule.name: reads(promql.parse(rule.expr)) for rule in RULES.rules}

    def read_by(threshold: RecordingRule) -> Iterator[str]:
        labels = ",".join(f'{name}="{value}"' for name, value in threshold.labels.items())
        for rule in RULES.rules:
            chosen = f"{threshold.name}{{{labels}}}" in rule.expr
            if threshold.name in readers[rule.name] and (
                chosen or f"{threshold.name}{{" not in rule.expr
            ):
                yield rule.name if ":" not in rule.name else f"`{rule.name}`"

    rows = [
        (
            f"`{rule.name}`" + "".join(f" of {value}" for value in rule.labels.values()),
            f"{rule.constant:.15g}",
            rule.group,
            ", ".join(dict.fromkeys(read_by(rule))),
        )
        for rule in RULES.recordings
        if rule.constant is not None
    ]
    return table(("threshold", "is", "group", "who reads it"), rows)


def scenarios_table() -> str:
    """Every scenario: what is broken, what must fire, what else may, and what it takes."""
    rows = [
        (
            f"[{drill.id}](../scenarios/catalogue/{file}.py)",
            broken,
            _must(drill),
            ", ".join(sorted(drill.may_fire)),
            _stack(drill),
            ", ".join(sorted(drill.requires)),
        )
        for drill, file, broken in sorted(_scenarios(), key=lambda row: row[0].id)
    ]
    return table(("drill", "what is broken", "must fire", "may fire too", "stack", "needs"), rows)


def _scenarios() -> Iterator[tuple[Drill, str, str]]:
    """Yield each scenario with its file's name and the first sentences of its docstring."""
    for module in iter_modules(catalogue.__path__):
        one = import_module(f"{catalogue.__name__}.{module.name}")
        said = (one.__doc__ or "").strip().partition("\n\n")[0]
        yield one.DRILL, module.name, " ".join(said.split())


def in_words(template: str) -> str:
    """Return an annotation as a person would say it, without knowing of which service."""
    said = CHOICE.sub(lambda match: f"{match['yes']} or {match['no']}", template)
    said = re.sub(r"\{\{ \$labels\.(\w+) \}\}", r"*\1*", said)
    said = re.sub(r"\{\{ \$value \| humanizePercentage \}\}", "N%", said)
    said = re.sub(r"\{\{ [^}]*\$value[^}]* \}\}", "N", said)
    return " ".join(said.split())


def _must(drill: Drill) -> str:
    if not drill.fires:
        return "nothing"
    if drill.heartbeat:
        return f"the {DEAD_MANS_SWITCH}, as {drill.alert} is missing"
    hushed = [
        f"{alert} (hushed" + (", told afterwards)" if alert in drill.uncovers else ")")
        for alert in sorted(drill.hushes)
    ]
    return ", ".join([drill.alert, *hushed])


def _stack(drill: Drill) -> str:
    return {MAIN: "common", BUDGETS: "error budgets"}.get(drill.watched_by, "its own")


TABLES = {
    "alerts": alerts_table,
    "thresholds": thresholds_table,
    "scenarios": scenarios_table,
}


def written(document: Path) -> dict[str, str]:
    """Return the tables that stand in a document, by their names."""
    return {match["name"]: match["text"] for match in TABLE.finditer(document.read_text())}


def main() -> None:
    """Write each table between its markers."""
    for document in DOCUMENTS:
        text = document.read_text()
        document.write_text(
            TABLE.sub(lambda m: f"{m['begin']}{TABLES[m['name']]()}{m['end']}", text)
        )


if __name__ == "__main__":
    main()
