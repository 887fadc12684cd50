"""A real engine of its own for a trial of `--stack=external`: started, and ended with this process.

Design rule: it knows nothing of a run but the folder, as any other engine would.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from stack.clients.server import Server
from stack.external import commands
from stack.external.commands import Listening
from stack.external.folder import Folder
from stack.external.model import External
from stack.go_runtime import frugal_environment
from stack.launch.starting import wait_answering
from stack.ports import reserve
from stack.processes import Processes
from stack.readiness import answers_ready
from stack.tools import ToolSettings, find_tools
from stack.tools.victoriametrics import find_victoriametrics

__all__ = ["ENGINES", "Part", "options_of", "parts_of", "running"]

READY_SECONDS = 30.0
"""Each is ready within a second; a machine that does something else needs longer."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One program with its arguments; `listens` is its `host:port`."""

    name: str
    command: tuple[str, ...]
    listens: str


def _victoriametrics(
    at: Listening, folder: Path, data: Path, time_scale: float, settings: ToolSettings, say: Say
) -> tuple[Part, ...]:
    found = find_victoriametrics(settings, say)
    derived = commands.scaled(time_scale)
    storage = commands.victoriametrics(at, folder, data / "victoria-metrics", derived)
    alerting = commands.vmalert(at, folder, derived)
    return (
        Part(
            name="victoria-metrics",
            command=(*found.storage.command, *storage),
            listens=at.prometheus,
        ),
        Part(name="vmalert", command=(*found.alerting.command, *alerting), listens=at.rules),
    )


def _prometheus(
    at: Listening, folder: Path, data: Path, time_scale: float, settings: ToolSettings, say: Say
) -> tuple[Part, ...]:
    found = find_tools(settings, say).prometheus
    arguments = commands.prometheus(at, folder, data / "prometheus", commands.scaled(time_scale))
    return (Part(name="prometheus", command=(*found.command, *arguments), listens=at.prometheus),)


ENGINES: Mapping[str, Callable[..., tuple[Part, ...]]] = MappingProxyType(
    {"victoriametrics": _victoriametrics, "prometheus": _prometheus}
)
"""What can be started here, by its name."""


def parts_of(
    engine: str,
    at: Listening,
    folder: Path,
    data: Path,
    time_scale: float,
    say: Say,
    settings: ToolSettings,
) -> tuple[Part, ...]:
    """Return an engine's programs and an Alertmanager, with their arguments.

    Raises:
        ToolsUnavailable: one can't be had.
        ConfigurationError: production's files can't be scaled so.
    """
    derived = commands.scaled(time_scale)
    arguments = commands.alertmanager(at, folder, data / "alertmanager", derived)
    found = find_tools(settings, say).alertmanager
    return (
        *ENGINES[engine](at, folder, data, time_scale, settings, say),
        Part(name="alertmanager", command=(*found.command, *arguments), listens=at.alertmanager),
    )


@contextmanager
def running(
    engine: str,
    folder: Path,
    data: Path,
    *,
    time_scale: float,
    say: Say,
    settings: ToolSettings | None = None,
) -> Iterator[External]:
    """Make the folder, start an engine and an Alertmanager on it, and end them with the context.

    None of them outlives this process, however it ends.

    Raises:
        FolderRefused: the folder has something else in it.
        ToolsUnavailable, LaunchError, ConfigurationError, ProcessError: they can't be started.
    """
    where = Folder(folder)
    where.make()
    data.mkdir(parents=True, exist_ok=True)
    with ExitStack() as held:
        storage, rules, alerts = (held.enter_context(reserve()) for _ in range(3))
        alone = engine == "prometheus"
        at = Listening(
            prometheus=storage.address,
            rules=storage.address if alone else rules.address,
            alertmanager=alerts.address,
        )
        found = settings or ToolSettings.from_env()
        parts = parts_of(engine, at, where.path, data, time_scale, say, found)
        processes = held.enter_context(Processes())
        started = [
            processes.start(
                part.name,
                part.command,
                log=data / f"{part.name}.log",
                cwd=data,
                env=frugal_environment(),
            )
            for part in parts
        ]
        for part, process in zip(parts, started, strict=True):
            host, _, port = part.listens.rpartition(":")
            wait_answering(
                part.name,
                process,
                lambda host=host, port=port: answers_ready(int(port), host=host),  # type: ignore[misc]  # mypy infers no lambda with a default
                where=part.listens,
                log=data / f"{part.name}.log",
                timeout_seconds=READY_SECONDS,
            )
        # What writes ends before what it writes to, for which it would wait.
        held.callback(processes.stop, parts[-2].name)
        yield External(
            prometheus=Server(url=f"http://{at.prometheus}"),
            rules=Server(url=f"http://{at.rules}"),
            alertmanager=Server(url=f"http://{at.alertmanager}"),
            folder=where,
        )


def options_of(external: External) -> Sequence[str]:
    """Return the options with which a checklist drills on this."""
    assert external.folder is not None
    return (
        "--stack=external",
        f"--prometheus-url={external.prometheus.url}",
        f"--rules-url={external.rules.url}",
        f"--alertmanager-url={external.alertmanager.url}",
        f"--external-folder={external.folder.path}",
    )
