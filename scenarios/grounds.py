"""What all stacks of a run share: tools, processes, the fleet of services, and the load.

One rule: everything here is started once, and ends with the run.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import MappingProxyType

from scenarios.admission import admitted
from scenarios.berth import Berth, Quarters
from scenarios.capabilities import COMPOSE as COMPOSE_CAPABILITY
from scenarios.capabilities import CONTAINERS as CONTAINERS_CAPABILITY
from scenarios.capabilities import why_not
from scenarios.headroom import (
    CONTAINED_IDLE_RATIO,
    LEAST_IDLE_RATIO,
    UNSEEN_SECONDS,
    Headroom,
)
from scenarios.lifecycle import READY_SECONDS
from scenarios.load import LoadGenerator
from scenarios.load_plan import LoadPlan, check_load
from scenarios.load_sample import LoadSample
from scenarios.logs import Logs
from scenarios.model import Drill
from scenarios.result import Phases
from scenarios.saying import SayPhase
from scenarios.service import Fleet
from scenarios.settings import COMPOSE, CONTAINERS, EMBEDDED, IN_CONTAINERS, Settings
from scenarios.site import Site
from scenarios.target import Scraping, Target
from scenarios.weight import CORES_PER_PLACE
from stack.compose.plugin import find_compose
from stack.images import image_of
from stack.launch.elasticsearch import ElasticsearchNode, EmbeddedElasticsearch
from stack.launch.local import Local
from stack.launch.premises import Premises, Program
from stack.launch.starting import LaunchError
from stack.ports import reserve
from stack.processes import Processes
from stack.tools import ToolSettings, find_tools
from stack.tools.elasticsearch import ElasticsearchHome, find_elasticsearch
from stack.tools.faketime import find_faketime
from stack.yielding import yielding

ROOM_SECONDS = 60.0
"""How long a drill waits for the machine to have room for it; one takes about 20 s to end."""

PATIENCE_SECONDS = 15.0
"""How long a fault may take to show its witness or to be repaired, beside the sampling period."""

SHARED = frozenset({"fleet", "locust"})
GATEWAY = "gateway-"

IMAGES: Mapping[Program, str] = MappingProxyType(
    {"prometheus": "prometheus", "alertmanager": "alertmanager", "python": "softfactory"}
)
"""What the image is called in which a program is (``stack.images``)."""

YIELDING = yielding(10, own_session=True)
"""A node that starts takes four seconds of a processor; nobody's scrape must wait for that."""

CLIENT_SECONDS = 2.0
"""The least patience of a client; it has twice the longest answer that a scenario expects."""


class Grounds:
    """What a run's stacks share; :meth:`open` it, then :meth:`start` its services' load."""

    def __init__(
        self, settings: Settings, directory: Path, phases: Phases, say: Callable[[str], None]
    ) -> None:
        self.settings = settings
        self.directory = directory
        self.processes = Processes()
        self.targets: dict[str, Target] = {}
        self._phases = phases
        self._say = say
        self._cores = os.sched_getaffinity(0)

    def open(
        self,
        running: ExitStack,
        *,
        drills: int,
        own_clocks: bool = False,
        logs: bool = False,
        containers: bool = False,
    ) -> None:
        """Find the tools, wait for this run's turn, and start what takes longest to be there.

        ``own_clocks`` tells whether a service needs a clock of its own, ``logs`` whether one's log
        is shipped, ``containers`` whether one must be a container.

        Raises:
            ToolsUnavailable: a tool can't be had.
            WaitTimeout: another run holds the machine.
        """
        tool_settings = ToolSettings.from_env()
        with self._phases.timed("find tools"):
            self.tools = find_tools(tool_settings, self._say)
            faketime = find_faketime(tool_settings, self._say) if own_clocks else None
            contained = self.settings.stack in IN_CONTAINERS
            home = find_elasticsearch(tool_settings, self._say) if logs and not contained else None
        with self._phases.timed("wait for turn"):
            self.turn = running.enter_context(ExitStack())
            self.turn.enter_context(
                admitted(
                    drills,
                    self.settings.time_scale,
                    lock=tool_settings.cache_directory / "drilling.lock",
                    cores=len(self._cores),
                    say=self._say,
                )
            )
        running.enter_context(self.processes)
        self.site = Site.make(self.directory, self.settings, faketime)
        self._quarters = {EMBEDDED: self._prepared(running, Local.of(self.processes, self.tools))}
        if containers or contained:
            readable = [self.settings.production.templates]
            readable += [faketime.parent] if faketime else []
            premises = self._containers(running, readable, tool_settings)
            self._quarters[self._in_containers] = self._prepared(running, premises)
        own = self.settings.own
        self.fleet = Fleet(
            self.premises, self.settings.app, self.directory, found_in=own.paths if own else None
        )
        self.fleet.start()
        self.logs = Logs(self.processes, self.directory, self.settings.handed_over)
        if logs:
            # In compose it is the service of production's file that all ship to.
            takes_over = self.settings.stack != COMPOSE
            self.logs.nodes.open(running, partial(self._node, home), takes_over=takes_over)
        # One processor is left to those that are scraped.
        self.booting = threading.Semaphore(max(1, len(self._cores) - 1))
        self.headroom = running.enter_context(
            Headroom(
                self._cores,
                yielded=self.logs.nodes.processor_ticks,
                least_idle_ratio=CONTAINED_IDLE_RATIO if contained else LEAST_IDLE_RATIO,
            )
        )

    def _node(
        self, home: ElasticsearchHome | None, running: ExitStack, name: str, directory: Path
    ) -> ElasticsearchNode:
        heap_mb = self.settings.elasticsearch_heap_mb
        if home is None:
            from stack.launch.containers import ContainedElasticsearch, Containers

            premises = self.premises
            assert isinstance(premises, Containers)
            image = image_of("elasticsearch")
            return ContainedElasticsearch(premises, name, image, directory, heap_mb=heap_mb)
        return EmbeddedElasticsearch(
            replace(home, java=(*YIELDING, *home.java)),
            directory,
            self.processes,
            running.enter_context(reserve()).port,
            heap_mb=heap_mb,
            name=name,
        )

    @property
    def premises(self) -> Premises:
        """Where the watchers live, and every service that does not need another place."""
        return self._quarters[self.settings.quarters].premises

    def quarters_of(self, drill: Drill | None) -> Quarters:
        """Return where the service of a drill lives, or the control (``None``)."""
        where = self._in_containers if drill and self.contains(drill) else self.settings.quarters
        return self._quarters[where]

    @property
    def _in_containers(self) -> str:
        """The way in which those parts run that are containers, if only some of all are."""
        return self.settings.stack if self.settings.stack in IN_CONTAINERS else CONTAINERS

    def contains(self, drill: Drill) -> bool:
        """Return whether the service of a drill lives in a container."""
        return self.settings.stack in IN_CONTAINERS or CONTAINERS_CAPABILITY in drill.requires

    def _containers(
        self, running: ExitStack, readable: Sequence[Path], tools: ToolSettings
    ) -> Premises:
        if reason := why_not(CONTAINERS_CAPABILITY):
            raise LaunchError(f"containers: {reason}")
        # Loaded where they are used: the engine's client takes a third of a second.
        if self.settings.stack == COMPOSE:
            from stack.launch.composed import Composed

            if reason := why_not(COMPOSE_CAPABILITY, say=self._say):
                raise LaunchError(f"compose: {reason}")
            return running.enter_context(
                Composed(
                    self.processes,
                    self.directory,
                    _image_of,
                    find_compose(tools, self._say),
                    self._say,
                    readable=readable,
                )
            )
        from stack.launch.containers import Containers

        return running.enter_context(
            Containers(self.processes, self.directory, _image_of, readable=readable)
        )

    @staticmethod
    def _prepared(running: ExitStack, premises: Premises) -> Quarters:
        gateway = running.enter_context(reserve(premises.outside))
        return Quarters(premises=premises, gateway=gateway)

    def start(self, running: ExitStack, scraped: Iterable[tuple[Berth, Scraping]]) -> None:
        """Make the services' files and start the load generator; every load is paused as yet.

        Raises:
            LoadRefused: a scenario's load could not be borne.
        """
        scraped = tuple(scraped)
        berths = [berth for berth, _ in scraped]
        plan = LoadPlan(
            fault_secret_file=self.site.fault_secret,
            targets=tuple(berth.targeted for berth in berths),
            locustfile=own.locustfile if (own := self.settings.own) else None,
            paths=own.paths if own else (),
            timeout_seconds=max(
                CLIENT_SECONDS, *(2 * one.longest_response_seconds for one in berths)
            ),
            lease_seconds=self.settings.lease_seconds,
        )
        for berth in berths:
            check_load(
                berth.targeted,
                threads=berth.threads,
                longest_response_seconds=berth.longest_response_seconds,
                timeout_seconds=plan.timeout_seconds,
                lease_seconds=plan.lease_seconds,
            )
        self.load = LoadGenerator(self.processes, plan, self.directory, self._sampled)
        patience = PATIENCE_SECONDS + 2 * self.settings.sample.total_seconds()
        for berth, scraping in scraped:
            running.callback(berth.close)
            self.targets[berth.id] = self.site.build(
                berth,
                self.fleet,
                self.load,
                patience=patience,
                scraping=scraping,
                logs=self.logs,
                processes=self.processes,
            )
        running.callback(self.logs.stop_shippers)  # before their berths and their nodes end
        if self.settings.own is None:
            self._start_gateways(berths)
        self.load.start()
        self.load.wait_started(READY_SECONDS)

    def _start_gateways(self, berths: Sequence[Berth]) -> None:
        gateways = {
            name: (quarters.gateway, self.directory / f"gateway-{name}")
            for name, quarters in self._quarters.items()
        }
        gateways |= {
            berth.id: (berth.gateway, berth.directory)
            for berth in berths
            if berth.service.own_gateway
        }
        for name, (place, directory) in gateways.items():
            self.site.start_gateway(name, place, directory, self.processes)

    def ended(self) -> Mapping[str, int]:
        """Return what all stacks need and has ended: name to status."""
        shared = SHARED | {self.logs.nodes.shared_name}
        return {
            name: code
            for name, code in {**self.processes.exited(), **self.premises.exited()}.items()
            if name in shared or name.startswith(GATEWAY)
        }

    @contextmanager
    def room(
        self,
        weight: float,
        say: SayPhase,
        unseen_seconds: float = UNSEEN_SECONDS,
    ) -> Iterator[None]:
        """Wait until the machine can bear as much more, and hold that until the context ends."""
        say("waiting for the machine", ROOM_SECONDS)
        taken = self.headroom.room(
            weight * CORES_PER_PLACE,
            timeout_seconds=ROOM_SECONDS,
            unseen_seconds=unseen_seconds,
        )
        with taken:
            yield

    def _sampled(self, sample: LoadSample) -> None:
        self.targets[sample.target].client.add(sample)


def _image_of(program: Program) -> str:
    return image_of(IMAGES[program])
