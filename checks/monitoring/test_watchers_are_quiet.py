"""Nothing fires about the watchers while services are drilled."""

from scenarios.quiet_claims import watchers_quiet
from scenarios.result import Result
from scenarios.verdict import Judging


def test_nothing_fires_about_the_watchers(result: Result, judge: Judging) -> None:
    for beside in result.monitoring.values():
        for watcher in beside.watchers.values():
            judge(watchers_quiet(watcher))
