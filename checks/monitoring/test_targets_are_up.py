"""Prometheus scrapes every service that it discovers, and the watchers themselves."""

from scenarios.campaign import Campaign


def test_every_target_is_up(campaign: Campaign) -> None:
    health = {one.labels.get("service", ""): one.health for one in campaign.prometheus.targets()}
    wanted = {"prometheus", "alertmanager", campaign.control.id} | {
        target.id for target in campaign.targets.values() if target.discovery.announced
    }
    down = sorted(name for name in wanted if health.get(name, "up") != "up")
    assert not down, f"expected every target UP, observed otherwise: {', '.join(down)}"
    assert campaign.control.id in health, "the control is not among Prometheus' targets"
