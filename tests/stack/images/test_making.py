"""What is current or somebody else's stays, the rest is made, and one failure stops no other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from stack.images.engine import LABEL_HOLDS, LABEL_IMAGE, LABEL_RECIPE, Image
from stack.images.kitchen import Kitchen
from stack.images.making import Maker, Outcome, briefly
from stack.images.recipe import Recipe
from stack.images.workplace import workplace
from stack.tools.fetching import FetchFailed
from tests.stack.images.doubles import EngineDouble, kitchen_with, official, ours, plain

Recipes = dict[str, Callable[[Kitchen], Recipe]]
RECIPES: Recipes = {
    "base": plain("base"),
    "prometheus": plain("prometheus", "base"),
    "python": plain("python", "base"),
    "softfactory": plain("softfactory", "python"),
}


class Run:
    """Runs of the maker on one engine."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.engine = EngineDouble()
        self.said: list[str] = []

    def __call__(
        self, *names: str, pull: bool = False, recipes: Recipes | None = None
    ) -> list[Outcome]:
        self.engine.calls.clear()
        self.said.clear()
        with workplace(self.directory) as place:
            kitchen = kitchen_with(self.engine, self.directory, self.said)
            return Maker(kitchen, place, recipes or RECIPES).make(names, pull=pull)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path)


def states(outcomes: list[Outcome]) -> list[str]:
    return [outcome.state for outcome in outcomes]


def test_an_image_is_made_on_the_one_below_which_is_made_first(run: Run) -> None:
    assert states(run("softfactory")) == ["built"]
    builds = [call for call in run.engine.calls if call.startswith("build")]
    assert builds == ["build base:1", "build python:1", "build softfactory:1"]
    assert run.engine.arguments["softfactory:1"] == {"PARENT": "python:1"}
    assert run.engine.sent["softfactory:1"] == ["Dockerfile", "fetched"]
    labels = run.engine.images["softfactory:1"].labels
    assert labels[LABEL_IMAGE] == "softfactory"
    assert labels[LABEL_HOLDS] == "what softfactory holds"


def test_a_second_run_does_and_fetches_nothing(run: Run) -> None:
    run("prometheus", "softfactory")
    assert states(run("prometheus", "softfactory")) == ["current", "current"]
    assert run.engine.calls == []
    assert not [line for line in run.said if "fetched" in line]


def test_an_image_below_that_is_gone_is_not_made_for_what_is_current(run: Run) -> None:
    run("prometheus")
    del run.engine.images["base:1"]
    assert states(run("prometheus")) == ["current"]
    assert run.engine.calls == []


def test_only_what_changed_is_made_anew(run: Run) -> None:
    run("prometheus", "softfactory")
    changed = {**RECIPES, "softfactory": plain("softfactory", "python", text="FROM new")}
    assert states(run("prometheus", "softfactory", recipes=changed)) == ["current", "built"]
    assert run.engine.calls == ["sweep", "build softfactory:1", "sweep"]


def test_a_change_of_the_image_below_makes_all_on_it_anew(run: Run) -> None:
    run("prometheus", "softfactory")
    changed = {**RECIPES, "base": plain("base", text="FROM new")}
    assert states(run("prometheus", "softfactory", recipes=changed)) == ["built", "built"]


def test_an_image_that_was_not_made_here_is_left_alone(run: Run) -> None:
    run.engine.images["prometheus:1"] = official("prometheus:1")
    (outcome,) = run("prometheus")
    assert outcome.state == "left alone"
    assert run.engine.calls == []
    assert run.said == ["prometheus: left alone: it is there, and was not made here"]


def test_an_image_that_somebody_built_on_a_stand_in_is_not_taken_for_ours(run: Run) -> None:
    run.engine.images["prometheus:1"] = ours("base", "0123")
    assert states(run("prometheus")) == ["left alone"]


def test_the_toolkits_own_image_is_always_of_this_clone(run: Run) -> None:
    run.engine.images["softfactory:1"] = official("softfactory:1")
    assert states(run("softfactory")) == ["built"]


def test_what_is_made_on_somebody_elses_image_is_known_by_that_one(run: Run) -> None:
    run.engine.images["python:1"] = official("python:1")
    assert states(run("softfactory")) == ["built"]
    assert "build python:1" not in run.engine.calls
    assert states(run("softfactory")) == ["current"]
    run.engine.images["python:1"] = Image(id="sha256:newer", labels={}, size_bytes=9)
    assert states(run("softfactory")) == ["built"]


def test_an_image_without_packages_is_named_with_the_reason_and_is_no_failure(run: Run) -> None:
    (outcome,) = run("grafana")
    assert outcome.state == "not made"
    assert "Debian" in outcome.note
    assert "nox -s images -- --pull" in outcome.note


def test_with_a_registry_the_official_image_replaces_the_stand_in(run: Run) -> None:
    run("prometheus")
    run.engine.registry = {"prometheus:1", "grafana:1"}
    assert states(run("prometheus", "grafana", pull=True)) == ["pulled", "pulled"]
    assert LABEL_RECIPE not in run.engine.images["prometheus:1"].labels
    assert states(run("prometheus", pull=True)) == ["left alone"]


def test_what_can_not_be_pulled_is_made_and_the_reason_told(run: Run) -> None:
    (made, not_made) = run("prometheus", "grafana", pull=True)
    assert (made.state, not_made.state) == ("built", "not made")
    assert made.note.endswith("as it can't be pulled: no such host")
    assert not_made.note.endswith("as it can't be pulled: no such host")


def test_what_is_on_no_registry_is_not_asked_for_there(run: Run) -> None:
    run("softfactory", pull=True)
    assert not [call for call in run.engine.calls if call.startswith("pull")]


def test_one_that_fails_keeps_no_other_from_being_made(run: Run) -> None:
    run.engine.broken = {"prometheus:1"}
    failed, built = run("prometheus", "softfactory")
    assert (failed.state, built.state) == ("failed", "built")
    assert failed.note.startswith("prometheus:1 was not built: error; look: less ")
    assert "prometheus:1" not in run.engine.images


def test_one_that_can_not_be_fetched_says_why_in_one_line(run: Run) -> None:
    def unreachable(kitchen: Kitchen) -> Recipe:
        raise FetchFailed("apt-get failed:\n  E: no route")

    (outcome,) = run("base", recipes={"base": unreachable})
    assert (outcome.state, outcome.note) == ("failed", "apt-get failed: E: no route")


def test_nothing_is_left_of_a_run_but_its_logs(run: Run) -> None:
    run.engine.broken = {"prometheus:1"}
    run("prometheus", "softfactory")
    assert [path.name for path in (run.directory / "images").iterdir()] == [".lock"]


def test_a_line_for_a_person_has_no_checksum() -> None:
    said = "Debian package curl 8.14 (trixie, amd64, sha256 135636bd8b71), more"
    assert briefly(said) == "Debian package curl 8.14 (trixie, amd64), more"
