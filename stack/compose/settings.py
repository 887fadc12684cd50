"""`.env` and the secret files: made at the first `up`, and only read from then on.

Design rule: `.env` holds no secret, as compose prints what it reads there; it says where they are.
Without it the compose file is refused, so nothing is ever started with secrets that nobody made.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from stack.compose.credentials import CREDENTIALS, Credential, is_unset, refusal
from stack.compose.failure import StackFailure
from stack.compose.once import check_private, make_directory, make_once, read_private
from stack.compose.places import Places, shown

__all__ = [
    "LEFT_OUT_VARIABLE",
    "SECRETS_VARIABLE",
    "Made",
    "in_force",
    "make_all",
    "optional_variables",
    "secrets_of",
    "unset",
]

SECRETS_VARIABLE = "STACK_SECRETS"
LEFT_OUT_VARIABLE = "STACK_LEFT_OUT"
"""Told by `up` at each start, and no setting of anybody's."""

_OPTIONAL = re.compile(r"\$\{([A-Z][A-Z0-9_]*):-([^}]*)\}")
_ASSIGNMENT = re.compile(r"""^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(["']?)(.*?)\2\s*$""")

_HEAD = f"""\
# Settings of stack/docker-compose.monitoring.yml. Made once; yours from now on. No passwords: those
# are files of the directory below, which is relative to this file's.
{SECRETS_VARIABLE}=./compose/secrets

# Each of these has the default that is shown.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What was made now; the rest was there."""

    env_file: bool
    secrets: tuple[str, ...]


def make_all(places: Places) -> Made:
    """Make what is missing, and check what is there.

    Raises StackFailure for a file that others may read, and for a secret that can't be one.
    """
    env_file = make_once(places.env_file, _env_text(places.compose_file))
    check_private(places.env_file)
    directory = secrets_of(places)
    make_directory(directory)
    made = []
    for credential in CREDENTIALS:
        path = directory / credential.name
        if make_once(path, f"{credential.make()}\n"):
            made.append(credential.name)
        _check(credential, path)
    return Made(env_file=env_file, secrets=tuple(made))


def secrets_of(places: Places) -> Path:
    """Return the directory of the secrets that compose will use. Raises StackFailure."""
    if not places.env_file.exists():
        raise StackFailure(f"there is no {shown(places.env_file)}: nox -s stack -- up makes it")
    if given := os.environ.get(SECRETS_VARIABLE):  # compose prefers it too
        return (places.env_file.parent / given).resolve()
    for line in read_private(places.env_file).splitlines():
        found = _ASSIGNMENT.match(line)
        if found and found[1] == SECRETS_VARIABLE and found[3]:
            return (places.env_file.parent / found[3]).resolve()
    raise StackFailure(
        f"{shown(places.env_file)} does not set {SECRETS_VARIABLE}: add the line "
        f"{SECRETS_VARIABLE}=./compose/secrets"
    )


def in_force(environ: Mapping[str, str], env_file: Path | None = None) -> dict[str, str]:
    """Return what compose knows: what `.env` sets, by default that beside the compose file, and
    what the environment says, which counts where both do.

    Raises StackFailure for a file that can't be read.
    """
    path = env_file or Places.here().env_file
    if not path.exists():
        return dict(environ)
    lines = (_ASSIGNMENT.match(line) for line in read_private(path).splitlines())
    return {found[1]: found[3] for found in lines if found} | dict(environ)


def unset(places: Places) -> list[Path]:
    """Return the files of the channels' secrets that nobody has filled in. Raises StackFailure."""
    directory = secrets_of(places)
    return [
        directory / each.name
        for each in CREDENTIALS
        if each.kind == "channel" and is_unset(read_private(directory / each.name))
    ]


def optional_variables(compose_text: str) -> dict[str, str]:
    """Return every variable that the compose file has a default for, with it, in its order."""
    found: dict[str, str] = {}
    for line in compose_text.splitlines():
        if not line.lstrip().startswith("#"):
            for name, default in _OPTIONAL.findall(line):
                found.setdefault(name, default)
    return found


def _env_text(compose_file: Path) -> str:
    variables = optional_variables(compose_file.read_text(encoding="utf-8"))
    return _HEAD + "".join(_commented(variables))


def _commented(variables: dict[str, str]) -> Iterator[str]:
    for name, default in variables.items():
        if name != LEFT_OUT_VARIABLE:
            yield f"# {name}={default}\n"


def _check(credential: Credential, path: Path) -> None:
    why = refusal(credential, read_private(path))
    if why is not None:
        raise StackFailure(
            f"{shown(path)} {why}; put a better one in, or remove the file to have one made, "
            "then: nox -s stack -- up"
        )
