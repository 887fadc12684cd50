"""What the workers wrote, added up. A file's keys are parsed once; a scrape only reads numbers.

The format is the client library's (`prometheus_client.mmap_dict`): a count of used bytes, then
entries of a JSON key, padded to eight bytes, and two doubles, value and time. Entries are only
ever appended, so that the place of a number, once known, stays known.
"""

import bisect
import json
import mmap
import os
import struct
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from prometheus_client.core import Metric
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import mark_process_dead
from prometheus_client.samples import Sample
from prometheus_client.utils import floatToGoString

from instrumentation.recent import DEAD

_INTEGER = struct.Struct("i")
_TWO_DOUBLES = struct.Struct("dd")
_HEADER_BYTES = 8
_SPARE_SERIES = 1000
_PER_PROCESS = frozenset({"all", "liveall"})

_Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Series:
    """What one number is: its family, sample and labels; `kind` is `counter`, `gauge_max`..."""

    kind: str
    family: str
    documentation: str
    name: str
    labels: _Labels


class _Known:
    """All series that any file ever named, numbered in the order in which they were met."""

    def __init__(self) -> None:
        self.series: list[_Series] = []
        self._numbers: dict[tuple[str, _Labels, bytes], int] = {}

    def number(self, kind: str, own_labels: _Labels, raw: bytes) -> int:
        """Return the number of a file's key, which is parsed when it is new."""
        identity = (kind, own_labels, raw)
        number = self._numbers.get(identity)
        if number is None:
            family, name, labels, documentation = json.loads(raw)
            number = self._numbers[identity] = len(self.series)
            self.series.append(
                _Series(
                    kind=kind,
                    family=family,
                    documentation=documentation,
                    name=name,
                    labels=(*sorted(labels.items()), *own_labels),
                )
            )
        return number


class _File:
    """One worker's file of one kind: which series stands at which place, counted in doubles."""

    def __init__(self, kind: str, pid: str) -> None:
        self.kind = kind
        self.entries: list[tuple[int, int]] = []
        self.doubles: memoryview[float] = memoryview(b"").cast("d")
        per_process = kind.partition("_")[2] in _PER_PROCESS
        self._own_labels: _Labels = (("pid", pid),) if per_process else ()
        self._read_bytes = _HEADER_BYTES
        self._map: mmap.mmap | bytes = b""

    def refresh(self, path: str, size: int, known: _Known) -> None:
        """Map what was added, and parse its keys. Raises FileNotFoundError."""
        if size < _HEADER_BYTES:
            return  # its process is just making it
        if size > len(self._map):
            with open(path, "rb") as file:  # noqa: PTH123 - a string from scandir, each scrape
                self._map = mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ)
            self.doubles = memoryview(self._map)[: size - size % 8].cast("d")
        data = self._map
        used = min(_INTEGER.unpack_from(data, 0)[0], size)
        position = self._read_bytes
        while position + 4 <= used:
            length = _INTEGER.unpack_from(data, position)[0]
            end = position + 4 + length
            place = end + (8 - (length + 4) % 8)
            if length < 0 or place + 16 > used:
                break  # its process died while it wrote: what comes after was never counted
            try:
                number = known.number(self.kind, self._own_labels, data[position + 4 : end])
            except (ValueError, TypeError):  # damaged: what comes after can't be found
                break
            self.entries.append((number, place // 8))
            position = place + 16
        self._read_bytes = position

    def close(self) -> None:
        """Let go of the file, which closes with its last view."""
        self.doubles.release()


class WorkerFiles:
    """Reads a directory of workers' files. Not thread-safe: whoever collects holds a lock."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._files: dict[tuple[str, int], _File] = {}
        self._known = _Known()
        self._plan: list[_Family] = []
        self._planned = 0

    def collect(self, families: Collection[str]) -> list[Metric]:
        """Return the named families, added up over all workers that are alive or were.

        Call it under `workers.reading`.
        """
        self._refresh()
        named = sum(len(file.entries) for file in self._files.values())
        if len(self._known.series) > 2 * named + _SPARE_SERIES:
            self._begin_anew()  # most that were ever met are of processes that are gone
            self._refresh()
        values = self._add_up()
        if self._planned != len(self._known.series):
            self._plan = _plan(self._known.series)
            self._planned = len(self._known.series)
        return [family.metric(values) for family in self._plan if family.name in families]

    def _begin_anew(self) -> None:
        for file in self._files.values():
            file.close()
        self._files.clear()
        self._known, self._plan, self._planned = _Known(), [], 0

    def _refresh(self) -> None:
        present = set()
        for entry in os.scandir(self._directory):
            if not entry.name.endswith(".db"):
                continue
            try:
                about = entry.stat()
                identity = (entry.name, about.st_ino)  # mapped, so that it cannot be reused
                file = self._files.get(identity)
                if file is None:
                    kind, _, pid = entry.name.removesuffix(".db").rpartition("_")
                    file = _File(kind, pid)
                file.refresh(entry.path, about.st_size, self._known)
            except FileNotFoundError:  # a dead worker's live gauge, removed just now
                continue
            self._files[identity] = file
            present.add(identity)
        for identity in self._files.keys() - present:
            self._files.pop(identity).close()

    def _add_up(self) -> list[float | None]:
        values: list[float | None] = [None] * len(self._known.series)
        newest = [-1.0] * len(values)
        for file in self._files.values():
            doubles = file.doubles
            match file.kind:
                case "gauge_min" | "gauge_livemin":
                    for number, place in file.entries:
                        seen = values[number]
                        values[number] = min(
                            doubles[place], doubles[place] if seen is None else seen
                        )
                case "gauge_max" | "gauge_livemax":
                    for number, place in file.entries:
                        seen = values[number]
                        values[number] = max(
                            doubles[place], doubles[place] if seen is None else seen
                        )
                case "gauge_mostrecent" | "gauge_livemostrecent":
                    for number, place in file.entries:
                        if doubles[place + 1] > newest[number]:
                            newest[number] = doubles[place + 1]
                            values[number] = doubles[place]
                case _:  # sums; a gauge kept for each process has a series for each, too
                    for number, place in file.entries:
                        values[number] = (values[number] or 0.0) + doubles[place]
        return values


class _Family:
    """One metric family: how its samples follow from the numbers."""

    def __init__(self, first: _Series) -> None:
        self.name = first.family
        self._documentation = first.documentation
        self._kind = first.kind.partition("_")[0]
        self._plain: list[tuple[int, str, dict[str, str]]] = []
        self._buckets: dict[_Labels, list[tuple[float, int, dict[str, str]]]] = {}

    def add(self, number: int, series: _Series) -> None:
        """Take a series in."""
        if self._kind == "histogram" and series.name.endswith("_bucket"):
            rest = tuple(pair for pair in series.labels if pair[0] != "le")
            edge = float(dict(series.labels)["le"])
            le = floatToGoString(edge)  # type: ignore[no-untyped-call]  # has no types
            bucket = (edge, number, {**dict(rest), "le": le})
            bisect.insort(self._buckets.setdefault(rest, []), bucket, key=lambda one: one[0])
        else:
            self._plain.append((number, series.name, dict(series.labels)))

    def metric(self, values: list[float | None]) -> Metric:
        """Return the family with the values; a series without one is left out."""
        metric = Metric(self.name, self._documentation, self._kind)
        samples = metric.samples
        for number, name, labels in self._plain:
            value = values[number]
            if value is not None:
                samples.append(Sample(name, labels, value))
        for rest, buckets in self._buckets.items():
            total = 0.0
            for _, number, labels in buckets:
                total += values[number] or 0.0
                samples.append(Sample(f"{self.name}_bucket", labels, total))
            samples.append(Sample(f"{self.name}_count", dict(rest), total))
        return metric


def _plan(series: list[_Series]) -> list[_Family]:
    families: dict[str, _Family] = {}
    for number, one in enumerate(series):
        family = families.get(one.family)
        if family is None:
            family = families[one.family] = _Family(one)
        family.add(number, one)
    return list(families.values())


def forget_live_gauges(directory: Path, pid: int) -> None:
    """Remove what says something of a worker only while it lives."""
    mark_process_dead(pid, str(directory))  # type: ignore[no-untyped-call]  # has no types
    for path in (directory / f"gauge_all_{pid}.db", *directory.glob(f"exemplars_*_{pid}.page")):
        path.unlink(missing_ok=True)


def fold(directory: Path, pid: int) -> None:
    """Add a dead process's files to those of process 0, and remove them.

    Call it under the directory's lock. What cannot be read is set aside, with the ending
    `.damaged`. Raises OSError, where there is no room for one, and then nothing is lost.
    """
    for path in directory.glob(f"*_{pid}.db"):
        kind = path.stem.rpartition("_")[0]
        into = directory / f"{kind}_{DEAD}.db"
        known = _numbers(into) if into.exists() else {}
        try:
            told = _numbers(path)
        except (ValueError, RuntimeError, struct.error):
            path.rename(path.with_suffix(".damaged"))
            continue
        for key, number in told.items():
            known[key] = _folded(kind, known[key], number) if key in known else number
        _write(into, known)
        path.unlink()


def _numbers(path: Path) -> dict[str, tuple[float, float]]:
    read = MmapedDict.read_all_values_from_file(str(path))  # type: ignore[no-untyped-call]  # see above
    return {key: (value, at) for key, value, at, _ in read}


def _write(path: Path, numbers: dict[str, tuple[float, float]]) -> None:
    """Write a file whole, and only then put it in its place.

    The client library's own writer makes a file long first and fills it by memory: a process that
    does so where there is no room is killed.
    """
    entries = []
    for key, (value, at) in numbers.items():
        encoded = key.encode()
        padding = b" " * (8 - (len(encoded) + 4) % 8)
        entries += [_INTEGER.pack(len(encoded)), encoded, padding, _TWO_DOUBLES.pack(value, at)]
    body = b"".join(entries)
    fresh = path.with_suffix(".new")
    try:
        fresh.write_bytes(_INTEGER.pack(_HEADER_BYTES + len(body)) + bytes(4) + body)
        fresh.replace(path)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise


def _folded(kind: str, one: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
    match kind:
        case "gauge_min":
            return min(one, other)
        case "gauge_max":
            return max(one, other)
        case "gauge_mostrecent":
            return max(one, other, key=lambda number: number[1])
    return one[0] + other[0], 0.0
