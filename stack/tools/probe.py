"""Whether a program that was found is the one that is meant, new enough, and works here.

Design rule: nothing is believed of a program but what it showed when it was run.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from stack.ports import LOOPBACK, reserve
from stack.processes import Processes
from stack.readiness import NOT_ANSWERING, answers_ready
from stack.tools.model import Origin, Tool
from stack.tools.proofs import Proof, Proofs
from stack.waiting import WaitTimeout, wait_until

__all__ = ["Candidate", "Damaged", "Unusable", "prove"]

MINIMUM = {
    "prometheus": (3, 0),  # the scaled rules and the API's parse_query are written for 3
    "promtool": (3, 0),
    "alertmanager": (0, 28),  # the first with url_file and webhook_url_file in every receiver
    "amtool": (0, 28),
}

_VERSION = re.compile(r"^(?P<name>[a-z]+), version (?P<version>\S*?) *\(branch")
_VERSION_TIMEOUT_SECONDS = 20.0
_READY_TIMEOUT_SECONDS = 20.0  # 0.3 s on an idle machine

_PROMETHEUS_YAML = "global: {}\n"
_ALERTMANAGER_YAML = "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n"


class Unusable(RuntimeError):
    """A candidate is not to be used: its path and the reason."""


class Damaged(Unusable):
    """A program of the cache is not the one that was put there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A program that may turn out to be the tool `name`.

    `expected_sha256` is what it must be, if that is known.
    """

    name: str
    command: tuple[str, ...]
    path: Path
    origin: Origin
    source: str
    expected_sha256: str | None = None


def prove(candidate: Candidate, proofs: Proofs) -> Tool:
    """Return the tool, proved now or before.

    Raises `Unusable`, or `Damaged` if its checksum is not the expected one.
    """
    try:
        proof = proofs.find(candidate.path, candidate.command)
        if proof is None:
            proof = _examine(candidate)
            proofs.keep(candidate.path, candidate.command, proof)
    except OSError as error:
        raise Unusable(f"{candidate.path} cannot be used: {error}") from error
    if candidate.expected_sha256 not in (None, proof.sha256):
        raise Damaged(f"{candidate.path} is not the file that was put into the cache")
    _require_new_enough(candidate, proof.version)
    if not proof.works:
        _require_start(candidate)
        proofs.keep(
            candidate.path,
            candidate.command,
            Proof(
                size_bytes=proof.size_bytes,
                modified_ns=proof.modified_ns,
                sha256=proof.sha256,
                version=proof.version,
                works=True,
            ),
        )
    return Tool(
        name=candidate.name,
        command=candidate.command,
        path=candidate.path,
        version=proof.version,
        sha256=proof.sha256,
        origin=candidate.origin,
        source=candidate.source,
    )


def _examine(candidate: Candidate) -> Proof:
    stat = candidate.path.stat()
    with candidate.path.open("rb") as binary:
        sha256 = hashlib.file_digest(binary, "sha256").hexdigest()
    return Proof(
        size_bytes=stat.st_size,
        modified_ns=stat.st_mtime_ns,
        sha256=sha256,
        version="" if candidate.expected_sha256 not in (None, sha256) else _version(candidate),
        works=False,
    )


def _version(candidate: Candidate) -> str:
    """Ask the program for its name and version; only a program that is the tool answers."""
    try:
        asked = subprocess.run(
            [str(candidate.path), "--version"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_VERSION_TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise Unusable(f"{candidate.path} --version did not end") from error
    output = asked.stdout.decode(errors="replace")
    told = _VERSION.match(output)
    if asked.returncode != 0 or told is None or told["name"] != candidate.name:
        first = (output.strip().splitlines() or ["nothing"])[0]
        raise Unusable(
            f"{candidate.path} is no {candidate.name}: --version printed {first[:120]!r}"
        )
    return told["version"]


def _require_new_enough(candidate: Candidate, version: str) -> None:
    minimum = MINIMUM[candidate.name]
    numbers = re.match(r"v?(\d+)\.(\d+)", version)
    if numbers is None or (int(numbers[1]), int(numbers[2])) < minimum:
        needed = ".".join(str(number) for number in minimum)
        raise Unusable(f"{candidate.path} is version {version or 'unknown'}, needed >= {needed}")


def _require_start(candidate: Candidate) -> None:
    """Start a server on an empty configuration; for the two command line tools --version did."""
    if candidate.name not in ("prometheus", "alertmanager"):
        return
    with (
        tempfile.TemporaryDirectory(prefix="alertproof-probe-") as directory,
        reserve() as reservation,
        Processes() as processes,
    ):
        log = Path(directory, "log")
        process = processes.start(
            candidate.name,
            [*candidate.command, *_flags(candidate.name, Path(directory), reservation.port)],
            log=log,
        )

        def ready() -> bool:
            if process.poll() is not None:
                lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
                last = lines[-1][-300:] if lines else f"status {process.returncode}, no output"
                raise Unusable(f"{candidate.path} does not start here: {last}")
            return answers_ready(reservation.port)

        try:
            wait_until(
                ready,
                what=f"{candidate.path} to be ready",
                timeout_seconds=_READY_TIMEOUT_SECONDS,
                retry_on=NOT_ANSWERING,
            )
        except WaitTimeout as late:
            raise Unusable(f"{candidate.path} does not get ready: {late}") from late


def _flags(name: str, directory: Path, port: int) -> list[str]:
    config = directory / "config.yml"
    storage = directory / "storage"
    listen = f"--web.listen-address={LOOPBACK}:{port}"
    if name == "prometheus":
        config.write_text(_PROMETHEUS_YAML, encoding="utf-8")
        return [f"--config.file={config}", f"--storage.tsdb.path={storage}", listen]
    config.write_text(_ALERTMANAGER_YAML, encoding="utf-8")
    cluster = "--cluster.listen-address="
    return [f"--config.file={config}", f"--storage.path={storage}", listen, cluster]
