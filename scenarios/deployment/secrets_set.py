"""Whether the channels' secrets are there, well-formed, nobody's example, and for few to read.

One rule: which secrets those are is read from the routing file; what is told of one is its name.
"""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from scenarios.deployment.rules import listed
from scenarios.deployment.secret_formats import Kind, complaint
from scenarios.deployment.seen import Missing, NotSeen, of
from scenarios.deployment.visit import Visit
from scenarios.verdict import Status, Verdict
from stack.routing_secrets import named_secrets
from stack.yamlfile import read_yaml

OTHERS, GROUP_WRITES = 0o007, 0o020

_KINDS: Mapping[tuple[str, str], Kind] = {
    ("pagerduty_configs", "routing_key_file"): "pagerduty key",
    ("pagerduty_configs", "service_key_file"): "pagerduty key",
    ("slack_configs", "api_url_file"): "slack webhook",
    ("discord_configs", "webhook_url_file"): "discord webhook",
    ("webhook_configs", "url_file"): "webhook",
    ("global", "slack_api_url_file"): "slack webhook",
}
"""What a file holds, by where it is named; any other holds a password or a token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretFile:
    """One secret's file.

    Attributes:
        name: the file's.
        state: "there", "missing", or why it can't be read.
        mode: its permissions.
        problem: what is wrong with what it holds, or "".
        fingerprint: the same for two files that hold the same, and of no other use.
    """

    name: str
    state: str = "there"
    mode: int = 0
    problem: str = ""
    fingerprint: str = ""


def wanted_secrets(routing: str, source: str) -> Mapping[str, Kind]:
    """Return the names of the secrets' files that a routing file names, with their kinds.

    Raises stack.yamlfile.ConfigurationError.
    """
    return {
        one.file: _KINDS.get((one.section, one.key), "password")
        for one in named_secrets(read_yaml(routing, source))
    }


def secret_files(visit: Visit) -> tuple[SecretFile, ...]:
    """See the files of the channels' secrets."""
    target = visit.target
    if target.secrets_directory is None:
        raise NotSeen("no folder is named")
    routing = target.files.alertmanager
    wanted = wanted_secrets(routing.read_text(encoding="utf-8"), routing.name)
    return tuple(
        read_secret(target.secrets_directory / name, kind) for name, kind in wanted.items()
    )


def read_secret(path: Path, kind: Kind) -> SecretFile:
    """Return what is to be known of one secret's file, without the secret."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        text = path.read_bytes().decode("latin-1")  # any bytes; judged by their form
    except FileNotFoundError:
        return SecretFile(name=path.name, state="missing")
    except OSError as error:
        return SecretFile(name=path.name, state=error.strerror or str(error))
    return SecretFile(
        name=path.name,
        mode=mode,
        problem=complaint(kind, text),
        fingerprint=hashlib.sha256(text.strip().encode()).hexdigest(),
    )


def judge_secrets(seen: tuple[SecretFile, ...] | Missing, folder: Path) -> Verdict:
    """Judge that each secret is there and may be the real one."""
    claim = "the secrets of all channels are set"
    expected = "each there, well-formed, no example, and like no other"
    if isinstance(seen, Missing):
        return seen.verdict(claim, expected)
    if not seen:
        return Missing(why="the routing file names no secret").verdict(claim, expected)
    problems = [f"{one.name} is missing" for one in seen if one.state == "missing"]
    problems += [f"{one.name} {one.problem}" for one in seen if one.problem]
    by_content: dict[str, list[str]] = {}
    for one in seen:
        if one.state == "there" and not one.problem:
            by_content.setdefault(one.fingerprint, []).append(one.name)
    problems += [
        f"{' and '.join(names)} hold the same: each belongs to one channel"
        for names in by_content.values()
        if len(names) > 1
    ]
    unread = [f"{one.name}: {one.state}" for one in seen if one.state not in ("there", "missing")]
    if unread and not problems:
        return Verdict(
            claim=claim,
            status=Status.UNKNOWN,
            expected=expected,
            observed="; ".join(unread),
            look="run the gate as who may read them",
        )
    observed = f"{len(seen)} of {len(seen)} in {folder}"
    look = "docs/MONITORING-SETUP.md, Channels and secrets"
    return of(claim, expected, observed, listed(tuple(problems)), look)


def judge_modes(seen: tuple[SecretFile, ...] | Missing, folder: Path) -> Verdict:
    """Judge that nobody else may read a secret."""
    claim = "the secrets are readable by few"
    expected = "no file open to others, or written by its group"
    if isinstance(seen, Missing):
        return seen.verdict(claim, expected)
    there = [one for one in seen if one.state == "there"]
    if not there:
        return Missing(why=f"no secret could be read in {folder}").verdict(claim, expected)
    problems = tuple(
        f"{one.name} has mode {one.mode:o}" for one in there if one.mode & (OTHERS | GROUP_WRITES)
    )
    modes = ", ".join(sorted({f"{one.mode:o}" for one in there}))
    return of(
        claim,
        expected,
        f"{len(there)} files of mode {modes}",
        listed(problems),
        f"chmod 600 {folder}/*",
    )
