"""An account is shown to whoever holds its token, and to nobody else."""

import pytest

from instrumentation.demo.accounts import Accounts
from instrumentation.settings import SettingsError

TOKEN = "ada-0123456789abcdef"


@pytest.fixture
def account(make_client, tmp_path, monkeypatch):
    file = tmp_path / "tokens"
    file.write_text(f"1 {TOKEN}\n\n99 gone-0123456789abcdef\n")
    monkeypatch.setenv("ACCOUNT_TOKENS_FILE", str(file))
    client = make_client()
    return lambda **headers: client.get("/api/account", headers=headers)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_a_users_own_token_shows_the_account(account, scheme):
    answer = account(Authorization=f"{scheme} {TOKEN}")
    assert (answer.status_code, answer.json["id"]) == (200, 1)


@pytest.mark.parametrize(
    "authorization",
    ["Bearer", "Bearer ", "Bearer nobody", "Bearer \xe9", f"Basic {TOKEN}", TOKEN],
)
def test_anything_else_is_refused_with_a_challenge(account, authorization):
    answer = account(Authorization=authorization)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer realm=softfactory")
    assert answer.json["error"] == "Unauthorized"


def test_a_user_that_is_gone_is_refused_like_an_unknown_token(account):
    assert account(Authorization="Bearer gone-0123456789abcdef").status_code == 401


def test_without_a_file_of_tokens_nobody_is_admitted(make_client):
    answer = make_client().get("/api/account", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 401


@pytest.mark.parametrize("line", [f"x {TOKEN}", TOKEN, f"1 {TOKEN} more", "1 short"])
def test_a_line_that_is_none_is_refused_by_its_number_without_the_token(tmp_path, line):
    file = tmp_path / "tokens"
    file.write_text(f"2 0123456789abcdef\n{line}\n")
    with pytest.raises(SettingsError, match=r"ACCOUNT_TOKENS_FILE=.*, line 2") as refused:
        Accounts.of(file)
    assert TOKEN not in str(refused.value)


def test_a_token_of_two_users_is_refused(tmp_path):
    file = tmp_path / "tokens"
    file.write_text(f"1 {TOKEN}\n2 {TOKEN}\n")
    with pytest.raises(SettingsError, match="another user's"):
        Accounts.of(file)
