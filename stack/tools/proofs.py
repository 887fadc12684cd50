"""What was learned by starting a program, kept so that it need not be started again.

Design rule: a proof holds for exactly the file (path, size, modification time), the command, the
user, the kernel and the container that it was made with; in doubt it is made again. The file of
proofs is replaced whole, so that a reader sees an old or a new one and never half of one; of two
writers at the same time one loses its proof, which costs it one start.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

__all__ = ["Proof", "Proofs"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What is known of one program. `works` is False until it was seen to work."""

    size_bytes: int
    modified_ns: int
    sha256: str
    version: str
    works: bool


class Proofs:
    """The proofs of one cache directory."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._entries = _read(file)

    def find(self, path: Path, command: tuple[str, ...]) -> Proof | None:
        """Return the proof for this command, if its program is unchanged since.

        Raises OSError if the program cannot be looked at.
        """
        proof = self._entries.get(_key(path, command))
        stat = path.stat()
        if proof is None or (proof.size_bytes, proof.modified_ns) != (
            stat.st_size,
            stat.st_mtime_ns,
        ):
            return None
        return proof

    def keep(self, path: Path, command: tuple[str, ...], proof: Proof) -> None:
        """Keep a proof, among those that other processes have kept meanwhile.

        Raises OSError if the cache cannot be written.
        """
        self._entries = _read(self._file) | {_key(path, command): proof}
        self._file.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps({key: asdict(kept) for key, kept in self._entries.items()}, indent=1)
        descriptor, name = tempfile.mkstemp(dir=self._file.parent, prefix=self._file.name)
        with os.fdopen(descriptor, "w", encoding="utf-8") as written:
            written.write(text)
        Path(name).replace(self._file)


def _key(path: Path, command: tuple[str, ...]) -> str:
    # The command of a namespaced program holds a script: its hash stands for all of it.
    how = json.dumps([command, os.geteuid(), os.uname().release, _mount_namespace()])
    return f"{path} {hashlib.sha256(how.encode()).hexdigest()[:16]}"


def _mount_namespace() -> str:
    # A container may share this cache and this kernel, and yet deny what the host allows.
    return str(Path("/proc/self/ns/mnt").readlink())


def _read(file: Path) -> dict[str, Proof]:
    try:
        written = json.loads(file.read_text(encoding="utf-8"))
        return {key: Proof(**fields) for key, fields in written.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}  # never written, or spoilt: every proof can be made again
