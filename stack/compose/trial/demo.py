"""What the demo is asked to do, and where it is found again.

Design rule: a record has an id that was made up here, so that it is known from all others.
"""

from __future__ import annotations

import requests

from stack.clients.http import new_session
from stack.compose.trial.stack import TrialFailed, TrialStack
from stack.waiting import NotYet, wait_until

__all__ = ["payments", "record_of", "records", "wait_shipped"]

ASK_SECONDS = 10.0
SHIPPED_SECONDS = 30.0
PAYMENT = {"user_id": 1, "amount_cents": 1250, "payment_method": "pm_card_visa"}
_COUNT = "SELECT count(*) FROM payments"


def record_of(stack: TrialStack, request_id: str) -> None:
    """Have the demo make a payment, and so log a request of that id. Raises TrialFailed."""
    answer = new_session().post(
        f"{stack.url('softfactory')}/api/payments",
        json=PAYMENT,
        headers={"X-Request-Id": request_id},
        timeout=ASK_SECONDS,
    )
    if answer.status_code != requests.codes.created:
        raise TrialFailed(f"the demo took no payment: {answer.status_code} {answer.text.strip()}")


def payments(stack: TrialStack) -> int:
    """Return how many payments the database has. Raises TrialFailed."""
    connection = ("--host=postgres", "--username=softfactory", "--no-password")
    argv = ("psql", "--no-psqlrc", "--tuples-only", *connection, f"--command={_COUNT}")
    given = {"PGPASSFILE": "/run/secrets/pgpass", "PGDATABASE": "softfactory"}
    done = stack.run("postgres", *argv, environment=given)
    if done.returncode != 0:
        raise TrialFailed(f"PostgreSQL does not count payments: {done.stderr.strip()}")
    return int(done.stdout)


def records(stack: TrialStack, request_id: str) -> list[str]:
    """Return the ids of the records of a request that Elasticsearch has. Raises TrialFailed."""
    url = f"{stack.url('elasticsearch')}/softfactory-logs-*"
    known = ("elastic", stack.secrets["elastic_password"])
    with new_session() as session:
        try:
            session.post(f"{url}/_refresh", auth=known, timeout=ASK_SECONDS).raise_for_status()
            query = {"q": f'request_id:"{request_id}"', "size": "100"}
            found = session.get(f"{url}/_search", params=query, auth=known, timeout=ASK_SECONDS)
            found.raise_for_status()
        except requests.RequestException as error:
            raise TrialFailed(f"Elasticsearch does not search: {error}") from error
    return sorted(str(one["_id"]) for one in found.json()["hits"]["hits"])


def wait_shipped(stack: TrialStack, request_id: str) -> list[str]:
    """Wait until a record of a request is found, and return the ids of all. Raises WaitTimeout."""

    def found() -> list[str]:
        there = records(stack, request_id)
        if not there:
            raise NotYet("none is found")
        return there

    return wait_until(
        found,
        what=f"a record of {request_id} in Elasticsearch",
        timeout_seconds=SHIPPED_SECONDS,
        interval_seconds=0.2,
    )
