"""Who may do what in Elasticsearch: `python -m stack.compose.accounts`, as its superuser.

Design rule: each part of the stack has a user of its own with what it needs and no more. Running it
again sets the same roles, and each password to what its file says now.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from elasticsearch import ApiError, BadRequestError, Elasticsearch, TransportError

from stack.logs.connection import Connection, SettingsError
from stack.logs.failures import explained
from stack.logs.indices import PREFIX

__all__ = ["ACCOUNTS", "Account", "has_no_security", "main", "set_up_accounts"]

_SECRETS = Path("/run/secrets")


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A user with a role of the same name; its password is in the file NAME_password."""

    name: str
    cluster: tuple[str, ...] = ()
    indices: tuple[str, ...] = field(default=())


ACCOUNTS = (
    # docs/logs.md: what the shipper needs.
    Account(name="log_shipper", indices=("create_doc", "create_index")),
    # The same; it asks for the node's version before it sends anything.
    Account(name="logstash", cluster=("monitor",), indices=("create_doc", "create_index")),
    # Grafana, and people who look for something.
    Account(name="log_reader", indices=("read", "view_index_metadata")),
)
_NO_HANDLER = "no handler found for uri"
_BUILT_IN = "kibana_system"


def set_up_accounts(client: Elasticsearch, passwords: Mapping[str, str]) -> list[str]:
    """Make roles and users, and set Kibana's password; return the names of the users."""
    security = client.security
    security.change_password(username=_BUILT_IN, password=passwords[_BUILT_IN])
    for account in ACCOUNTS:
        security.put_role(
            name=account.name,
            cluster=list(account.cluster),
            indices=[{"names": [f"{PREFIX}*"], "privileges": list(account.indices)}],
        )
        security.put_user(
            username=account.name, password=passwords[account.name], roles=[account.name]
        )
    return [_BUILT_IN, *(account.name for account in ACCOUNTS)]


def has_no_security(error: Exception) -> bool:
    """Tell whether the node does not know what a user is: a stand-in of `nox -s images`.

    Where security is only off, its addresses are known; that is an error, as the compose file
    turns it on.
    """
    return isinstance(error, BadRequestError) and _NO_HANDLER in str(error.body)


def main(secrets: Path = _SECRETS) -> int:
    """Set up the accounts of the node that the environment names."""
    names = (_BUILT_IN, *(account.name for account in ACCOUNTS))
    try:
        passwords = {name: (secrets / f"{name}_password").read_text().strip() for name in names}
        connection = Connection.from_env(os.environ)
        done = set_up_accounts(connection.client(), passwords)
    except OSError as error:
        sys.stderr.write(f"accounts: can't read {error.filename}: {error.strerror}\n")
        return 1
    except SettingsError as error:
        sys.stderr.write(f"accounts: {error}\n")
        return 2
    except (ApiError, TransportError) as error:
        if has_no_security(error):
            sys.stdout.write(
                "this node has no security, so it has no users: whoever asks is let in\n"
            )
            return 0
        sys.stderr.write(f"accounts: {explained(error, connection)}\n")
        return 1
    sys.stdout.write(f"users are as they should be: {', '.join(done)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
