"""The guides on containers say what the images, the scenarios and the compose stack say."""

import re
import shlex

import pytest

from scenarios.capabilities import CONTAINER_IMAGES, CONTAINERS
from scenarios.catalogue import drills
from stack.compose.command import _parser
from stack.compose.credentials import CREDENTIALS
from stack.compose.places import Places
from stack.compose.plugin import OLDEST
from stack.compose.summary import _PARTS
from stack.images.catalogue import NO_PACKAGE, RECIPES
from stack.images.command import _parser as _images_parser
from stack.images.names import references
from stack.launch.containers.premises import LABEL
from tests.docs.catalogue import SETUP
from tests.docs.guide import ROOT

CONTAINERS_GUIDE = ROOT / "docs" / "containers.md"
TEXT = CONTAINERS_GUIDE.read_text()
AS_CONTAINERS = SETUP.read_text().partition("\n## As containers\n")[2].partition("\n## ")[0]
COMPOSE_FILE = Places.here().compose_file.read_text()
GUIDES = {"containers.md": TEXT, "MONITORING-SETUP.md": AS_CONTAINERS}


def table(text: str, head: str) -> str:
    return text.partition(f"| {head} |")[2].partition("\n\n")[0]


def test_the_guide_names_the_drills_that_only_a_container_bears_and_selects_them():
    needing = {drill.id for drill in drills() if CONTAINERS in drill.requires}
    named = re.findall(r"^\| ([A-Z][\w-]+) \|", table(TEXT, "drill"), re.M)
    assert set(named) == needing
    (chosen,) = re.findall(r'-k "([^"]+)"', TEXT)
    words = chosen.split(" or ")
    assert {one.id for one in drills() if any(word in one.id for word in words)} == needing


def test_the_guide_names_the_drills_whose_service_is_alone_in_a_container():
    alone = {drill.id for drill in drills() if drill.service.alone}
    needing = {drill.id for drill in drills() if CONTAINERS in drill.requires}
    named = set(re.findall(r"\b[A-Z]\w+-[a-z]+\b", table(TEXT, "drills")))
    twins = {
        f"{name}{end}"
        for name in ("HighMemoryUsage", "CriticalMemoryUsage")
        for end in ("", "-below")
    }
    assert named | twins == alone - needing


def test_the_guide_names_every_image_and_what_the_capability_asks_for():
    rows = re.findall(r"^\| (`.+?`) \|", table(TEXT, "image"), re.M)
    named = set(re.findall(r"`(\w+)`", " ".join(rows)))
    assert named == set(references(COMPOSE_FILE, {}))
    assert named | {"base"} == RECIPES.keys() | NO_PACKAGE.keys()
    asked = TEXT.partition("have the images ")[2].partition(".\n")[0]
    assert set(re.findall(r"`(\w+)`", asked)) == set(CONTAINER_IMAGES)


def test_the_guide_names_the_label_of_what_a_run_makes():
    named = re.findall(r"(?:label=|the label `)(\w+\.\w+)", TEXT)
    assert set(named) == {LABEL}


@pytest.mark.parametrize("name", GUIDES)
def test_every_command_of_the_stack_and_of_images_is_one_that_it_takes(name):
    found = re.findall(r"nox -s (stack|images) -- ([^`\n]+)", GUIDES[name])
    assert found
    for session, arguments in found:
        parser = _parser() if session == "stack" else _images_parser()
        parser.parse_args(shlex.split(arguments))


def test_every_option_of_up_and_down_that_the_guide_names_is_taken():
    for arguments in re.findall(r"`((?:up|down)\b[^`]*)`", AS_CONTAINERS):
        _parser().parse_args(shlex.split(arguments))


def test_the_guide_has_the_ports_and_the_log_ins_of_the_compose_file():
    rows = re.findall(r"^\| ([A-Z]\w+)[^|]* \| (\d+) \| ([^|]+) \|$", AS_CONTAINERS, re.M)
    published = dict(re.findall(r"\$\{([A-Z]+)_PORT:-(\d+)\}:\d+\"", COMPOSE_FILE))
    assert {title.upper(): port for title, port, _ in rows} == published
    said = {title: set(re.findall(r"`(\w+)`", who)) for title, _, who in rows}
    assert said == {title: {user, file} if file else set() for title, _, _, user, file in _PARTS}
    passwords = {one.name for one in CREDENTIALS if one.kind == "password"}
    assert set().union(*said.values()) - {"admin", "elastic"} <= passwords


def test_the_guide_counts_the_channels_and_names_the_oldest_compose():
    assert sum(one.kind == "channel" for one in CREDENTIALS) == 7
    assert "The seven [secrets of the channels]" in AS_CONTAINERS
    assert f"Compose {OLDEST[0]}.{OLDEST[1]} or newer" in AS_CONTAINERS


def test_every_setting_that_the_guide_names_is_one_of_the_compose_file():
    for variable in re.findall(r"`([A-Z]+(?:_[A-Z]+)+)\b", AS_CONTAINERS):
        known = variable.startswith("INSTRUMENT_") or f"${{{variable}:-" in COMPOSE_FILE
        assert known, variable
