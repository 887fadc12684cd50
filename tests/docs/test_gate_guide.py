"""The guide to the gate says what options and checks say, and its examples are what they seem."""

from __future__ import annotations

import re
import shlex
from importlib.util import find_spec
from typing import Any

import pytest
from ruamel.yaml import YAML

from scenarios.deployment.needs import INDISPENSABLE, NEEDS
from scenarios.deployment.options import SETTINGS
from scenarios.deployment.reading import read_target
from scenarios.deployment.target import FAIL_ON
from scenarios.failures import CANNOT_RUN
from stack.settings import variable
from tests.docs.gate import GATE, TABLES, written
from tests.docs.guide import ROOT, blocks

TEXT = GATE.read_text()
FILES = blocks("title", GATE)
COMMANDS = blocks("name", GATE)
README = (ROOT / "README.md").read_text()
RUN = "python3 -m venv .venv && .venv/bin/pip install -q nox && .venv/bin/nox -s gate"
VARIABLES = {variable(one.option) for one in SETTINGS}
OPTIONS = {one.option: one for one in SETTINGS}


def test_every_table_is_there() -> None:
    assert written().keys() == TABLES.keys()


@pytest.mark.parametrize("name", TABLES)
def test_a_table_says_what_the_code_says(name: str) -> None:
    assert written()[name] == TABLES[name](), "run: python -m tests.docs.gate"


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_asks_for_what_can_be_meant(name: str) -> None:
    words = shlex.split(COMMANDS[name].replace("\\\n", " "))
    assert words[:4] == ["nox", "-s", "gate", "--"]
    given: dict[str, Any] = {}
    rest = iter(words[4:])
    for word in rest:
        option, _, value = word.partition("=")
        value = value or next(rest)
        given[option] = [value] if OPTIONS[option].kind == "several" else value
    read_target(given.get, {})


def test_the_first_command_names_what_is_indispensable_and_readme_has_it_too() -> None:
    for need in INDISPENSABLE:
        assert f"--{need} " in COMMANDS["gate"]
    assert "nox -s gate" in README


def test_the_example_of_github_is_a_workflow_that_runs_the_gate() -> None:
    workflow: Any = YAML(typ="safe").load(FILES["github/workflows/deploy.yml"])
    steps = workflow["jobs"]["gate"]["steps"]
    (step,) = (one for one in steps if "run" in one)
    assert step["run"].splitlines()[-1] == RUN
    assert {name for name in step["env"] if name.startswith("ALERTPROOF_")} <= VARIABLES
    assert all(variable(f"--{need}") in step["env"] for need in INDISPENSABLE)
    assert steps[-1]["if"] == "always()"


def test_the_example_of_gitlab_is_a_job_that_runs_the_gate() -> None:
    pipeline: Any = YAML(typ="safe").load(FILES["gitlab-ci.yml"])
    job = pipeline["gate"]
    assert job["script"] == [RUN]
    assert set(job["variables"]) <= VARIABLES
    assert all(variable(f"--{need}") in job["variables"] for need in INDISPENSABLE)
    assert job["artifacts"]["reports"]["junit"] == "reports/gate/junit.xml"


def test_the_example_of_jenkins_is_whole_and_runs_the_gate() -> None:
    text = FILES["Jenkinsfile"]
    depth = 0
    for character in re.sub(r"'[^'\n]*'", "", text):
        depth += {"{": 1, "}": -1}.get(character, 0)
        assert depth >= 0
    assert depth == 0
    assert text.count("'") % 2 == 0
    assert re.findall(r"^\s*sh '(.*)'$", text, re.M) == [RUN]
    assert set(re.findall(r"\bALERTPROOF_\w+", text)) <= VARIABLES
    assert all(variable(f"--{need}") in text for need in INDISPENSABLE)


def test_every_status_that_is_named_is_pytests_or_the_plugins() -> None:
    named = re.findall(r"^\| (\d) \|", TEXT.partition("## Exit status")[2], re.M)
    assert {int(one) for one in named} <= set(pytest.ExitCode)
    assert CANNOT_RUN == pytest.ExitCode.INTERNAL_ERROR


def test_every_verdict_to_fail_on_and_every_need_is_named_as_it_is() -> None:
    sentence = TEXT.partition("`--fail-on` says")[2].partition("\n\n")[0]
    assert set(re.findall(r"`([a-z-]+)`", sentence)) == set(FAIL_ON)
    for need in re.findall(r"`--require=([a-z-]+)`", TEXT):
        assert need in NEEDS


def test_every_option_that_the_guide_names_is_the_gates() -> None:
    others = {"--require"}
    for option in re.findall(r"`(--[a-z-]+)", TEXT):
        assert option in OPTIONS.keys() | others, option


def test_every_module_that_the_guide_runs_is_there() -> None:
    modules = re.findall(r"`python -m ([\w.]+)", TEXT)
    assert modules
    for module in modules:
        assert find_spec(module), module
