"""A PostgreSQL server in a container, and what a service needs in order to use it.

Design rule: the password is made here, once, and leaves only as files.
"""

from __future__ import annotations

import secrets
import socket
from pathlib import Path
from typing import TYPE_CHECKING

from stack.launch.containers.server import Server
from stack.launch.starting import LaunchError
from stack.waiting import NotYet, wait_until

if TYPE_CHECKING:
    from stack.launch.containers.container import Container
    from stack.launch.containers.premises import Containers

__all__ = ["PostgreSQL"]

NAME = "softfactory"
"""Of the user and of the database, as in production's compose file."""

PORT = 5432
USER = "999:999"
"""The image's postgres, as in production's compose file: it need not begin as root."""
PASSWORD = "/run/secrets/postgres_password"  # noqa: S105 - where it is
ASKING = ("pg_isready", "-q", "-h", "127.0.0.1", "-U", NAME, "-d", NAME)
"""By TCP: while it initialises, a temporary server answers on the socket alone."""

CONNECT_SECONDS = 1.0


class PostgreSQL:
    """One server with an empty database, whose data goes with its container."""

    def __init__(self, premises: Containers, name: str, image: str, directory: Path) -> None:
        """Prepare a server called `name` with its secrets in `directory`."""
        self._premises = premises
        self._name = name
        self._image = image
        self._directory = directory
        self._place = premises.place(name, PORT)
        self._container: Container | None = None

    @property
    def url(self) -> str:
        """Where the database is, as SQLAlchemy wants it; the password is in `password_file`."""
        return f"postgresql+psycopg://{NAME}@{self._place.address}/{NAME}"

    @property
    def password_file(self) -> Path:
        """What PGPASSFILE names."""
        return self._directory / "pgpass"

    @property
    def container(self) -> Container:
        """What it runs in. Raises LookupError before it was started."""
        if self._container is None:
            raise LookupError(f"{self._name} was never started")
        return self._container

    def start(self) -> None:
        """Start the server without waiting."""
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        password = secrets.token_urlsafe(24)
        given = self._directory / "password"
        given.write_text(password)
        given.chmod(0o644)  # read as another user, through a folder that is the owner's alone
        self.password_file.touch(mode=0o600)
        self.password_file.write_text(f"*:*:*:{NAME}:{password}\n")
        self._container = self._premises.serve(
            Server(
                name=self._name,
                image=self._image,
                user=USER,
                environment={
                    "POSTGRES_USER": NAME,
                    "POSTGRES_DB": NAME,
                    "POSTGRES_PASSWORD_FILE": PASSWORD,
                    # What a crash would lose, nobody looks for.
                    "POSTGRES_INITDB_ARGS": "--auth=scram-sha-256 --no-sync -c fsync=off",
                },
                files={PASSWORD: given},
            )
        )

    def wait_ready(self, timeout_seconds: float) -> None:
        """Wait until it takes connections.

        Raises `stack.waiting.WaitTimeout`, and `LaunchError` with its last words if it ends.
        """

        def ready() -> bool:
            if (status := self.container.poll()) is not None:
                raise LaunchError(
                    f"{self._name} ended with status {status}: {self.container.last_words()}"
                )
            self._connect()
            if self.container.run(ASKING) != 0:
                raise NotYet("pg_isready says no, or nothing")
            return True

        wait_until(
            ready,
            what=f"{self._name} to take connections at {self._place.address}",
            timeout_seconds=timeout_seconds,
            interval_seconds=0.1,
        )

    def _connect(self) -> None:
        """Refuse to go on while nothing listens: to run a program in it costs much more."""
        try:
            socket.create_connection((self._place.host, PORT), CONNECT_SECONDS).close()
        except OSError as error:
            raise NotYet(str(error)) from error

    def end(self) -> None:
        """Remove the server and its data."""
        if self._container is not None:
            self._container.remove()
