"""What a fleet is told on standard input, one JSON object a line (`instrumentation.fleet`).

One rule: whatever comes in becomes a dataclass here, or an error that names the field.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from instrumentation import gunicorn_conf

LOOPBACK = "127.0.0.1"


class CommandError(ValueError):
    """A command cannot be carried out; `instance` is the id that it named, if any."""

    def __init__(self, instance: str | None, message: str) -> None:
        super().__init__(message)
        self.instance = instance


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Start an instance in `directory`, which is made; its output goes to `gunicorn.log` there.

    Where `under` names a program with its arguments, that one is run in the instance's process and
    given the instance's command line to run in its turn: for what only a new program gets, such as
    a library that is loaded before all others. Like an instance that is forked ready, it keeps its
    process id and ends with the fleet.
    """

    instance: str
    port: int
    threads: int
    env: dict[str, str]
    directory: Path
    under: tuple[str, ...] = ()
    host: str = LOOPBACK

    @property
    def address(self) -> str:
        """Where the instance listens, as HOST:PORT."""
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """End an instance: at once (`kill`), or when it has answered its requests."""

    instance: str
    kill: bool


def parse_command(line: str) -> Start | End:
    """Return the command of one line. Raises CommandError that names the field at fault."""
    try:
        document = json.loads(line)
    except ValueError as error:
        raise CommandError(None, f"not JSON: {error}") from error
    instance = document.get("id") if isinstance(document, dict) else None
    if not (isinstance(instance, str) and instance):
        raise CommandError(None, f"expected an object with an id, got {line.strip()[:200]}")
    match document.get("op"):
        case "kill" | "stop" as op:
            return End(instance=instance, kill=op == "kill")
        case "start":
            return _parse_start(instance, document)
        case other:
            raise CommandError(instance, f"op {other!r}: known are start, kill, stop")


def _parse_start(instance: str, document: dict[str, object]) -> Start:
    port = document.get("port")
    if not (isinstance(port, int) and 0 < port < 65536):
        raise CommandError(instance, f"port: expected 1 to 65535, got {port!r}")
    threads = document.get("threads", gunicorn_conf.threads)
    if not (isinstance(threads, int) and threads > 0):
        raise CommandError(instance, f"threads: expected a number above zero, got {threads!r}")
    env = document.get("env", {})
    if not (isinstance(env, dict) and all(isinstance(item, str) for item in env.values())):
        raise CommandError(instance, "env: expected an object of strings")
    directory = document.get("directory")
    if not (isinstance(directory, str) and directory):
        raise CommandError(instance, f"directory: expected a path, got {directory!r}")
    under = document.get("under", [])
    if not (isinstance(under, list) and all(isinstance(item, str) for item in under)):
        raise CommandError(instance, "under: expected a list of strings")
    host = document.get("host", LOOPBACK)
    if not (isinstance(host, str) and host):
        raise CommandError(instance, f"host: expected an address, got {host!r}")
    return Start(
        instance=instance,
        host=host,
        port=port,
        threads=threads,
        env=env,
        directory=Path(directory),
        under=tuple(under),
    )
