"""What the settings of Elasticsearch and Kibana have in common: secrets are files, in no URL.

Design rule: what can't be used is refused here, before anybody is asked, in a line that names the
setting and never holds the secret.
"""

from __future__ import annotations

from collections.abc import Mapping

from stack.settings import SettingsError, read_secret

__all__ = ["SettingsError", "account", "refuse_secrets_in", "secret"]


def secret(given: Mapping[str, str], name: str) -> str | None:
    """Return what stands in the file that `NAME_FILE` names; None where it names none.

    Raises SettingsError for a file that can't be read, is empty, or holds what no header takes.
    """
    path = given.get(f"{name}_FILE")
    return None if path is None else read_secret(f"{name}_FILE", path)


def account(given: Mapping[str, str], server: str) -> tuple[str, str] | None:
    """Return `SERVER_USER` and the password of `SERVER_PASSWORD_FILE`; None where neither is set.

    Raises SettingsError for one without the other, and for what can't be used.
    """
    user, password = given.get(f"{server}_USER"), secret(given, f"{server}_PASSWORD")
    if user is None and password is None:
        return None
    if user is None or password is None:
        raise SettingsError(f"{server}_USER and {server}_PASSWORD_FILE go together")
    if not (user.isascii() and user.isprintable()):
        raise SettingsError(f"{server}_USER {user!r} is not printable ASCII")
    return user, password


def refuse_secrets_in(url: str, server: str) -> None:
    """Raise SettingsError for a URL that holds a user: it would stand in every message.

    An `@` anywhere counts: a password with a slash or a comma in it is no user to who reads URLs.
    """
    if "@" in url:
        raise SettingsError(
            f"{server}_URL holds a user or a password; put it into {server}_PASSWORD_FILE, and the"
            f" user into {server}_USER"
        )
