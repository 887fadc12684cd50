"""Contenders take turns in many short rounds on one pinned core, in a new order each rotation.

What disturbs the machine for a second then falls on all of them; a contender that cannot run is
left out with its reason if it is optional, and ends the benchmark if it is not.
"""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from benchmarks.report import ROOT, progress

LOOK_SECONDS = 0.5
END_SECONDS = 30.0
"""How long a contender may take to end of itself before it is killed: none outlives a run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """One way to do the work. `make` is `module:function`, called with a folder of its own."""

    name: str
    make: str
    says: str
    environment: Mapping[str, str] = field(default_factory=dict)
    multiprocess: bool = False
    optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rounds:
    """Seconds a unit of work, a figure a rotation; `refused` holds reasons by contender."""

    wall_seconds: Mapping[str, Sequence[float]]
    cpu_seconds: Mapping[str, Sequence[float]]
    refused: Mapping[str, str]


class _Refused(RuntimeError):
    """A contender cannot run; the text is its reason."""


class _Worker:
    """A contender's process. It ends with its pipe, and so with this process."""

    def __init__(self, contender: Contender, folder: Path, core: int) -> None:
        folder.mkdir(parents=True)
        environment = {**os.environ, **contender.environment, "PYTHONPATH": str(ROOT)}
        if contender.multiprocess:
            environment["PROMETHEUS_MULTIPROC_DIR"] = str(folder / "multiprocess")
            (folder / "multiprocess").mkdir()
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "benchmarks.worker"),
                *(contender.make, str(folder), str(core)),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=folder,
            env=environment,
            text=True,
        )
        said = self._read()
        if said != "ready":
            self.close()
            raise _Refused(said.removeprefix("refused ") or "it ended at once")

    def run(self, count: int) -> tuple[float, float]:
        """Return wall and CPU seconds a unit."""
        assert self._process.stdin is not None  # asked for above
        self._process.stdin.write(f"{count}\n")
        self._process.stdin.flush()
        said = self._read()
        if not said:
            raise RuntimeError(f"{self._process.args!r} ended in a round; its error is above")
        wall, cpu = (int(part) / count / 1e9 for part in said.split())
        return wall, cpu

    def _read(self) -> str:
        assert self._process.stdout is not None  # asked for above
        return self._process.stdout.readline().strip()

    def close(self) -> None:
        """End the process, in time or by force."""
        try:
            self._process.communicate(timeout=END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()


def take_turns(
    contenders: Sequence[Contender],
    *,
    folder: Path,
    rotations: int,
    units: int,
    warm_up_units: int,
    seed: int = 0,
) -> Rounds:
    """Run all contenders side by side. Raises RuntimeError when one cannot run and must."""
    core = idlest_core()
    workers: dict[str, _Worker] = {}
    refused: dict[str, str] = {}
    order = random.Random(seed)  # noqa: S311  # a shuffle, not a secret
    with contextlib.ExitStack() as stack, progress() as shown:
        task = shown.add_task("starting", total=rotations)
        for contender in contenders:
            try:
                worker = _Worker(contender, folder / contender.name, core)
            except _Refused as error:
                if not contender.optional:
                    raise RuntimeError(f"{contender.name} cannot run: {error}") from error
                refused[contender.name] = str(error)
                continue
            stack.callback(worker.close)
            workers[contender.name] = worker
            worker.run(warm_up_units)
        walls: dict[str, list[float]] = {name: [] for name in workers}
        cpus: dict[str, list[float]] = {name: [] for name in workers}
        shown.update(task, description=f"rotations of {len(workers)} contenders")
        for names in _orders(list(workers), rotations, order):
            for name in names:
                wall, cpu = workers[name].run(units)
                walls[name].append(wall)
                cpus[name].append(cpu)
            shown.advance(task)
    return Rounds(wall_seconds=walls, cpu_seconds=cpus, refused=refused)


def idlest_core() -> int:
    """Return the number of the core on which the least ran in the last moment."""
    allowed = os.sched_getaffinity(0)
    busy = psutil.cpu_percent(interval=LOOK_SECONDS, percpu=True)
    return min(allowed, key=lambda core: busy[core] if core < len(busy) else 0.0)


def _orders(names: list[str], rotations: int, order: random.Random) -> Iterator[list[str]]:
    for _ in range(rotations):
        order.shuffle(names)
        yield names
