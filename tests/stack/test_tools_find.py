"""A tool is found where it should be, believed only when it works, and missed in one clear line."""

from __future__ import annotations

import hashlib
import io
import os
import sys
import tarfile
from pathlib import Path

import pytest

from stack.tools import Tools, ToolSettings, ToolsUnavailable, find_tools
from stack.tools.cache import write_manifest
from stack.tools.fetching import FetchFailed, Report
from stack.tools.golang import GoSource
from stack.tools.mirror import MirrorSource, known_checksums

# A program that behaves as the tool does at the two places where it is asked: --version, and
# /-/ready at its listen address.
PROGRAM = """\
#!{python} -IS
import sys
with open({trace!r}, "a") as trace:
    print({name!r}, *sys.argv[1:2], file=trace)
if sys.argv[1:] == ["--version"]:
    print("{name}, version {version} (branch: HEAD, revision: abc)")
    sys.exit()
import http.server, pathlib
if not {starts}:
    sys.exit("no luck today")
listen = next(a for a in sys.argv if a.startswith("--web.listen-address=")).partition("=")[2]

class Ready(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/-/ready" else 404)
        self.end_headers()

host, _, port = listen.rpartition(":")
http.server.HTTPServer((host, int(port)), Ready).serve_forever()
"""
VERSIONS = {
    "prometheus": "3.5.1",
    "promtool": "3.5.1",
    "alertmanager": "0.30.0",
    "amtool": "0.30.0",
}
NAMES = tuple(VERSIONS)


class Workshop:
    """Makes stand-ins for the tools, and counts how often they were run."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.trace = directory / "trace"
        self.path = directory / "path"
        self.path.mkdir()

    def program(self, name: str, *, version: str | None = None, starts: bool = True) -> str:
        return PROGRAM.format(
            python=sys.executable,
            name=name,
            version=version or VERSIONS[name],
            trace=str(self.trace),
            starts=starts,
        )

    def put(self, name: str, *, called: str | None = None, **how: object) -> Path:
        file = self.path / (called or name)
        file.write_text(self.program(name, **how))  # type: ignore[arg-type]  # mixed
        file.chmod(0o755)
        return file

    def put_all(self) -> None:
        for name in NAMES:
            self.put(name)

    def runs(self) -> int:
        return len(self.trace.read_text().splitlines()) if self.trace.exists() else 0

    def archive(self, product: str, names: tuple[str, ...]) -> Path:
        architecture = {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]
        stem = f"{product}-{VERSIONS[product]}.linux-{architecture}"
        mirror = self.directory / "mirror"
        mirror.mkdir(exist_ok=True)
        file = mirror / f"{stem}.tar.gz"
        with tarfile.open(file, "w:gz") as archive:
            for name in names:
                content = self.program(name).encode()
                member = tarfile.TarInfo(f"{stem}/{name}")
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
        return file

    def mirror(self) -> tuple[Path, Path]:
        """Return a mirror with both products, and the list of its checksums."""
        files = [
            self.archive("prometheus", ("prometheus", "promtool")),
            self.archive("alertmanager", ("alertmanager", "amtool")),
        ]
        sums = self.directory / "sha256sums.txt"
        sums.write_text(
            "".join(f"{hashlib.sha256(f.read_bytes()).hexdigest()}  {f.name}\n" for f in files)
        )
        return files[0].parent, sums

    def settings(self) -> ToolSettings:
        return ToolSettings(search_path=str(self.path), cache_directory=self.directory / "cache")

    def find(self, *sources: object, said: list[str] | None = None) -> Tools:
        report: Report = (said if said is not None else []).append
        return find_tools(self.settings(), report, sources=sources)  # type: ignore[arg-type]  # doubles


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


class FakeSource:
    """A way to fetch that copies stand-ins, and may be told to fail in the middle."""

    installation = "fake"
    provides = frozenset(NAMES)

    def __init__(
        self, workshop: Workshop, *, dies: bool = False, why_not: str | None = None
    ) -> None:
        self.workshop = workshop
        self.dies = dies
        self.why_not = why_not
        self.fetched = 0

    def obstacle(self) -> str | None:
        return self.why_not

    def fetch(self, directory: Path, report: Report) -> None:
        self.fetched += 1
        for name in NAMES:
            (directory / name).write_text(self.workshop.program(name))
            (directory / name).chmod(0o755)
            if self.dies:
                raise FetchFailed("the network went away")
        write_manifest(
            directory, origin="cache", programs={name: (name, f"fake {name}") for name in NAMES}
        )


def test_what_is_on_path_is_used_once_it_was_seen_to_work(workshop: Workshop) -> None:
    workshop.put_all()
    tools = workshop.find()
    for tool in tools.each():
        assert tool.origin == "PATH"
        assert tool.command == (str(workshop.path / tool.name),)
        assert tool.version == VERSIONS[tool.name]
        assert tool.sha256 == hashlib.sha256(tool.path.read_bytes()).hexdigest()
    assert workshop.runs() == 6  # each one's --version, and a start of each of the two servers


def test_a_second_look_runs_nothing(workshop: Workshop) -> None:
    workshop.put_all()
    first = workshop.find()
    runs = workshop.runs()
    assert workshop.find() == first
    assert workshop.runs() == runs


def test_a_changed_program_is_proved_again(workshop: Workshop) -> None:
    workshop.put_all()
    workshop.find()
    workshop.put("prometheus", version="3.6.0")
    assert workshop.find().prometheus.version == "3.6.0"


def test_spoilt_proofs_are_made_again(workshop: Workshop) -> None:
    workshop.put_all()
    workshop.find()
    (workshop.directory / "cache" / "proofs.json").write_text('{"half of')
    assert workshop.find().prometheus.version == "3.5.1"


def test_debians_name_of_alertmanager_is_found_too(workshop: Workshop) -> None:
    for name in ("prometheus", "promtool", "amtool"):
        workshop.put(name)
    workshop.put("alertmanager", called="prometheus-alertmanager")
    assert workshop.find().alertmanager.path.name == "prometheus-alertmanager"


@pytest.mark.parametrize(
    ("name", "how", "words"),
    [
        pytest.param(
            "prometheus", {"version": "2.53.3"}, "is version 2.53.3, needed >= 3.0", id="too old"
        ),
        pytest.param(
            "amtool", {"version": "0.25.0"}, "is version 0.25.0, needed >= 0.28", id="old amtool"
        ),
        pytest.param("alertmanager", {"starts": False}, "no luck today", id="does not start"),
    ],
)
def test_what_is_on_path_but_not_usable_is_told_with_the_reason_and_the_remedy(
    workshop: Workshop, name: str, how: dict[str, object], words: str
) -> None:
    workshop.put_all()
    workshop.put(name, **how)
    with pytest.raises(ToolsUnavailable) as told:
        workshop.find()
    assert words in str(told.value)
    assert str(workshop.path / name) in str(told.value)
    assert "ALERTPROOF_MIRROR" in str(told.value)
    assert "\n" not in str(told.value)


def test_a_namesake_is_not_taken_for_the_tool(workshop: Workshop) -> None:
    workshop.put_all()
    (workshop.path / "prometheus").write_text("#!/bin/sh\necho 'prometheus, the titan'\n")
    with pytest.raises(ToolsUnavailable, match="is no prometheus: --version printed"):
        workshop.find()


def test_a_start_that_failed_is_tried_again_the_next_time(workshop: Workshop) -> None:
    workshop.put_all()
    luck = workshop.directory / "luck"
    program = workshop.program("prometheus").replace(
        "not True", f"not pathlib.Path({str(luck)!r}).exists()"
    )
    (workshop.path / "prometheus").write_text(program)
    with pytest.raises(ToolsUnavailable, match="no luck today"):
        workshop.find()
    luck.touch()
    assert workshop.find().prometheus.origin == "PATH"


def test_one_pair_may_come_from_path_and_the_other_from_a_source(workshop: Workshop) -> None:
    workshop.put("prometheus")
    workshop.put("promtool")
    workshop.put("amtool")  # without its Alertmanager it is not used
    tools = workshop.find(FakeSource(workshop))
    assert [tool.origin for tool in tools.each()] == ["PATH", "PATH", "cache", "cache"]


def test_what_was_fetched_once_is_not_fetched_again(workshop: Workshop) -> None:
    source = FakeSource(workshop)
    first = workshop.find(source)
    assert workshop.find(source) == first
    assert source.fetched == 1
    assert first.amtool.source == "fake amtool"


def test_a_failed_fetch_leaves_nothing_that_is_taken_for_an_installation(
    workshop: Workshop,
) -> None:
    with pytest.raises(ToolsUnavailable, match="the network went away"):
        workshop.find(FakeSource(workshop, dies=True))
    assert list((workshop.directory / "cache" / "tools").glob("[!.]*")) == []
    assert list((workshop.directory / "cache" / "tools").glob(".partial*")) == []
    assert workshop.find(FakeSource(workshop)).prometheus.version == "3.5.1"


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda d: (d / "promtool").unlink(), id="a program is gone"),
        pytest.param(lambda d: (d / "promtool").write_text("cut"), id="a program is cut"),
        pytest.param(lambda d: (d / "manifest.json").unlink(), id="no manifest"),
        pytest.param(lambda d: (d / "manifest.json").write_text("{"), id="half a manifest"),
        pytest.param(
            lambda d: (d / "promtool").write_bytes(b"#" * (d / "promtool").stat().st_size),
            id="other content of the same size",
        ),
    ],
)
def test_a_spoilt_installation_is_fetched_again(workshop: Workshop, spoil: object) -> None:
    source = FakeSource(workshop)
    first = workshop.find(source)
    assert callable(spoil)
    spoil(workshop.directory / "cache" / "tools" / "fake")
    assert workshop.find(source) == first
    assert source.fetched == 2


def test_a_source_with_an_obstacle_is_not_asked_and_the_next_one_serves(
    workshop: Workshop,
) -> None:
    unable = FakeSource(workshop, why_not="not on a Tuesday")
    able = FakeSource(workshop)
    able.installation = "able"
    assert workshop.find(unable, able).prometheus.origin == "cache"
    assert (unable.fetched, able.fetched) == (0, 1)


def test_every_place_that_did_not_serve_is_named(workshop: Workshop) -> None:
    with pytest.raises(ToolsUnavailable) as told:
        workshop.find(
            FakeSource(workshop, why_not="not on a Tuesday"), MirrorSource(None, None), GoSource()
        )
    assert str(told.value) == (
        "no usable prometheus and promtool: prometheus is not on PATH; not on a Tuesday;"
        " no mirror is set (ALERTPROOF_MIRROR). What to do: install Prometheus >= 3.0 and"
        " Alertmanager >= 0.28 on PATH, or set ALERTPROOF_MIRROR to a folder of upstream's"
        " release archives"
    )


def test_a_cache_that_cannot_be_written_is_one_line(workshop: Workshop) -> None:
    (workshop.directory / "cache").write_text("a file where the directory should be")
    with pytest.raises(ToolsUnavailable, match="the cache cannot be written") as told:
        workshop.find(FakeSource(workshop))
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("missing", ["linux", "setpriv"])
def test_an_unsupported_system_is_one_line(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    if missing == "linux":
        monkeypatch.setattr(sys, "platform", "darwin")
    else:
        monkeypatch.setenv("PATH", "")
    with pytest.raises(ToolsUnavailable, match=r"Linux|install util-linux") as told:
        workshop.find()
    assert "\n" not in str(told.value)


def test_a_mirror_serves_what_its_checksums_list(workshop: Workshop) -> None:
    mirror, sums = workshop.mirror()
    said: list[str] = []
    tools = workshop.find(MirrorSource(mirror.as_uri(), sums), said=said)
    assert {tool.origin for tool in tools.each()} == {"mirror"}
    assert tools.promtool.source.startswith("upstream's prometheus-3.5.1.linux-")
    assert len(said) == 2
    assert workshop.find(MirrorSource(mirror.as_uri(), sums)) == tools


def test_an_archive_with_another_checksum_is_refused(workshop: Workshop) -> None:
    mirror, sums = workshop.mirror()
    sums.write_text(sums.read_text().replace(sums.read_text()[:64], "0" * 64, 1))
    with pytest.raises(ToolsUnavailable, match=f"but {'0' * 64} is listed"):
        workshop.find(MirrorSource(mirror.as_uri(), sums))
    assert workshop.runs() == 0  # nothing of it was run


def test_a_mirror_without_a_listed_archive_is_told_with_their_names(workshop: Workshop) -> None:
    empty = workshop.directory / "empty"
    empty.mkdir()
    with pytest.raises(ToolsUnavailable, match=r"has none of the listed archives: prometheus-3\."):
        workshop.find(MirrorSource(empty.as_uri(), None))


def test_a_mirror_must_be_a_url_that_is_understood() -> None:
    assert "no http, https or file URL" in str(MirrorSource("ftp://mirror", None).obstacle())
    assert MirrorSource("file:///srv/mirror", None).obstacle() is None


def test_the_repository_lists_checksums_for_both_products_and_both_architectures() -> None:
    known = known_checksums(None)
    for product in ("prometheus", "alertmanager"):
        for architecture in ("amd64", "arm64"):
            assert any(
                name.startswith(product) and f"linux-{architecture}" in name for name in known
            )
    assert all(len(checksum) == 64 for checksum in known.values())


def test_a_list_of_checksums_that_is_none_is_told_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "sums"
    file.write_text(f"{'a' * 64}  prometheus-3.5.1.linux-amd64.tar.gz\n<html>\n")
    with pytest.raises(FetchFailed, match=r"sums:2 is not a line of sha256sum: '<html>'"):
        known_checksums(file)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"HOME": "/home/me"}, "/home/me/.cache/alertproof"),
        ({"HOME": "/home/me", "XDG_CACHE_HOME": "/xdg"}, "/xdg/alertproof"),
        ({"HOME": "/home/me", "XDG_CACHE_HOME": ""}, "/home/me/.cache/alertproof"),
        ({"XDG_CACHE_HOME": "/xdg", "ALERTPROOF_CACHE": "/own"}, "/own"),
    ],
)
def test_the_cache_is_where_the_environment_says(
    environment: dict[str, str], expected: str
) -> None:
    assert ToolSettings.from_env(environment).cache_directory == Path(expected)


def test_the_mirror_is_what_the_environment_says() -> None:
    settings = ToolSettings.from_env(
        {
            "HOME": "/home/me",
            "ALERTPROOF_MIRROR": "https://mirror.example/prometheus",
            "ALERTPROOF_MIRROR_CHECKSUMS": "/srv/sha256sums.txt",
        }
    )
    assert settings.mirror_url == "https://mirror.example/prometheus"
    assert settings.mirror_checksums == Path("/srv/sha256sums.txt")
