"""Every target of a stack that somebody else runs answers its scrapes."""

from scenarios.model import JOB
from scenarios.site import SHIPPER_JOB
from stack.clients.prometheus import PrometheusClient
from stack.external import External


def test_every_target_answers_its_scrapes(prometheus: PrometheusClient, external: External) -> None:
    drilled = (JOB, SHIPPER_JOB) if external.folder else ()  # what a drill breaks, it judges
    down = [
        one
        for one in prometheus.targets()
        if one.health == "down" and one.labels.get("job") not in drilled
    ]
    assert not down, "expected every target UP, observed: " + "; ".join(
        f"{one.scrape_url}: {one.last_error}" for one in down
    )
