"""Whose account a request asks for.

One rule: a token is compared in constant time and is never logged; without a file of tokens nobody
is admitted.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from pathlib import Path

from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Unauthorized

from instrumentation.settings import SettingsError

SHORTEST_TOKEN = 16  # characters


class Accounts:
    """Who may see which account.

    Args:
        tokens: a user's id by the token that admits it.
    """

    def __init__(self, tokens: Mapping[str, int]) -> None:
        self._tokens = [(token.encode(), user_id) for token, user_id in tokens.items()]

    @classmethod
    def of(cls, tokens_file: Path | None) -> Accounts:
        """Read the file of tokens, once; no file admits nobody.

        Raises:
            SettingsError: it can't be read, or a line is not ``USER_ID TOKEN``.
        """
        return cls({} if tokens_file is None else _read(tokens_file))

    def user_id(self, authorization: str) -> int:
        """Return whose token the header ``Authorization`` holds.

        Raises:
            Unauthorized: with the challenge that says what is expected.
        """
        scheme, _, given = authorization.partition(" ")
        if scheme.lower() != "bearer" or not given.strip():
            raise unauthorized("expected the header Authorization: Bearer TOKEN")
        asked = given.strip().encode()
        found = [user_id for token, user_id in self._tokens if hmac.compare_digest(token, asked)]
        if not found:
            raise unauthorized("this token is nobody's", error="invalid_token")
        return found[0]


def unauthorized(message: str, **parameters: str) -> Unauthorized:
    """Return the refusal, with its challenge (RFC 6750)."""
    challenge = WWWAuthenticate("bearer", {"realm": "softfactory", **parameters})
    return Unauthorized(message, www_authenticate=challenge)


def _read(path: Path) -> dict[str, int]:
    shown = f"ACCOUNT_TOKENS_FILE={path}"
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a text file"
        raise SettingsError(f"{shown}: can't read the tokens: {reason}") from error
    tokens: dict[str, int] = {}
    for number, line in enumerate(lines, start=1):
        words = line.split()
        if not words:
            continue
        if len(words) != 2 or not words[0].isdecimal() or len(words[1]) < SHORTEST_TOKEN:
            raise SettingsError(
                f"{shown}, line {number}: expected USER_ID TOKEN, the token of at least "
                f"{SHORTEST_TOKEN} characters"
            )
        if tokens.setdefault(words[1], int(words[0])) != int(words[0]):
            raise SettingsError(f"{shown}, line {number}: the token is another user's as well")
    return tokens
