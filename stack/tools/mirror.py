"""Upstream's release archives, from a folder that a setting names.

Design rule: an archive is opened only after its checksum was found to be the listed one; the
mirror itself is not trusted, and nothing that is not listed is fetched.
"""

from __future__ import annotations

import hashlib
import json
import platform
import re
import tarfile
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from stack.tools.cache import write_manifest
from stack.tools.fetching import FetchFailed, Report
from stack.tools.probe import MINIMUM

__all__ = ["MirrorSource", "known_checksums"]

CHECKSUMS = Path(__file__).parent.parent / "checksums.json"
"""What this repository knows: upstream's published checksums, archive name to SHA-256."""

_PROGRAMS = {"prometheus": ("prometheus", "promtool"), "alertmanager": ("alertmanager", "amtool")}
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}  # the kernel's names to Go's
_NAME = re.compile(r"(?P<product>[a-z]+)-(?P<version>\d+\.\d+\.\d+)\.linux-(?P<arch>\w+)\.tar\.gz")
_TIMEOUT_SECONDS = 30.0
_CHUNK_BYTES = 1 << 20


class MirrorSource:
    """All four tools, from a mirror over http, https or file."""

    provides = frozenset(MINIMUM)

    def __init__(self, url: str | None, checksums: Path | None) -> None:
        self._url = url
        self._checksums = checksums

    @property
    def installation(self) -> str:
        """One installation for each mirror, list of checksums and machine architecture."""
        settings = f"{self._url} {self._checksums}".encode()
        return f"mirror-{hashlib.sha256(settings).hexdigest()[:12]}-{platform.machine()}"

    def obstacle(self) -> str | None:
        """Return that no mirror is set, or that it cannot be one."""
        if self._url is None:
            return "no mirror is set (ALERTPROOF_MIRROR)"
        if urlsplit(self._url).scheme not in ("http", "https", "file"):
            return f"ALERTPROOF_MIRROR={self._url} is no http, https or file URL"
        if platform.machine() not in _ARCHITECTURES:
            return f"upstream's archives are not used on {platform.machine()}"
        return None

    def fetch(self, directory: Path, report: Report) -> None:
        """Fetch the newest listed archive of each product that the mirror has."""
        checksums = known_checksums(self._checksums)
        programs: dict[str, tuple[str, str]] = {}
        (directory / "bin").mkdir()
        for product, names in _PROGRAMS.items():
            archive, name = self._fetch_newest(product, checksums, directory, report)
            source = f"upstream's {name} (sha256 {checksums[name]}) from {self._url}"
            for program in names:
                _extract(archive, program, directory / "bin" / program)
                programs[program] = (f"bin/{program}", source)
            archive.unlink()
        write_manifest(directory, origin="mirror", programs=programs)

    def _fetch_newest(
        self, product: str, checksums: Mapping[str, str], directory: Path, report: Report
    ) -> tuple[Path, str]:
        listed = _usable(product, checksums)
        if not listed:
            needed = ".".join(str(number) for number in MINIMUM[product])
            raise FetchFailed(
                f"no checksum is listed for {product} >= {needed} on {platform.machine()};"
                " name upstream's sha256sums.txt in ALERTPROOF_MIRROR_CHECKSUMS"
            )
        for name in listed:
            url = f"{str(self._url).rstrip('/')}/{name}"
            report(f"fetching {url}")
            archive = directory / name
            if not _download(url, archive):
                continue
            with archive.open("rb") as content:
                found = hashlib.file_digest(content, "sha256").hexdigest()
            if found != checksums[name]:
                raise FetchFailed(f"{url} has sha256 {found}, but {checksums[name]} is listed")
            return archive, name
        raise FetchFailed(f"{self._url} has none of the listed archives: {', '.join(listed)}")


def known_checksums(file: Path | None) -> dict[str, str]:
    """Return archive name to SHA-256: those of this repository, and those of `file` over them.

    `file` has the format of sha256sum(1). Raises `FetchFailed` if it cannot be read as such.
    """
    known: dict[str, str] = json.loads(CHECKSUMS.read_text(encoding="utf-8"))
    if file is None:
        return known
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise FetchFailed(f"ALERTPROOF_MIRROR_CHECKSUMS cannot be read: {error}") from error
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        entry = re.fullmatch(r"([0-9a-fA-F]{64}) [ *](\S+)", line.rstrip())
        if entry is None:
            raise FetchFailed(f"{file}:{number} is not a line of sha256sum: {line[:80]!r}")
        known[Path(entry[2]).name] = entry[1].lower()
    return known


def _usable(product: str, checksums: Mapping[str, str]) -> list[str]:
    """Return the listed archives of a product that would do on this machine, newest first."""
    found = []
    for name in checksums:
        parts = _NAME.fullmatch(name)
        if parts is None or parts["product"] != product:
            continue
        version = tuple(int(number) for number in parts["version"].split("."))
        if parts["arch"] == _ARCHITECTURES[platform.machine()] and version >= MINIMUM[product]:
            found.append((version, name))
    return [name for _, name in sorted(found, reverse=True)]


def _download(url: str, archive: Path) -> bool:
    """Copy a file of the mirror; False if the mirror has none of that name."""
    parts = urlsplit(url)
    if parts.scheme == "file":
        try:
            archive.write_bytes(Path(unquote(parts.path)).read_bytes())
        except FileNotFoundError:
            return False
        return True

    import requests  # only here: a warm start must not pay for it

    try:
        with requests.get(url, stream=True, timeout=_TIMEOUT_SECONDS) as response:
            if response.status_code == requests.codes.not_found:
                return False
            response.raise_for_status()
            with archive.open("wb") as written:
                for chunk in response.iter_content(_CHUNK_BYTES):
                    written.write(chunk)
    except requests.RequestException as error:
        raise FetchFailed(f"{url} cannot be fetched: {error}") from error
    return True


def _extract(archive: Path, program: str, target: Path) -> None:
    """Take one program out of an archive, whatever else is in it."""
    try:
        with tarfile.open(archive) as opened:
            for member in opened:
                if member.isfile() and Path(member.name).name == program:
                    content = opened.extractfile(member)
                    if content is not None:
                        target.write_bytes(content.read())
                        target.chmod(0o755)
                        return
    except tarfile.TarError as error:
        raise FetchFailed(f"{archive.name} is no tar archive: {error}") from error
    raise FetchFailed(f"{archive.name} has no program {program}")
