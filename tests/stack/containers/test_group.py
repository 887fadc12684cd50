"""A run's containers weigh more than one process where that can be said; else nothing is made."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest
from docker import DockerClient

from stack.launch.containers.group import (
    BY_PATH,
    LOCAL,
    SHARES,
    WEIGHS,
    WEIGHT,
    YIELDING_WEIGHS,
    RunGroup,
)

RUN = "0123456789ab"
NAME = f"alertproof-{RUN}"


@dataclass(frozen=True)
class Api:
    """Where an engine is reached."""

    base_url: str = LOCAL


@dataclass(frozen=True)
class Engine:
    """An engine that says how it keeps control groups."""

    driver: str = BY_PATH
    api: Api = field(default_factory=Api)

    def info(self) -> dict[str, str]:
        return {"CgroupDriver": self.driver}


def engine(driver: str = BY_PATH, url: str = LOCAL) -> DockerClient:
    return cast(DockerClient, Engine(driver, Api(url)))


class Mounted(type(Path())):  # type: ignore[misc]  # the class of this system's paths
    """A folder in which the kernel puts files of control groups, as one of its own does."""

    def mkdir(self, *args: object, **kwargs: object) -> None:
        super().mkdir()
        for name in ("cpu.shares",) if self.parent.name == "cpu" else ("cpu.weight",):
            (self / name).touch()


@pytest.fixture
def v1(tmp_path: Path) -> Path:
    for controller in ("cpu", "memory"):
        (tmp_path / controller).mkdir()
    return Mounted(tmp_path)


def test_with_control_groups_v1_it_weighs_as_several_sessions(v1: Path) -> None:
    group = RunGroup(RUN, v1)
    group.make(engine())
    assert group.parent == f"/{NAME}"
    assert group.yielding_parent == f"/{NAME}-yielding"
    assert int((v1 / "cpu" / NAME / "cpu.shares").read_text()) == WEIGHS * SHARES
    less = int((v1 / "cpu" / f"{NAME}-yielding" / "cpu.shares").read_text())
    assert less == int(YIELDING_WEIGHS * SHARES)


def test_with_control_groups_v2_it_weighs_as_several_sessions(tmp_path: Path) -> None:
    group = RunGroup(RUN, Mounted(tmp_path))
    group.make(engine())
    assert group.parent == f"/{NAME}"
    assert int((tmp_path / NAME / "cpu.weight").read_text()) == WEIGHS * WEIGHT
    less = int((tmp_path / f"{NAME}-yielding" / "cpu.weight").read_text())
    assert less == YIELDING_WEIGHS * WEIGHT


@pytest.mark.parametrize(
    "other",
    [
        engine(driver="systemd"),
        engine(url="http://elsewhere:2375"),
        engine(url="http+docker://ssh"),
    ],
    ids=["systemd keeps them", "another machine's", "another machine's, by SSH"],
)
def test_an_engine_whose_groups_are_not_ours_to_make_keeps_its_own(
    other: DockerClient, v1: Path
) -> None:
    group = RunGroup(RUN, v1)
    group.make(other)
    assert group.parent == ""
    assert not list(v1.glob("*/*"))


def test_where_groups_do_not_share_the_processor_none_is_left(tmp_path: Path) -> None:
    group = RunGroup(RUN, tmp_path)  # a folder in which no kernel puts a file
    group.make(engine())
    assert group.parent == ""
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.ENOENT])
def test_who_can_make_none_has_none(number: int, v1: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Mounted, "mkdir", refuse)
    group = RunGroup(RUN, v1)
    group.make(engine())
    assert (group.parent, group.yielding_parent) == ("", "")


def test_it_goes_from_every_hierarchy_and_what_is_gone_is_no_failure(v1: Path) -> None:
    for controller in ("cpu", "memory"):
        Path(v1 / controller / NAME).mkdir()
    RunGroup(RUN, Path(v1)).remove_once_empty()
    assert not list(v1.glob("*/*"))
    RunGroup(RUN, Path(v1)).remove_once_empty()


def test_one_that_still_has_containers_is_said_to_have_them(
    v1: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stack.launch.containers.group.EMPTY_SECONDS", 0.2)
    Path(v1 / "cpu" / NAME / "container").mkdir(parents=True)
    Path(v1 / "memory" / f"{NAME}-yielding").mkdir()
    with pytest.raises(OSError, match=NAME):
        RunGroup(RUN, Path(v1)).remove_once_empty()
    assert not list(v1.glob("memory/*"))
