"""A rule's unit tests run against that rule alone: faster, and a failure can only be its own.

`promtool test rules` evaluates every loaded rule for every case (measured: 20 cases with 10 rules
2.4 s, with one rule 0.13 s), so the rule is copied out of its file. The unit file is not: promtool
reads it byte for byte.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from stack.go_runtime import frugal_environment
from stack.promql import parse
from stack.recorded import Record, sources

__all__ = [
    "ABSENT",
    "FIRES",
    "QUIET",
    "RESOLVES",
    "UnitResult",
    "UnitTestError",
    "isolate",
    "run_unit_tests",
    "shown_by",
]

RULE_FILE = "../alert-rules.yml"
"""What a unit file names as its rules: the production file, seen from stack/unit/."""

FIRES, QUIET, RESOLVES, ABSENT = "fires", "stays quiet", "resolves", "absent data"
"""What unit tests must show of every alert."""

_GAP = re.compile(r"\bstale\b|(?:^|\s)_")
_ABSENT = re.compile(r"\b(?:no|none|nothing|gone|never|absent|missing|without)\b")

TIMEOUT_SECONDS = 300.0
"""Patience with one promtool call. The slowest file takes under 2 s, and much longer where it runs
with the lowest priority beside other work; this only ends a hang."""

_NOT_STARTED = (126, 127)
"""What a shell that starts promtool returns where it can't (POSIX, 2.8.2)."""


class UnitTestError(RuntimeError):
    """The tests could not be run: a file is missing or malformed, or promtool does not start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitResult:
    """What promtool said of one alert's unit tests.

    Attributes:
        alert: the alert's name, which is also the unit file's.
        passed: whether every case held.
        cases: how many named cases the file has; at least one, else it is an error.
        output: what promtool printed, without the name of the temporary folder.
        failed: the names of the cases that do not hold; none if promtool could not read a file.
    """

    alert: str
    passed: bool
    cases: int
    output: str
    failed: tuple[str, ...] = ()


def shown_by(unit_file: Path) -> frozenset[str]:
    """Return which of FIRES, QUIET, RESOLVES and ABSENT the cases of `unit_file` show.

    A case fires where it expects an alert, and resolves where it expects none at a later time; it
    is quiet where it never expects one, and about absent data where moreover a series is missing,
    goes stale or has a gap. Raises UnitTestError for a file that can't be read.
    """
    shown: set[str] = set()
    for case in _load(unit_file).get("tests") or ():
        looks = [bool(look.get("exp_alerts")) for look in case.get("alert_rule_test") or ()]
        series = case.get("input_series") or ()
        gaps = any(_GAP.search(str(one.get("values", ""))) for one in series)
        if any(looks):
            shown.add(FIRES)
            shown |= {RESOLVES} if False in looks[looks.index(True) :] else set()
        elif looks:
            shown.add(QUIET)
        if looks and (not series or gaps or _ABSENT.search(str(case.get("name", "")))):
            shown.add(ABSENT)
    return frozenset(shown)


def run_unit_tests(promtool: Sequence[str], rules: Path, unit_file: Path) -> UnitResult:
    """Run `unit_file` against its alert's rule in `rules`, taken out of its file.

    Args:
        promtool: the command that starts promtool, for example ``("promtool",)``.
        rules: a rule file, unscaled: the tests are in virtual time.
        unit_file: a promtool unit test file, named ``<AlertName>.yml``. Its one `rule_files` entry
            is RULE_FILE, so that ``promtool test rules`` by hand takes it as well.

    Raises:
        UnitTestError: a file can't be read, the alert isn't in `rules`, a case has no name or
            shares it, a case tests another alert, or promtool can't be started or does not end.
    """
    alert = unit_file.stem
    document = _load(unit_file)
    if document.get("rule_files") != [RULE_FILE]:
        raise UnitTestError(f"{unit_file}: write `rule_files: [{RULE_FILE}]`, and nothing else")
    names = _case_names(document, alert, unit_file)
    with tempfile.TemporaryDirectory(prefix="unit-tests-") as folder:
        # The unit file is copied as it is, two folders deep, so that its own rule_files entry finds
        # the isolated rule: written anew, a series such as 0x59 would come back as the number 89.
        tests = Path(folder, "unit", unit_file.name)
        tests.parent.mkdir()
        shutil.copyfile(unit_file, tests)
        _dump(isolate(rules, alert), tests.parent / RULE_FILE)
        passed, output = _promtool(promtool, tests)
        return UnitResult(
            alert=alert,
            passed=passed,
            cases=len(names),
            output=output.replace(f"{folder}/", "").strip(),
            failed=() if passed else _failing(output, names),
        )


def isolate(rules: Path, alert: str) -> Mapping[str, Any]:
    """Return the rule file's content with only `alert`, and the recording rules that it reads.

    Those keep their order, their groups and the groups' intervals. Raises UnitTestError, which
    lists the known alerts, when there is no such alert.
    """
    groups = _parsed(_text(rules), rules).get("groups") or ()
    known = [rule["alert"] for group in groups for rule in group["rules"] if "alert" in rule]
    if alert not in known:
        raise UnitTestError(f"{rules} has no alert {alert!r}; it has {', '.join(known)}")
    records = [_record(rule) for group in groups for rule in group["rules"] if "record" in rule]
    wanted = {
        id(record)
        for group in groups
        for rule in group["rules"]
        if rule.get("alert") == alert
        for record in sources(parse(str(rule["expr"])), records)
    }
    of_rule = iter(records)
    kept = (
        {
            **group,
            "rules": [
                rule
                for rule in group["rules"]
                if (id(next(of_rule)) in wanted if "record" in rule else rule["alert"] == alert)
            ],
        }
        for group in groups
    )
    return {"groups": [group for group in kept if group["rules"]]}


def _record(rule: Mapping[str, Any]) -> Record:
    return Record(name=rule["record"], labels=rule.get("labels") or {}, expr=str(rule["expr"]))


def _case_names(document: Mapping[str, Any], alert: str, unit_file: Path) -> tuple[str, ...]:
    cases = document.get("tests") or ()
    names = tuple(str(case.get("name", "")) for case in cases)
    if not names or not all(names) or len(set(names)) != len(names):
        raise UnitTestError(f"{unit_file}: each test needs a `name:` of its own, found {names}")
    for name, case in zip(names, cases, strict=True):
        tested = {each["alertname"] for each in case.get("alert_rule_test") or ()}
        if tested != {alert}:
            # promtool holds "no such alert fires" of any unknown name: a typo would always pass.
            raise UnitTestError(
                f"{unit_file}: {name!r} must test {alert} and nothing else, tests {sorted(tested)}"
            )
    return names


def _failing(output: str, names: Sequence[str]) -> tuple[str, ...]:
    """Return the cases that `output` names: promtool says `name: <name>,` above what differs."""
    return tuple(name for name in names if f"name: {name},\n" in output)


def _promtool(promtool: Sequence[str], tests: Path) -> tuple[bool, str]:
    command = [*promtool, "test", "rules", str(tests)]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT_SECONDS,
            env=frugal_environment(),
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UnitTestError(f"could not run {' '.join(command)}: {error}") from error
    if done.returncode in _NOT_STARTED:
        raise UnitTestError(f"could not run {' '.join(command)}: {done.stderr.strip()}")
    return done.returncode == 0, done.stdout + done.stderr


def _load(path: Path) -> Mapping[str, Any]:
    return _parse(_text(path), path)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise UnitTestError(f"could not read {path}: {error}") from error


def _parse(text: str, path: Path) -> Mapping[str, Any]:
    try:
        loaded = YAML(typ="safe", pure=True).load(text)
    except (ValueError, YAMLError) as error:
        raise UnitTestError(f"could not read {path}: {error}") from error
    if not isinstance(loaded, dict):
        raise UnitTestError(f"{path} is not a YAML mapping")
    return loaded


@lru_cache(maxsize=1)
def _parsed(text: str, path: Path) -> Mapping[str, Any]:
    """Parse a rule file once for all its alerts; by its content, so that a change is seen."""
    return _parse(text, path)


def _dump(content: Mapping[str, Any], path: Path) -> None:
    yaml = YAML(typ="safe", pure=True)
    yaml.width = 10_000
    yaml.default_flow_style = False  # in `{...}` promtool does not read the bare `?` of an address
    with path.open("w", encoding="utf-8") as file:
        yaml.dump(dict(content), file)
