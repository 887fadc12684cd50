"""Prometheus scrapes every service that it discovers, and the watchers themselves."""

from scenarios.campaign import Campaign


def test_every_target_is_up(campaign: Campaign) -> None:
    health: dict[str, set[str]] = {}
    for one in campaign.prometheus.targets():
        health.setdefault(one.labels.get("service", ""), set()).add(one.health)
    always = {"prometheus", "alertmanager", campaign.control.id}
    wanted = always | {
        target.id for target in campaign.targets.values() if target.discovery.announced
    }
    down = sorted(name for name in wanted if health.get(name, {"up"}) != {"up"})
    assert not down, f"expected every target UP, observed otherwise: {', '.join(down)}"
    missing = sorted(always - health.keys())
    assert not missing, f"not among Prometheus' targets: {', '.join(missing)}"
