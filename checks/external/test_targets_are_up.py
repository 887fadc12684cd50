"""Every target of a stack that somebody else runs answers its scrapes."""

from scenarios.external_claims import targets_answer
from scenarios.model import JOB
from scenarios.site import SHIPPER_JOB
from scenarios.verdict import Judging
from stack.clients.prometheus import PrometheusClient
from stack.external import External


def test_every_target_answers_its_scrapes(
    prometheus: PrometheusClient, external: External, judge: Judging
) -> None:
    drilled = (JOB, SHIPPER_JOB) if external.folder else ()  # what a drill breaks, it judges
    judge(targets_answer(prometheus.targets(), drilled=drilled))
