"""When the certificates of files end, read again when a file has changed.

Loaded where INSTRUMENT_CERTIFICATE_FILES names some. A file that can't be read has no series, and
counts as the background task's failure: an old number would hide that it is gone.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from instrumentation.settings import SettingsError


class CertificateUnreadable(Exception):
    """A certificate's file can't be read; the message is one line."""


class _Version(NamedTuple):
    """Which content a file has, as far as can be known without reading it."""

    modified_ns: int
    inode: int
    size_bytes: int


class _Known(NamedTuple):
    """What a version of a file says: the certificate's end in epoch seconds, or the problem."""

    version: _Version
    not_after: float | None
    problem: str | None


class Certificates(Collector):
    """The ends of the certificates of some files; each is named by its file, without the suffix.

    Raises SettingsError where the package that reads them is missing.
    """

    def __init__(self, paths: Sequence[Path], *, prefix: str) -> None:
        if find_spec("cryptography") is None:
            raise SettingsError(
                f"INSTRUMENT_CERTIFICATE_FILES={','.join(map(str, paths))}: cryptography, which "
                "reads certificates, is not installed: pip install 'alertproof[certificates]'"
            )
        self._paths = tuple(paths)
        self._prefix = prefix
        self._known: dict[Path, _Known] = {}
        with suppress(CertificateUnreadable):  # the background task says so
            self.read()

    def read(self) -> None:
        """Read the files that have changed. Raises CertificateUnreadable that names all bad ones.

        Unchanged files are asked for their time of change alone, so that this is cheap.
        """
        problems = []
        for path in self._paths:
            problem = self._read_changed(path)
            if problem is not None:
                problems.append(f"{path}: {problem}")
        if problems:
            raise CertificateUnreadable("; ".join(problems))

    def collect(self) -> Iterator[Metric]:
        """Yield what was read last."""
        family = GaugeMetricFamily(
            f"{self._prefix}_certificate_not_after_timestamp_seconds",
            "When the certificate ends; of a file of several, the one that ends first.",
            labels=["certificate"],
        )
        for path in self._paths:
            known = self._known.get(path)
            if known is not None and known.not_after is not None:
                family.add_metric([path.stem], known.not_after)
        yield family

    def _read_changed(self, path: Path) -> str | None:
        try:
            about = path.stat()
            version = _Version(about.st_mtime_ns, about.st_ino, about.st_size)
            known = self._known.get(path)
            if known is None or known.version != version:
                known = self._known[path] = _parse(path.read_bytes(), version)
        except OSError as error:
            self._known.pop(path, None)
            return error.strerror or str(error)
        return known.problem


def _parse(content: bytes, version: _Version) -> _Known:
    # Here, for those who have certificates: it is a native library of several megabytes.
    from cryptography.x509 import load_pem_x509_certificates

    try:
        certificates = load_pem_x509_certificates(content)
        ends = [one.not_valid_after_utc.timestamp() for one in certificates]
    except ValueError:
        return _Known(version, None, "holds no certificate in PEM form")
    return _Known(version, min(ends), None)
