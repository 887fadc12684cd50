"""The service may write its log, and nobody reads it who should not."""

from pathlib import Path

import pytest

from scenarios.deployment.log_directory import Entry, judge_log_folder, log_folder
from scenarios.deployment.needs import LOG_DIRECTORY
from scenarios.deployment.seen import Missing
from scenarios.deployment.target import BEFORE, DeploymentTarget
from scenarios.verdict import Judging


@pytest.mark.stage(BEFORE)
@pytest.mark.needs(LOG_DIRECTORY)
@pytest.mark.observes(what=log_folder)
def test_log_directory_is_closed(
    observed: tuple[Entry, ...] | Missing, deployment: DeploymentTarget, judge: Judging
) -> None:
    judge(judge_log_folder(observed, deployment.log_directory or Path()))
