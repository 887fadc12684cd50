"""Nobody gets in with a password that somebody could know."""

from http import HTTPStatus

import pytest
import requests

from scenarios.capabilities import COMPOSE, COMPOSE_ACCOUNTS, compose_with
from stack.compose.trial import TrialStack

PATIENCE_SECONDS = 5.0
DATABASE = ("psql", "--no-psqlrc", "--tuples-only", "--no-align", "--host=postgres")
ANSWER = ("--dbname=softfactory", "--command=SELECT 6 * 7")


@pytest.mark.requires(COMPOSE)
@pytest.mark.parametrize(
    ("user", "password"),
    [("postgres", "postgres"), ("softfactory", "softfactory"), ("softfactory", "")],
    ids=["postgres", "softfactory", "none"],
)
def test_postgresql_refuses_a_default_password(stack: TrialStack, user: str, password: str) -> None:
    known = {"PGPASSWORD": password, "PGPASSFILE": "/dev/null"}
    tried = (*DATABASE, "--no-password", f"--username={user}", *ANSWER)
    done = stack.run("postgres", *tried, environment=known)
    assert done.returncode != 0, f"PostgreSQL lets {user} in with the password {password!r}"
    refusal = "password authentication failed" if password else "no password supplied"
    assert refusal in done.stderr, done.stderr
    own = {"PGPASSFILE": "/run/secrets/pgpass"}
    control = stack.run(
        "postgres", *DATABASE, "--no-password", "--username=softfactory", *ANSWER, environment=own
    )
    assert control.stdout.strip() == "42", control.stderr


@pytest.mark.requires(COMPOSE_ACCOUNTS)
@pytest.mark.parametrize("password", ["changeme", "elastic", None])
def test_elasticsearch_refuses_a_default_password(stack: TrialStack, password: str | None) -> None:
    url = stack.url("elasticsearch")
    known = ("elastic", password) if password else None
    assert _status(url, known) == HTTPStatus.UNAUTHORIZED
    assert _status(url, ("elastic", stack.secrets["elastic_password"])) == HTTPStatus.OK


@pytest.mark.requires(compose_with("grafana"))
@pytest.mark.parametrize("password", ["admin", None])
def test_grafana_refuses_a_default_password(stack: TrialStack, password: str | None) -> None:
    url = f"{stack.url('grafana')}/api/org"
    known = ("admin", password) if password else None
    assert _status(url, known) == HTTPStatus.UNAUTHORIZED
    assert _status(url, ("admin", stack.secrets["grafana_admin_password"])) == HTTPStatus.OK


def _status(url: str, known: tuple[str, str] | None) -> int:
    return requests.get(url, auth=known, timeout=PATIENCE_SECONDS).status_code
