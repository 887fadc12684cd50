"""Prometheus and Alertmanager from Debian's package archive: unpacked, never installed, no root.

Design rule: the machine's own apt is asked for everything: the archive's address, the signatures
(authentication is never relaxed, whatever the machine's configuration says) and the files. It
works on a private state, and the machine's is only read.
"""

from __future__ import annotations

import hashlib
import platform
import shutil
from dataclasses import dataclass
from pathlib import Path

from stack.tools.cache import write_manifest
from stack.tools.fetching import FetchFailed, Report, run

__all__ = [
    "SUITE",
    "DebianSource",
    "PrivateApt",
    "archive_uri",
    "described",
    "obstacle",
    "own_codename",
    "unpack_own_package",
    "unpack_package",
    "write_source",
]

SUITE = "forky"
"""Debian 14, the first with a Prometheus 3: 3.5 (LTS), and Alertmanager 0.33. The programs run on
Debian 12 as they are, whose own are 2.42 and 0.25 (Debian 13: 2.53 and 0.28)."""

_PACKAGES = ("prometheus", "promtool", "prometheus-alertmanager")
_PROGRAMS = {
    "prometheus": ("prometheus", "usr/bin/prometheus"),
    "promtool": ("promtool", "usr/bin/promtool"),
    "alertmanager": ("prometheus-alertmanager", "usr/bin/prometheus-alertmanager"),
    "amtool": ("prometheus-alertmanager", "usr/bin/amtool"),
}
_KEPT = ("usr/bin", "usr/share/prometheus")
_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_PROGRAMS_NEEDED = ("apt-get", "dpkg-deb", "dpkg")


@dataclass(frozen=True, slots=True)
class PrivateApt:
    """apt with lists, cache and sources of its own below one directory.

    `sources` None means the machine's own sources.
    """

    directory: Path
    sources: Path | None
    suite: str = SUITE

    def run(self, *arguments: str, into: Path | None = None) -> str:
        """Run apt-get, in its own directory or `into`; return its output. Raises `FetchFailed`."""
        here = self.directory
        (here / "lists" / "partial").mkdir(parents=True, exist_ok=True)
        (here / "cache" / "archives" / "partial").mkdir(parents=True, exist_ok=True)
        (here / "status").touch()
        options = {
            "Dir::State::Lists": here / "lists",
            "Dir::Cache": here / "cache",
            "Debug::NoLocking": 1,
            "APT::Sandbox::User": "root",  # _apt may not enter a private directory
            "APT::Get::AllowUnauthenticated": "false",
            "Acquire::AllowInsecureRepositories": "false",
            "Acquire::AllowWeakRepositories": "false",
            "Acquire::Check-Valid-Until": "true",
            "APT::Update::Error-Mode": "any",  # otherwise an unreachable archive is a success
            "Acquire::Languages": "none",
            "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled": "false",
            "Acquire::IndexTargets::deb::CNF::DefaultEnabled": "false",
            "Acquire::Retries": 2,
            "Acquire::http::Timeout": 20,
            "Acquire::https::Timeout": 20,
        }
        if self.sources is not None:
            options |= {
                "Dir::Etc::SourceList": self.sources,
                "Dir::Etc::SourceParts": "/dev/null",
                "Dir::Etc::Preferences": "/dev/null",
                "Dir::Etc::PreferencesParts": "/dev/null",
                "Dir::State::status": here / "status",  # what is installed does not matter
                "APT::Default-Release": self.suite,
            }
        flags = [part for key, value in options.items() for part in ("-o", f"{key}={value}")]
        return run(["apt-get", *flags, *arguments], directory=into or here)


class DebianSource:
    """All four tools, from the archive that this machine's apt uses."""

    provides = frozenset(_PROGRAMS)

    @property
    def installation(self) -> str:
        """One installation for each suite and machine architecture."""
        return f"debian-{SUITE}-{platform.machine()}"

    def obstacle(self) -> str | None:
        """Return what this machine lacks of a Debian's."""
        return obstacle()

    def fetch(self, directory: Path, report: Report) -> None:
        """Download, let apt verify, unpack, and keep the programs with the files they read."""
        report(f"fetching Prometheus and Alertmanager from Debian {SUITE}, once, without root")
        work = directory / "work"
        downloads = work / "downloads"
        downloads.mkdir(parents=True)
        apt = PrivateApt(work, write_source(work, archive_uri(work)))
        apt.run("update")
        # apt verifies the index by its signature, and each file by the index.
        apt.run("download", *_PACKAGES, into=downloads)
        sources = {}
        for package in sorted(downloads.glob("*.deb")):
            run(["dpkg-deb", "-x", str(package), str(work / "root")], directory=work)
            name, said = described(package, work)
            sources[name] = said
        missing = [name for name in _PACKAGES if name not in sources]
        if missing:
            raise FetchFailed(f"Debian {SUITE} did not deliver {', '.join(missing)}")
        for kept in _KEPT:
            (directory / kept).parent.mkdir(parents=True, exist_ok=True)
            (work / "root" / kept).rename(directory / kept)
        shutil.rmtree(work)
        programs = {tool: (path, sources[package]) for tool, (package, path) in _PROGRAMS.items()}
        write_manifest(directory, origin="cache", programs=programs)


def obstacle() -> str | None:
    """Return what this machine lacks of a Debian's, or None."""
    missing = [name for name in _PROGRAMS_NEEDED if shutil.which(name) is None]
    if missing:
        return f"Debian's archive needs {', '.join(missing)}, which this system has not"
    if own_codename() is None:
        return "Debian's archive serves Debian, and this is another system"
    return None


def unpack_own_package(name: str, work: Path) -> tuple[Path, str]:
    """Download a package of this machine's own suite; return where it is unpacked, and its source.

    For a library, which must fit the machine's C library. Raises `FetchFailed` or OSError.
    """
    return unpack_package(name, work, str(own_codename()))


def unpack_package(name: str, work: Path, suite: str = SUITE) -> tuple[Path, str]:
    """Download one package of a suite; return where it is unpacked, and its source.

    For a program that needs no other package. Raises `FetchFailed` or OSError.
    """
    downloads = work / "downloads"
    downloads.mkdir(parents=True)
    apt = PrivateApt(work, write_source(work, archive_uri(work), suite), suite)
    apt.run("update")
    apt.run("download", name, into=downloads)
    packages = list(downloads.glob("*.deb"))
    if len(packages) != 1:
        raise FetchFailed(f"Debian {suite} did not deliver {name}")
    root = work / "root"
    run(["dpkg-deb", "-x", str(packages[0]), str(root)], directory=work)
    return root, described(packages[0], work, suite)[1]


def archive_uri(work: Path) -> str:
    """Ask apt where this machine gets Debian from; nothing is assumed of it.

    A machine that has never run `apt-get update` does not know: then its own sources are updated
    into a private place, and asked. Raises `FetchFailed` where there is no such source.
    """
    codename = own_codename()
    target = ("Created-By: Packages", "Origin: Debian", f"Codename: {codename}")
    question = ("indextargets", "--format", "$(REPO_URI)", *target)
    known = run(["apt-get", *question], directory=work).split()
    if not known:
        own = work / "own"
        own.mkdir()
        asked = PrivateApt(own, None)
        asked.run("update")
        known = asked.run(*question).split()
    if not known:
        raise FetchFailed(f"apt has no source for Debian {codename}; look: apt-cache policy")
    return known[0]


def write_source(work: Path, uri: str, suite: str = SUITE) -> Path:
    """Write apt's list of sources, with this one suite alone; return its file."""
    signed = f"[signed-by={_KEYRING}] " if _KEYRING.exists() else ""
    file = work / "sources.list"
    file.write_text(f"deb {signed}{uri} {suite} main\n", encoding="utf-8")
    return file


def described(package: Path, work: Path, suite: str = SUITE) -> tuple[str, str]:
    """Return a package's name, and what it is, for the evidence. Raises `FetchFailed`."""
    fields = "${Package} ${Version} ${Architecture}"
    shown = run(["dpkg-deb", "-W", f"--showformat={fields}", str(package)], directory=work)
    name, version, architecture = shown.split()
    with package.open("rb") as archive:
        sha256 = hashlib.file_digest(archive, "sha256").hexdigest()
    said = f"Debian package {name} {version} ({suite}, {architecture}, sha256 {sha256})"
    return name, said


def own_codename() -> str | None:
    """Return the codename of this Debian, or None on any other system, its descendants too."""
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        return None
    return release.get("VERSION_CODENAME") if release["ID"] == "debian" else None
