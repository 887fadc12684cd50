"""Every target is UP, or the verdict says which is not."""

from __future__ import annotations

from scenarios.deployment.seen import Missing
from scenarios.deployment.targets import judge_targets
from scenarios.verdict import Status
from stack.clients.prometheus import Target


def target(job: str, service: str, health: str = "up", instance: str = "10.0.0.1:8000") -> Target:
    return Target(
        labels={"job": job, "service": service, "instance": instance},
        health=health,
        last_scrape=1.0,
        last_error="connection refused" if health == "down" else "",
        scrape_url="",
    )


SHOP = target("softfactory", "shop")
WATCHER = target("prometheus", "prometheus")


def test_all_up_passes_with_their_number() -> None:
    found = judge_targets((SHOP, WATCHER), "")
    assert (found.status, found.observed) == (Status.PASS, "2 of 2 UP")


def test_half_of_a_service_down_fails_and_names_the_instance() -> None:
    dead = target("softfactory", "shop", "down", "10.0.0.2:8000")
    found = judge_targets((SHOP, dead, WATCHER), "shop")
    assert found.status is Status.FAIL
    assert found.observed == "softfactory 10.0.0.2:8000 is DOWN: connection refused"


def test_anothers_dead_instance_counts_where_no_service_is_named_alone() -> None:
    other = target("softfactory", "blog", "down")
    assert judge_targets((SHOP, other), "shop").status is Status.PASS
    assert judge_targets((SHOP, other), "").status is Status.FAIL


def test_a_dead_watcher_counts_for_every_service() -> None:
    dead = target("alertmanager", "alertmanager", "down")
    assert judge_targets((SHOP, dead), "shop").status is Status.FAIL


def test_a_service_that_is_not_scraped_at_all_fails() -> None:
    found = judge_targets((SHOP, WATCHER), "blog")
    assert found.status is Status.FAIL
    assert "scrapes no blog at all" in found.observed
    assert judge_targets((WATCHER,), "").status is Status.FAIL
    assert judge_targets((), "").status is Status.FAIL


def test_one_that_was_not_scraped_yet_is_not_known() -> None:
    assert judge_targets((target("softfactory", "shop", "unknown"),), "").status is Status.UNKNOWN
    assert judge_targets(Missing(why="refused"), "").status is Status.UNKNOWN
