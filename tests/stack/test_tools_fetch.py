"""Debian's real archive serves, two processes at once and half a cache included."""

from __future__ import annotations

import ast
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from stack.tools import ToolSettings, debian, find_tools
from stack.tools.debian import DebianSource
from stack.tools.fetching import FetchFailed
from stack.tools.namespace import TEMPLATES, in_namespace
from stack.waiting import wait_until

pytestmark = pytest.mark.integration

FIND = """
import sys, time
from pathlib import Path
from stack.tools import ToolSettings, find_tools
from stack.tools.debian import DebianSource
started = time.monotonic()
settings = ToolSettings(search_path="", cache_directory=Path(sys.argv[1]))
tools = find_tools(settings, lambda line: print(line, flush=True), sources=[DebianSource()])
print("FOUND", time.monotonic() - started, *(tool.version for tool in tools.each()), flush=True)
"""


def finding(cache: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", FIND, str(cache)],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.mark.skipif(DebianSource().obstacle() is not None, reason=str(DebianSource().obstacle()))
def test_two_processes_that_fetch_at_once_both_succeed_and_a_third_needs_no_time(
    tmp_path: Path,
) -> None:
    cache = tmp_path / "cache"
    killed = finding(cache)
    assert killed.stdout is not None
    assert "fetching" in killed.stdout.readline()
    wait_until(
        lambda: list(cache.glob("tools/.partial-*/made/work/**/*.deb")) or None,
        what="a first package",
        timeout_seconds=120,
    )
    os.killpg(killed.pid, signal.SIGKILL)  # in the middle, so that it leaves half a cache
    killed.wait()
    killed.stdout.close()

    outputs = [asked.communicate(timeout=300)[0] for asked in (finding(cache), finding(cache))]
    for output in outputs:
        assert "FOUND" in output
    warm, _ = finding(cache).communicate(timeout=60)
    assert "fetching" not in warm
    assert float(warm.split()[1]) < 0.15


@pytest.mark.skipif(DebianSource().obstacle() is not None, reason=str(DebianSource().obstacle()))
def test_an_archive_without_a_signature_is_refused_whatever_the_machine_allows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    suite = tmp_path / "archive" / "dists" / debian.SUITE
    suite.mkdir(parents=True)
    (suite / "Release").write_text(f"Origin: Debian\nCodename: {debian.SUITE}\n")
    careless = tmp_path / "apt.conf"
    careless.write_text(
        'APT::Get::AllowUnauthenticated "true"; Acquire::AllowInsecureRepositories "true";'
    )
    monkeypatch.setenv("APT_CONFIG", str(careless))
    monkeypatch.setattr(debian, "archive_uri", lambda work: f"file:{tmp_path / 'archive'}")
    with pytest.raises(FetchFailed, match="is not signed"):
        DebianSource().fetch(tmp_path, print)


def test_no_way_to_fetch_tools_uses_what_another_keeps_to_itself() -> None:
    for file in Path(debian.__file__).parent.glob("*.py"):
        imports = [
            node
            for node in ast.walk(ast.parse(file.read_text()))
            if isinstance(node, ast.ImportFrom)
        ]
        private = [one.name for node in imports for one in node.names if one.name.startswith("_")]
        assert private == [], file.name


def test_the_packages_are_named_in_the_evidence_with_version_and_checksum() -> None:
    tools = find_tools(ToolSettings.from_env(), print)
    for tool in tools.each():
        if "Debian" in tool.source:
            assert "sha256" in tool.source
            assert tool.version.partition("+")[0] in tool.source


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    """A prefix whose name would break a mount option, were it ever part of one."""
    prefix = tmp_path / "a b:c,d'e"
    template = prefix / TEMPLATES.relative_to("/")
    template.parent.mkdir(parents=True)
    template.write_text("of the prefix")
    probe = subprocess.run(["unshare", "-m" if os.getuid() == 0 else "-Urm", "true"], check=False)
    if probe.returncode != 0:
        pytest.skip("this machine denies mount namespaces")
    return prefix


def test_a_program_in_the_namespace_sees_the_templates_and_the_machines_own_files(
    prefix: Path,
) -> None:
    shell = Path(str(shutil.which("sh")))
    script = f"cat {TEMPLATES}; ls -d /usr/share/doc; pwd; echo $0 $1"
    seen = subprocess.run(
        [*in_namespace(prefix, shell), "-c", script, "argument zero", "one"],
        cwd="/usr/share/doc",
        capture_output=True,
        text=True,
        check=False,
    )
    assert seen.stderr == ""
    assert seen.stdout == "of the prefix/usr/share/doc\n/usr/share/doc\nargument zero one\n"
    assert not TEMPLATES.exists() or TEMPLATES.read_text() != "of the prefix"


def test_a_program_in_the_namespace_dies_with_its_parent_at_whatever_moment(
    prefix: Path,
) -> None:
    owner = (
        "import os, subprocess, sys; from stack.processes import dying_with;"
        "child = subprocess.Popen(dying_with(os.getpid(), sys.argv[1:]));"
        "print(child.pid, flush=True); child.wait()"
    )
    command = [*in_namespace(prefix, Path(str(shutil.which("sleep")))), "60"]
    for delay_seconds in [moment / 500 for moment in range(12)]:
        parent = subprocess.Popen(
            [sys.executable, "-c", owner, *command], stdout=subprocess.PIPE, text=True
        )
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        time.sleep(delay_seconds)  # no condition is awaited: the moment itself is what varies
        parent.kill()
        parent.wait()
        parent.stdout.close()
        wait_until(
            lambda child=child: not lives(child),  # type: ignore[misc]  # bound early
            what=f"pid {child}, whose parent died after {delay_seconds} s, to be gone",
            timeout_seconds=5,
        )


def lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"
