"""Every secret that a routing file names is found with its place; certificates are no secrets."""

from __future__ import annotations

from stack.routing_secrets import named_secrets
from stack.yamlfile import read_yaml

ROUTING = """
global: {smtp_auth_password_file: /run/secrets/smtp, smtp_tls_config: {ca_file: /ca.pem}}
receivers:
  - name: all
    slack_configs:
      - api_url_file: /run/secrets/slack
        http_config: {authorization: {credentials_file: /run/secrets/token}}
"""


def test_a_secret_is_found_however_deep_with_the_section_that_it_belongs_to() -> None:
    found = [(one.section, one.key, one.file) for one in named_secrets(read_yaml(ROUTING, "am"))]
    assert found == [
        ("global", "smtp_auth_password_file", "smtp"),
        ("slack_configs", "api_url_file", "slack"),
        ("slack_configs", "credentials_file", "token"),
    ]
