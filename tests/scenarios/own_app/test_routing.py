"""An Alertmanager file of one's own is drilled only if every secret of it has a double."""

from __future__ import annotations

from pathlib import Path

import pytest

from scenarios.own_app.routing import check_routing
from stack.production import production_files
from stack.yamlfile import ConfigurationError

THEIRS = """
route: {receiver: all}
receivers:
  - name: all
    slack_configs:
      - api_url_file: /run/secrets/%s
        channel: '#alerts'
"""


def test_the_toolkit_s_own_file_and_one_with_the_same_secrets_are_taken(tmp_path: Path) -> None:
    check_routing(production_files().alertmanager)
    (tmp_path / "am.yml").write_text(THEIRS % "slack_alerts_url")
    check_routing(tmp_path / "am.yml")


def test_a_secret_without_a_double_is_named_beside_those_that_have_one(tmp_path: Path) -> None:
    (tmp_path / "am.yml").write_text(THEIRS % "our_slack")
    with pytest.raises(ConfigurationError, match=r"the secret our_slack; a drill has discord_ops"):
        check_routing(tmp_path / "am.yml")
