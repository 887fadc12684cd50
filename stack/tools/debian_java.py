"""Java and Maven from Debian's package archive: unpacked with what they need, no root.

Design rule: what Debian's package scripts do at installation, and no more, is done here in the
private prefix: links point into it, and a trust store is made of the certificates that this
machine trusts.
"""

from __future__ import annotations

import hashlib
import platform
import shutil
import ssl
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from stack.tools.cache import Installation, ToolCache, write_manifest
from stack.tools.debian import (
    PrivateApt,
    archive_uri,
    described,
    obstacle,
    own_codename,
    write_source,
)
from stack.tools.fetching import FetchFailed, Report, run

__all__ = ["UnpackedJava", "trust_store", "unpacked_java"]

_PACKAGES = ("default-jre-headless", "maven")
"""By the name that every Debian has: Java 17 in 12, Java 21 in 13."""

_KEPT = ("usr/lib/jvm", "usr/share/java", "usr/share/maven", "etc/maven")
_KEPT_PATTERNS = ("etc/java-*",)
_JAVA = "usr/lib/jvm/*/bin/java"
_LAUNCHER = "usr/share/maven/boot/plexus-classworlds-2.x.jar"
_TRUST_STORE = "trusted.jks"
_MACHINE_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")

_JKS_MAGIC = 0xFEEDFEED
_JKS_VERSION = 2
_JKS_TRUSTED_CERTIFICATE = 2
_JKS_SALT = b"Mighty Aphrodite"
_JKS_PASSWORD = "changeit"  # noqa: S105  (Java's own default: the store holds nothing secret)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnpackedJava:
    """Java and Maven of one installation of the cache.

    Attributes:
        java: the program.
        maven: the beginning of Maven's argument list: Debian's `mvn` expects it in /usr/share.
        source: Debian's package, for the evidence.
    """

    java: Path
    maven: tuple[str, ...]
    source: str


def unpacked_java(cache_directory: Path, report: Report) -> UnpackedJava:
    """Return Java and Maven from the cache, fetched once if need be (80 MB, 20 s).

    Raises `FetchFailed` or OSError.
    """
    cache = ToolCache(cache_directory)
    name = f"debian-java-{own_codename()}-{platform.machine()}"
    installed = cache.load(name)
    if installed is None:
        if reason := obstacle():
            raise FetchFailed(reason)
        installed = cache.install(name, lambda folder: _fetch(folder, report), report)
    return _in(installed)


def trust_store(certificates: Iterable[bytes]) -> bytes:
    """Return a Java key store (format JKS, version 2) that trusts these DER certificates.

    It is what `keytool -importcert` writes, which takes half a second for each certificate.
    """
    entries = [_jks_entry(number, der) for number, der in enumerate(certificates)]
    head = struct.pack(">III", _JKS_MAGIC, _JKS_VERSION, len(entries))
    content = head + b"".join(entries)
    # The format's own digest, which Java checks when the store is opened with its password.
    digest = hashlib.sha1(_JKS_PASSWORD.encode("utf-16-be") + _JKS_SALT + content)  # noqa: S324
    return content + digest.digest()


def _jks_entry(number: int, der: bytes) -> bytes:
    alias, kind = f"ca-{number}".encode(), b"X.509"
    made_ms = 0
    return b"".join(
        [
            struct.pack(">IH", _JKS_TRUSTED_CERTIFICATE, len(alias)),
            alias,
            struct.pack(">QH", made_ms, len(kind)),
            kind,
            struct.pack(">I", len(der)),
            der,
        ]
    )


def _in(installed: Installation) -> UnpackedJava:
    java = installed.directory / installed.programs["java"].path
    return UnpackedJava(
        java=java,
        maven=_maven_command(java, installed.directory),
        source=installed.programs["java"].source,
    )


def _maven_command(java: Path, prefix: Path) -> tuple[str, ...]:
    maven = prefix / "usr" / "share" / "maven"
    return (
        str(java),
        f"-Djavax.net.ssl.trustStore={prefix / _TRUST_STORE}",
        f"-Djavax.net.ssl.trustStorePassword={_JKS_PASSWORD}",
        "-classpath",
        str(prefix / _LAUNCHER),
        f"-Dclassworlds.conf={maven / 'bin' / 'm2.conf'}",
        f"-Dmaven.home={maven}",
        f"-Dmaven.multiModuleProjectDirectory={prefix}",
        "org.codehaus.plexus.classworlds.launcher.Launcher",
    )


def _fetch(directory: Path, report: Report) -> None:
    report("fetching Java and Maven from Debian's archive, once, without root (80 MB)")
    work = directory / "work"
    work.mkdir()
    suite = str(own_codename())
    apt = PrivateApt(work, write_source(work, archive_uri(work), suite), suite)
    apt.run("update")
    # The private state has no package installed, so that all of their dependencies come.
    apt.run("install", "--download-only", "--no-install-recommends", "--yes", *_PACKAGES)
    root = work / "root"
    sources = {}
    for package in sorted((work / "cache" / "archives").glob("*.deb")):
        run(["dpkg-deb", "-x", str(package), str(root)], directory=work)
        name, said = described(package, work, suite)
        sources[name] = said
    _point_links_inside(root)
    certificates = _trusted(root)
    for kept in (*map(root.joinpath, _KEPT), *_matching(root, _KEPT_PATTERNS)):
        place = directory / kept.relative_to(root)
        place.parent.mkdir(parents=True, exist_ok=True)
        kept.rename(place)
    (directory / _TRUST_STORE).write_bytes(trust_store(certificates))
    shutil.rmtree(work)
    java = _java_program(directory)
    write_manifest(
        directory,
        origin="cache",
        programs={
            "java": (str(java.relative_to(directory.resolve())), _java_source(sources)),
            "maven": (_LAUNCHER, sources["maven"]),
        },
    )


def _java_source(sources: dict[str, str]) -> str:
    runtimes = [said for name, said in sources.items() if name.startswith("openjdk-")]
    return ", ".join(runtimes)


def _java_program(prefix: Path) -> Path:
    # Several names lead to it, links among them; the real one is the same for all.
    found = {path.resolve() for path in prefix.glob(_JAVA)}
    if len(found) != 1:
        raise FetchFailed(f"Debian's {_PACKAGES[0]} holds {len(found)} programs java, expected one")
    return found.pop()


def _point_links_inside(root: Path) -> None:
    """Make absolute links relative ones inside `root`, which also survive that it is moved."""
    for link in [path for path in root.rglob("*") if path.is_symlink()]:
        target = link.readlink()
        if target.is_absolute():
            up = Path(*[".."] * (len(link.relative_to(root).parts) - 1))
            link.unlink()
            link.symlink_to(up / target.relative_to("/"))


def _matching(root: Path, patterns: Iterable[str]) -> list[Path]:
    return [path for pattern in patterns for path in sorted(root.glob(pattern))]


def _trusted(root: Path) -> list[bytes]:
    """Return the machine's trusted certificates, else those of Debian's package, as DER."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    own = ssl.get_default_verify_paths().cafile
    for bundle in (Path(own) if own else _MACHINE_BUNDLE, _MACHINE_BUNDLE):
        if bundle.is_file():
            context.load_verify_locations(cafile=bundle)
            return context.get_ca_certs(binary_form=True)
    for file in sorted(root.glob("usr/share/ca-certificates/**/*.crt")):
        context.load_verify_locations(cafile=file)
    return context.get_ca_certs(binary_form=True)
