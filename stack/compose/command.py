"""The stack from the command line: ``python -m stack.compose --help``.

Design rule: each command checks what it needs in the order in which a person would mend it, and
ends with the next command; the work is compose's.
"""

# ruff: noqa: T201 - a command speaks by printing

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace

from stack.compose.containers import trouble
from stack.compose.engine import Engine
from stack.compose.failure import StackFailure
from stack.compose.places import Places, shown
from stack.compose.plugin import find_compose
from stack.compose.project import Project, without
from stack.compose.published import refuse_taken_ports
from stack.compose.settings import LEFT_OUT_VARIABLE, make_all, secrets_of, unset
from stack.compose.summary import addresses, not_set
from stack.tools.settings import ToolSettings

__all__ = ["main"]

_EPILOG = """\
the first time:
  nox -s stack -- up               makes stack/.env and the secrets, builds, starts, waits
  nox -s stack -- status           what runs, and which channels are not set
  nox -s stack -- up --demo        the same with the SoftFactory service on port 8000
  nox -s stack -- down             ends it; what it has stored stays

without nox, once stack/.env is there:
  docker compose -f stack/docker-compose.monitoring.yml up -d --wait

settings (ports, images, memory) are lines of stack/.env; passwords are files in the directory that
it names. After a change of rules, routes, targets or a channel's secret: up again.

exit status: 0 done; 1 not done, and the last line says why and what to do; 2 the command line is
wrong; 130 ended by Ctrl-C
"""

_DEMO = "demo"
_STAND_IN = "alertproof.recipe"
"""The label of images that `nox -s images` made."""


def main(arguments: Sequence[str] | None = None, places: Places | None = None) -> int:
    """Run one command; return the exit status."""
    options = _parser().parse_args(arguments)
    try:
        compose = find_compose(ToolSettings.from_env(), _say)
        engine = Engine(places=places or Places.here(), compose=compose)
        status: int = options.run(engine, options)
    except StackFailure as error:
        print(f"stack: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return status


def _up(engine: Engine, options: argparse.Namespace) -> int:
    places = engine.places
    made = make_all(places)
    if made.env_file:
        _say(f"made {shown(places.env_file)}")
    if made.secrets:
        _say(f"made {len(made.secrets)} secrets in {shown(secrets_of(places))}")
    profiles = (_DEMO,) if options.demo else ()
    whole = engine.project(profiles)
    engine.check_running()
    project = without(whole, options.without) if options.without else whole
    if absent := _not_to_be_had(engine, project):
        project = without(project, absent)
    if out := sorted(whole.services.keys() - project.services.keys()):
        _say(f"without {', '.join(out)}")
    _refuse_half_a_demo(engine, project)
    refuse_taken_ports(project, engine.containers())
    _say("starting; the first time it builds an image, and takes some minutes")
    told = replace(engine, environment={**os.environ, LEFT_OUT_VARIABLE: ",".join(out)})
    build = "--no-build" if options.no_build else "--build"
    wait = ("--wait", "--wait-timeout", str(options.timeout))
    names = sorted(project.services)
    status = told.attached("up", "--detach", build, *wait, *names, profiles=profiles)
    if status != 0:
        raise StackFailure(_why_not_up(engine, project))
    # What ran already has not read what is new; if that is wrong, both keep what they had.
    if watchers := sorted({"prometheus", "alertmanager"} & project.services.keys()):
        engine.hang_up(watchers)
    _say("up:")
    _print_summary(engine, project)
    return 0


def _not_to_be_had(engine: Engine, project: Project) -> list[str]:
    """Return the services whose image is not here and can't be pulled, and say so of each."""
    images = project.pulled

    def absent() -> list[str]:
        has = {image: engine.image_labels(image) is not None for image in set(images.values())}
        return sorted(name for name, image in images.items() if not has[image])

    if not (fetched := absent()):
        return []
    _say(f"fetching the images of {', '.join(fetched)}; that takes some minutes")
    engine.attached("pull", "--ignore-pull-failures", *fetched)
    left = absent()
    for name in left:
        _say(f"{name} is left out: its image {images[name]} is not here, and can't be pulled")
    return left


def _refuse_half_a_demo(engine: Engine, project: Project) -> None:
    running = {each.service for each in engine.containers() if each.state == "running"}
    everything = engine.project((_DEMO,)).services
    demo = {name for name, one in everything.items() if one.demo}
    if running & demo and not demo & project.services.keys():
        raise StackFailure(
            "the demo runs, and would no longer be scraped; keep it: nox -s stack -- up --demo; "
            "or end it first: nox -s stack -- down"
        )


def _why_not_up(engine: Engine, project: Project) -> str:
    wrong = [
        (each.service, why)
        for each in engine.containers()
        if each.service in project.services
        and (why := trouble(each, ends=project.ends(each.service))) is not None
    ]
    if not wrong:
        return "docker compose did not start it, see above; look: nox -s stack -- status"
    said = ", ".join(f"{service} {why}" for service, why in wrong)
    # What waits for another is only created: the one that failed says why.
    first = next((service for service, why in wrong if why != "is created"), wrong[0][0])
    return f"not all is up: {said}; look: nox -s stack -- logs {first}"


def _down(engine: Engine, options: argparse.Namespace) -> int:
    _ready(engine)
    return engine.attached("down", *(("--volumes",) if options.volumes else ()))


def _status(engine: Engine, options: argparse.Namespace) -> int:
    _ready(engine)
    containers = engine.containers()
    if not containers:
        raise StackFailure("nothing runs: nox -s stack -- up")
    known = engine.project((_DEMO,))
    wrong = {
        each.service: why
        for each in containers
        if (why := trouble(each, ends=known.ends(each.service))) is not None
    }
    for each in containers:
        ended = "done" if each.state == "exited" else each.health or each.state
        print(f"  {each.service:<22}{wrong.get(each.service, ended)}")
    there = {each.service for each in containers}
    _print_summary(engine, known.of(there))
    if wrong:
        raise StackFailure(f"not all is well; look: nox -s stack -- logs {' '.join(sorted(wrong))}")
    return 0


def _logs(engine: Engine, options: argparse.Namespace) -> int:
    _ready(engine)
    follow = ("--follow",) if options.follow else ()
    return engine.attached("logs", "--tail", str(options.tail), *follow, *options.service)


def _config(engine: Engine, options: argparse.Namespace) -> int:
    secrets_of(engine.places)
    return engine.attached("config", profiles=(_DEMO,) if options.demo else ())


def _ready(engine: Engine) -> None:
    secrets_of(engine.places)
    engine.check_running()


def _print_summary(engine: Engine, project: Project) -> None:
    places = engine.places
    for line in (
        *addresses(project, secrets_of(places)),
        *_open(engine, project),
        *not_set(unset(places)),
    ):
        print(line)


def _open(engine: Engine, project: Project) -> Iterator[str]:
    """Yield a line where Elasticsearch is one that asks nobody who he is."""
    node = project.services.get("elasticsearch")
    if node is not None and _STAND_IN in (engine.image_labels(node.image) or {}):
        yield (
            "its Elasticsearch is a stand-in without accounts (nox -s images -- --help): whoever "
            "is on this machine reads and writes the logs"
        )


def _say(line: str) -> None:
    print(f"stack: {line}", flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="nox -s stack --",
        description="The monitoring as containers, with secrets of its own.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def add(name: str, says: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=says, description=f"{says[0].upper()}{says[1:]}.")

    up = add("up", "make what is missing, start everything, wait until it is healthy")
    up.add_argument("--demo", action="store_true", help="with the SoftFactory service")
    up.add_argument(
        "--without",
        action="append",
        default=[],
        metavar="SERVICE",
        help="leave a service out, and all that need it; may be given several times",
    )
    up.add_argument("--no-build", action="store_true", help="use the toolkit's image that is there")
    up.add_argument(
        "--timeout",
        type=_seconds,
        default=900,
        metavar="SECONDS",
        help="how long to wait for health, default: %(default)s",
    )
    up.set_defaults(run=_up)
    down = add("down", "end everything, the demo too; what it has stored stays")
    down.add_argument("--volumes", action="store_true", help="delete what it has stored as well")
    down.set_defaults(run=_down)
    add("status", "what runs, how well, and where").set_defaults(run=_status)
    logs = add("logs", "what services said")
    logs.add_argument("service", nargs="*", help="default: all")
    logs.add_argument("--follow", action="store_true", help="go on until Ctrl-C")
    logs.add_argument("--tail", type=_seconds, default=100, metavar="LINES", help="default: 100")
    logs.set_defaults(run=_logs)
    config = add("config", "what the compose file comes to with stack/.env; no secret is in it")
    config.add_argument("--demo", action="store_true", help="with the SoftFactory service")
    config.set_defaults(run=_config)
    return parser


def _seconds(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a whole number, at least 1")
    return int(text)
