"""Each secret that the routing names is there, and may be the real one."""

from pathlib import Path

import pytest

from scenarios.deployment.needs import SECRETS
from scenarios.deployment.secrets_set import SecretFile, judge_secrets, secret_files
from scenarios.deployment.seen import Missing
from scenarios.deployment.target import BEFORE, DeploymentTarget
from scenarios.verdict import Judging


@pytest.mark.stage(BEFORE)
@pytest.mark.needs(SECRETS)
@pytest.mark.observes(what=secret_files)
def test_secrets_are_set(
    observed: tuple[SecretFile, ...] | Missing, deployment: DeploymentTarget, judge: Judging
) -> None:
    judge(judge_secrets(observed, deployment.secrets_directory or Path()))
