"""What a check came to: its own verdicts, and nothing that was judged hides an error beside it."""

from __future__ import annotations

import pytest

from scenarios.plugin import verdicts_of
from scenarios.verdict import ClaimNotProved, Status, Verdict

GOOD = Verdict(claim="it fires", status=Status.PASS, expected="", observed="")
BAD = Verdict(claim="it fires", status=Status.FAIL, expected="", observed="never")


@pytest.mark.parametrize(
    ("judged", "error", "statuses"),
    [
        ([GOOD], None, [Status.PASS]),
        ([BAD], ClaimNotProved(BAD), [Status.FAIL]),
        ([], None, [Status.PASS]),
        ([], AssertionError("7 days"), [Status.FAIL]),
        ([], KeyError("le"), [Status.UNKNOWN]),
        ([GOOD], KeyError("le"), [Status.PASS, Status.UNKNOWN]),
        ([GOOD], AssertionError("7 days"), [Status.PASS, Status.FAIL]),
    ],
    ids=["judged", "not proved", "asserted", "failed", "broke", "broke after", "failed after"],
)
def test_a_check_has_its_verdicts_and_that_of_how_it_ended(
    judged: list[Verdict], error: BaseException | None, statuses: list[Status]
) -> None:
    assert [one.status for one in verdicts_of("test", judged, error)] == statuses
