"""What is required is installed, or it is told what is not."""

from __future__ import annotations

import pytest

from scenarios.deployment.dependencies import Required, judge_requirements, requirements
from scenarios.deployment.seen import Missing, NotSeen
from scenarios.deployment.target import DeploymentTarget
from scenarios.verdict import Status
from tests.scenarios.deployment.house import visit


def test_what_this_toolkit_requires_is_installed_and_its_extras_are_not_asked_for() -> None:
    seen = requirements(visit(DeploymentTarget()))
    assert judge_requirements(seen, "alertproof").status is Status.PASS
    names = {one.requirement.partition("<")[0].partition(">")[0] for one in seen}
    assert "flask" in names
    assert "psycopg[binary]" not in names


@pytest.mark.parametrize(("installed", "told"), [("2.3.1", "2.3.1"), (None, "nothing")])
def test_one_that_is_too_old_or_missing_fails_and_is_named(
    installed: str | None, told: str
) -> None:
    seen = (Required(requirement="flask<4,>=3.0", installed=installed),)
    found = judge_requirements(seen, "shop")
    assert found.status is Status.FAIL
    assert found.observed == f"flask<4,>=3.0: {told} is installed"


def test_a_distribution_that_is_not_here_is_not_known() -> None:
    with pytest.raises(NotSeen, match="no-such-shop is not installed"):
        requirements(visit(DeploymentTarget(distribution="no-such-shop")))
    assert judge_requirements(Missing(why="not here"), "shop").status is Status.UNKNOWN
