"""Prometheus scrapes every service of the run."""

from scenarios.campaign import Campaign


def test_every_target_is_up(campaign: Campaign) -> None:
    health = {one.labels.get("service"): one.health for one in campaign.prometheus.targets()}
    down = sorted(name for name in campaign.targets if health.get(name) != "up")
    assert not down, f"expected every target UP, observed otherwise: {', '.join(down)}"
