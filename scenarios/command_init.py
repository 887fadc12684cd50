"""``alertproof init``: the settings of an application of one's own, and a first Locust file.

One rule: nothing that is there is changed but by an addition at its end, and what was written is
said, with the command that comes next.
"""

from __future__ import annotations

import argparse
import shlex
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from scenarios.own_app.application import OwnApp
from scenarios.own_app.block import FILE, BlockError, read_block
from scenarios.own_app.exposed import MetricsMapping
from scenarios.own_app.first_files import block, locustfile, source_folder_of
from scenarios.own_app.survey import SurveyFailed, survey
from scenarios.saying import SayLine

METRICS = "/metrics"
"""Where applications expose metrics, if anywhere."""


class Refused(Exception):
    """The command can't do what it was asked to; the message is one line."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("--app", required=True, metavar="package.module:factory")
    parser.add_argument(
        "--project", type=Path, default=Path(), metavar="FOLDER", help="default: this folder"
    )
    parser.add_argument(
        "--environment",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a variable that the application needs; {directory} is the folder of each instance: "
        "'DATABASE_URL=sqlite:///{directory}/shop.db'; may be repeated",
    )
    parser.add_argument(
        "--prepare",
        default="",
        metavar="COMMAND",
        help="a command that is run once in that folder before the application is made: "
        "'flask --app shop.wsgi:create_app init-db'",
    )


def run(options: argparse.Namespace, say: SayLine) -> None:
    """Write the block and the Locust file.

    Raises:
        Refused: the application can't be made, the block is there already, or an option can't be
            meant.
    """
    project: Path = options.project.resolve()
    if not project.is_dir():
        raise Refused(f"--project: expected a folder that is there, got {project}")
    settings, load = project / FILE, project / "locustfile.py"
    _check_absent(settings)
    environment, prepare = _environment(options.environment), _prepare(options.prepare)
    folder = source_folder_of(project, options.app)
    say(f"looking at {options.app} ...")
    paths = (*([project / folder] if folder else []), project)
    own = OwnApp(name=options.app, paths=paths, environment=environment, prepare=prepare)
    try:
        found = survey(own)
        exposes = any(one.rule == METRICS and one.is_page for one in found.routes)
        if exposes:
            exposition = survey(replace(own, metrics=MetricsMapping(path=METRICS))).exposition
        else:
            exposition = ""
    except SurveyFailed as error:
        raise Refused(str(error)) from error
    text = block(own, found, source_folder=folder, exposition=exposition, path=METRICS)
    before = settings.read_text(encoding="utf-8") if settings.exists() else ""
    settings.write_text(f"{before.rstrip()}\n\n{text}" if before.strip() else text, "utf-8")
    say(f"wrote [tool.alertproof] to {settings}: {len(found.pages)} pages, "
        f"{len(found.routes)} routes")  # fmt: skip
    if not found.pages:
        say("no page is answered well without arguments: see --environment and --prepare, or write "
            "journey and the tasks by hand")  # fmt: skip
    if load.exists():
        say(f"left {load} as it is")
    else:
        load.write_text(locustfile(options.app, found, without=METRICS), encoding="utf-8")
        say(f"wrote {load}: a task for each page, a comment for every other route")
    say("next: look at both, then drill one alert:")
    where = "" if options.project == Path() else f"--project {options.project} "
    say(f"  alertproof verify {where}-k SlowResponseTime")


def _environment(given: Sequence[str]) -> Mapping[str, str]:
    """Return the variables that were given. Raises Refused for what is none."""
    found = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not (equals and name):
            raise Refused(f"--environment: expected NAME=VALUE, got {one!r}")
        found[name] = value
    return found


def _prepare(given: str) -> tuple[str, ...]:
    """Return the words of the command that was given. Raises Refused for open quotes."""
    try:
        return tuple(shlex.split(given))
    except ValueError as error:
        raise Refused(f"--prepare: {error}, in {given!r}") from error


def _check_absent(settings: Path) -> None:
    """Refuse where there is a block.

    Raises:
        Refused: there is one, or the file is no TOML.
    """
    if not settings.exists():
        return
    try:
        document = tomllib.loads(settings.read_text(encoding="utf-8"))
        read_block(settings.parent)
    except (BlockError, ValueError) as error:
        raise Refused(str(error)) from error
    if "alertproof" in document.get("tool", {}):
        raise Refused(f"{settings} has a [tool.alertproof] already; it is left as it is")
