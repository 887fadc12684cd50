"""Each node of Elasticsearch has a heap of 1 GB or more."""

import pytest

from scenarios.deployment.heap import Heap, heaps, judge_heaps
from scenarios.deployment.needs import ELASTICSEARCH
from scenarios.deployment.seen import Missing
from scenarios.deployment.target import BEFORE
from scenarios.verdict import Judging


@pytest.mark.stage(BEFORE)
@pytest.mark.needs(ELASTICSEARCH)
@pytest.mark.observes(what=heaps)
def test_heap_is_large_enough(observed: tuple[Heap, ...] | Missing, judge: Judging) -> None:
    judge(judge_heaps(observed))
