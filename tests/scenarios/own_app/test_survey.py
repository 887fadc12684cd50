"""What an application is, is found out in a process of its own; a failure is one line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scenarios.own_app.application import OwnApp
from scenarios.own_app.block import read_block
from scenarios.own_app.locustfile import LocustfileError, users_of
from scenarios.own_app.survey import SurveyFailed, survey

ROOT = Path(__file__).resolve().parents[3]
APPS = ROOT / "tests" / "apps"


def own_of(name: str) -> OwnApp:
    block = read_block(APPS / name)
    assert block.app is not None
    return OwnApp.of(block, block.app, block.locustfile)


def test_an_application_object_is_found_with_what_it_is_given() -> None:
    found = survey(own_of("notes"))
    assert not found.instrumented
    assert found.pages == ("GET /notes", "GET /about")
    assert {
        "softfactory_database_up",
        "softfactory_backup_last_success_timestamp_seconds",
        "softfactory_disk_free_bytes",
        "softfactory_memory_percent",
    } <= found.metrics
    assert found.memory_bytes > 2**20
    assert not (APPS / "notes" / "notes.db").exists()


def test_a_factory_with_metrics_of_its_own_is_known_by_those() -> None:
    found = survey(own_of("shop"))
    assert "softfactory_requests_total" in found.metrics
    assert "softfactory_memory_percent" not in found.metrics
    assert "1.0" in found.edges


def test_an_application_that_needs_what_it_is_not_told_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("import os\nos.environ['NOT_SET_ANYWHERE']\n")
    with pytest.raises(SurveyFailed, match=r"raised KeyError: 'NOT_SET_ANYWHERE' \(.*a\.py:2\)"):
        survey(OwnApp(name="a:app", paths=(tmp_path,)))


def test_a_command_prepares_each_instance_once_before_the_application_is_made(
    tmp_path: Path,
) -> None:
    (tmp_path / "init.py").write_text("open('schema', 'a').write('x')\n")
    (tmp_path / "a.py").write_text(
        "from flask import Flask\napp = Flask('a')\n"
        "assert open('schema').read() == 'x'\napp.get('/')(lambda: 'hello')\n"
    )
    prepare = ("python", str(tmp_path / "init.py"))
    assert survey(OwnApp(name="a:app", paths=(tmp_path,), prepare=prepare)).pages == ("GET /",)


@pytest.mark.parametrize(
    ("prepare", "says"),
    [
        (("no-such-command",), "prepare: no-such-command: No such file"),
        (("python", "-c", "raise SystemExit('no schema')"), "ended with 1: no schema"),
    ],
)
def test_a_command_that_fails_is_said_with_its_last_words(
    prepare: tuple[str, ...], says: str, tmp_path: Path
) -> None:
    with pytest.raises(SurveyFailed, match=says):
        survey(OwnApp(name="a:app", paths=(tmp_path,), prepare=prepare))


def test_users_of_a_locust_file_are_named() -> None:
    assert users_of(APPS / "shop" / "locustfile.py") == ("Customer",)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x = 1\n", "expected a class of HttpUser or FastHttpUser with a @task, found no user"),
        ("import nowhere_at_all\n", "ModuleNotFoundError: No module named 'nowhere_at_all'"),
        ("raise SystemExit(3)\n", "it ended with 3 when it was loaded"),
        (
            "from locust import User, task\nclass U(User):\n    @task\n    def t(self): pass\n",
            "with a @task, found U",
        ),
        ("from locust import HttpUser\nclass U(HttpUser): pass\n", "with a @task, found U"),
    ],
)
def test_a_locust_file_without_usable_users_is_refused_in_one_line(
    text: str, says: str, tmp_path: Path
) -> None:
    file = tmp_path / "load.py"
    file.write_text(text)
    with pytest.raises(LocustfileError) as refused:
        users_of(file)
    assert str(refused.value).startswith(str(file))
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


def collected(*arguments: str | Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "checks", "--collect-only", "-q", *map(str, arguments)],
        cwd=cwd,
        env={**os.environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--app", "nowhere:app"], "there is no module 'nowhere'"),
        (["--app", "notes"], "expected package.module:factory"),
        (["--project", str(APPS / "notes"), "--app", "notes:ap"], "has no 'ap'; it has app"),
        (["--project", "/nowhere"], "--project: expected a folder that is there"),
        (["--locustfile", "nowhere.py"], "--locustfile: expected a file that is there"),
        (["--locustfile", str(APPS / "shop" / "locustfile.py")], "name it with --app"),
        (["--rules", str(APPS / "notes" / "notes.py")], "--rules: "),
        (
            ["--project", str(APPS / "notes"), "--locustfile", str(APPS / "notes" / "notes.py")],
            "notes.py: KeyError: 'NOTES_DATABASE'",
        ),
        (["--project", str(APPS / "notes"), "--stack=containers"], "with --stack=embedded"),
    ],
)
def test_what_can_not_be_drilled_ends_before_collection_in_one_line(
    arguments: list[str], says: str
) -> None:
    done = collected(*arguments)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    errors = [line for line in done.stderr.splitlines() if line]
    assert len(errors) == 1
    assert says in errors[0]


def test_an_unknown_key_ends_before_collection_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.alertproof]\nlocust = 'x.py'\n")
    done = collected("--project", tmp_path)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "unknown key 'locust'; known: alertmanager-config, app," in done.stderr


def test_an_option_wins_over_the_key_of_its_name(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.alertproof]\napp = 'nowhere:app'\n")
    (tmp_path / "here.py").write_text(
        "from flask import Flask\napp = Flask('here')\napp.get('/')(lambda: 'hello')\n"
    )
    assert "'nowhere:app'" in collected("--project", tmp_path).stderr
    done = collected("--project", tmp_path, "--app", "here:app")
    assert done.returncode == 0, done.stderr
    assert "here:app exposes no softfactory_payment_attempts_total" in done.stdout
