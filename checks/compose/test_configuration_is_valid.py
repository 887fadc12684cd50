"""Compose takes the file as it stands, and its versions are those that are documented."""

import re

import pytest

from scenarios.capabilities import COMPOSE
from stack.compose.places import Places
from stack.compose.trial import TrialStack
from stack.compose.trial.judges import wrong_versions
from stack.images.names import references
from stack.production import production_files
from stack.tools.elasticsearch import ELASTICSEARCH_VERSION

GUIDE = production_files().rules.parents[1] / "docs/MONITORING-SETUP.md"
"""What drills run with is said there; all images stand in the compose file alone."""
SAID = re.compile(r"Drills run with (?P<prometheus>[\d.]+\d)\s+and\s+(?P<alertmanager>[\d.]+\d)")


@pytest.mark.requires(COMPOSE)
def test_compose_takes_its_file(stack: TrialStack) -> None:
    assert stack.engine.told("config", "--quiet") == ""


def test_images_have_the_versions_that_drills_run_with_and_documents_name() -> None:
    images = references(Places.here().compose_file.read_text(encoding="utf-8"), {})
    said = SAID.search(GUIDE.read_text(encoding="utf-8"))
    assert said, (
        f"{GUIDE.name} does not say any more which versions drills run with: {SAID.pattern}"
    )
    elastic = dict.fromkeys(("elasticsearch", "kibana", "logstash"), ELASTICSEARCH_VERSION)
    wrong = wrong_versions(images, {**said.groupdict(), **elastic})
    assert not wrong, "; ".join(wrong)
