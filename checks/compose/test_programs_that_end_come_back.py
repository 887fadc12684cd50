"""A program that ends is started again by the engine, and has what it had.

Those that watch come last, in `test_watchers_keep_what_they_have`: they have to scrape all anew.
"""

import pytest

from scenarios.capabilities import COMPOSE, compose_with
from stack.compose.trial import TrialStack
from stack.compose.trial.demo import payments, record_of, records, wait_shipped
from stack.compose.trial.judges import lost

KEPT = "compose-kept"


@pytest.mark.services(but=("prometheus", "alertmanager", "postgres", "elasticsearch"))
def test_a_service_that_keeps_nothing_is_started_again(stack: TrialStack, service: str) -> None:
    stack.end_and_wait(service)


@pytest.mark.requires(COMPOSE)
def test_postgresql_keeps_its_rows_and_the_demo_goes_on(stack: TrialStack) -> None:
    record_of(stack, KEPT)
    before = payments(stack)
    stack.end_and_wait("postgres")
    assert payments(stack) == before > 0
    record_of(stack, KEPT)
    assert payments(stack) == before + 1


@pytest.mark.requires(compose_with("elasticsearch"))
def test_elasticsearch_keeps_its_records(stack: TrialStack) -> None:
    record_of(stack, KEPT)
    before = wait_shipped(stack, KEPT)
    stack.end_and_wait("elasticsearch")
    gone = lost(before, records(stack, KEPT))
    assert not gone, f"of {len(before)} records these are lost: {', '.join(gone)}"
