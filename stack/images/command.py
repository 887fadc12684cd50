"""The images from the command line: ``python -m stack.images --help``.

Design rule: it says what it does before it does it, and what became of each image in one line; the
exit status tells an absent engine from an image that could not be made.
"""

# ruff: noqa: T201 - a command speaks by printing

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from stack.compose.failure import StackFailure
from stack.compose.places import Places
from stack.compose.settings import in_force
from stack.images.archive import Archive
from stack.images.catalogue import BASE, NO_PACKAGE, RECIPES
from stack.images.engine import Engine
from stack.images.failure import EngineAbsent, ImagesFailure, UnknownImage
from stack.images.kitchen import Kitchen
from stack.images.making import Maker, briefly
from stack.images.names import references, refuse_unknown, variable_of
from stack.images.workplace import Workplace, workplace
from stack.tools.settings import ToolSettings

__all__ = ["main"]

_EPILOG = """\
For networks in which no container registry is reached. Each stand-in has the name, ports, user,
entry point and environment variables of the official image, and is put together from Debian's
packages, Maven's artifacts and wheels, by this machine's own apt, Maven and pip. No root is
needed beside the right to use the engine, and no container fetches anything.

  nox -s images                        make what is missing or has changed
  nox -s images -- --only postgres     that one, and what it is made on
  nox -s images -- --list              what is there, what it was made from, its size
  nox -s images -- --pull              official images where a registry is reached, else stand-ins
  nox -s images -- --remove            remove the stand-ins; official images stay

Names are those of stack/docker-compose.monitoring.yml; a variable that replaces an image there
(POSTGRES_IMAGE=...) replaces it here. An image of such a name that was not made here is left
alone. A stand-in has Debian's version of the same major one, and that of Python a newer one. That
of Elasticsearch has no security, no index lifecycle management and no data streams. Grafana,
Kibana and Logstash can't be made from packages.

A stand-in is made anew when its recipe has changed: a file, a version, or the image below. Newer
packages of the same suite come with: nox -s images -- --remove && nox -s images

exit status: 0 done; 1 an image was not made, and its line says why; 2 the command line is wrong, or
no container engine answers; 130 ended by Ctrl-C
"""


def main(arguments: Sequence[str] | None = None, environ: Mapping[str, str] | None = None) -> int:
    """Run the command; return the exit status."""
    options = _parser().parse_args(arguments)
    try:
        return _run(options, in_force(os.environ) if environ is None else environ)
    except (EngineAbsent, UnknownImage) as refused:
        print(f"images: {refused}", file=sys.stderr)
        return 2
    except (ImagesFailure, StackFailure) as failure:
        print(f"images: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _run(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    places = Places.here()
    text = places.compose_file.read_text(encoding="utf-8")
    images = {"base": BASE, **references(text, environ)}
    refuse_unknown(options.only, images)
    chosen = [name for name in _in_order(images) if not options.only or name in options.only]
    engine = Engine()
    engine.check()
    if options.list:
        return _list(engine, images, chosen)
    settings = ToolSettings.from_env(environ)
    with workplace(settings.cache_directory) as place:
        if options.remove:
            return _remove(engine, images, chosen)
        return _make(engine, images, chosen, place, settings, pull=options.pull)


def _in_order(images: Mapping[str, str]) -> list[str]:
    return [*(name for name in RECIPES if name in images), *sorted(images.keys() - RECIPES.keys())]


def _make(
    engine: Engine,
    images: Mapping[str, str],
    chosen: Sequence[str],
    place: Workplace,
    settings: ToolSettings,
    *,
    pull: bool,
) -> int:
    started = time.monotonic()
    with place.folder("apt") as apt:
        kitchen = Kitchen(
            repository=Path(__file__).resolve().parents[2],
            settings=settings,
            report=_say,
            archive=Archive(apt / "private"),
            engine=engine,
            reference=images.__getitem__,
        )
        # What is only below others is made with them, where they need it.
        wanted = [name for name in chosen if name != "base" or len(chosen) == 1]
        outcomes = Maker(kitchen, place, RECIPES).make(wanted, pull=pull)
    failed = [each.name for each in outcomes if each.state == "failed"]
    took = time.monotonic() - started
    if failed:
        raise ImagesFailure(f"{len(failed)} not made, see above: {', '.join(failed)}")
    _say(f"done in {took:.1f} s")
    return 0


def _list(engine: Engine, images: Mapping[str, str], chosen: Sequence[str]) -> int:
    for name in chosen:
        reference = images[name]
        image = engine.image(reference)
        if image is None:
            why = NO_PACKAGE.get(name, "not there")
            print(f"{name:<14} {reference:<57} {'-':>7}  {why}")
            continue
        size = f"{image.size_bytes / 1e6:.0f} MB"
        recipe = image.recipe(name)
        made = f"recipe {recipe}: {briefly(image.holds)}" if recipe else "not made here"
        print(f"{name:<14} {reference:<57} {size:>7}  {made}")
    return 0


def _remove(engine: Engine, images: Mapping[str, str], chosen: Sequence[str]) -> int:
    for name in reversed(chosen):
        reference = images[name]
        image = engine.image(reference)
        if image is None:
            continue
        if image.recipe(name) is None:
            _say(f"{name}: left alone: {reference} was not made here")
            continue
        engine.remove(reference)
        _say(f"{name}: removed {reference}")
    engine.sweep()
    return 0


def _say(line: str) -> None:
    print(f"images: {line}", flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="nox -s images --",
        description="Make stand-ins for the stack's container images, from packages.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="NAME",
        help=f"this image, and what it is made on ({variable_of('name')} names it in the "
        "compose file); may be given several times",
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--pull", action="store_true", help="pull official images where that works")
    what.add_argument("--list", action="store_true", help="what is there; make nothing")
    what.add_argument("--remove", action="store_true", help="remove what was made here")
    return parser
