"""A real service instance for one fault's tests: what a drill breaks, without a stack around it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, cast

import pytest

from scenarios.berth import Berth, Quarters
from scenarios.conditions import Service
from scenarios.faults.noop import Noop
from scenarios.logs import Logs
from scenarios.model import Drill
from scenarios.service import Fleet
from scenarios.settings import DEMO_APP, Settings
from scenarios.site import Site
from scenarios.target import Scraping, Target
from stack.launch.local import Local
from stack.ports import reserve
from stack.processes import Processes
from stack.tools import ToolSettings
from stack.tools.faketime import find_faketime

SERVING_SECONDS = 60.0
SCRAPING = Scraping(timeout_seconds=0.25, sample_limit=5000)

Serving = Callable[[Service], Target]


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Serving]:
    """Return what starts an instance of the demo service, configured as asked."""
    settings = Settings()
    with ExitStack() as running:
        processes = running.enter_context(Processes())
        premises = Local(processes)
        fleet = Fleet(premises, DEMO_APP, tmp_path)
        fleet.start()
        gateway = running.enter_context(reserve())
        quarters = Quarters(premises=premises, gateway=gateway)

        def serve(service: Service) -> Target:
            own_clock = service.own_clock
            faketime = find_faketime(ToolSettings.from_env(), print) if own_clock else None
            site = Site.make(tmp_path, settings, faketime)
            drill = Drill(alert="Fault", fault=Noop(), service=service)
            berth = Berth.of(drill, settings=settings, run=tmp_path, quarters=quarters)
            running.callback(berth.close)
            no_load = cast(Any, None)
            target = site.build(
                berth,
                fleet,
                no_load,
                patience=10.0,
                scraping=SCRAPING,
                logs=Logs(processes, tmp_path),
                processes=processes,
            )
            target.instance.start()
            target.instance.wait_serving(SERVING_SECONDS)
            return target

        yield serve
