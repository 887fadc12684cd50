"""What the guides' tests share: the documents' blocks, and the folder in which they are run.

One rule: what is run is read from the documents; only port numbers and Slack's host are exchanged,
so that runs don't meet and nobody outside is told anything.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from stack.processes import Processes

ROOT = Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs" / "MONITORING-INTEGRATION.md"
PRODUCTION = ROOT / "docs" / "instrumentation-in-production.md"
FENCE = re.compile(
    r'^```(?P<language>\w+) (?P<kind>title|name)="(?P<label>[^"]+)"\n(?P<text>.*?)^```$',
    re.MULTILINE | re.DOTALL,
)
PORTS = ("8000", "8001", "8002", "8003", "8004", "8005", "9090", "9093", "9100")
"""Those that the guides name; `nobody` is one more, where nobody listens."""

COMMAND_SECONDS = 60.0


def blocks(kind: str, *documents: Path) -> dict[str, str]:
    """Return the fenced blocks of a kind: files by their title, commands by their name."""
    text = "\n".join(document.read_text() for document in documents)
    found = [match for match in FENCE.finditer(text) if match["kind"] == kind]
    return {match["label"]: match["text"] for match in found}


FILES = blocks("title", GUIDE, PRODUCTION)
COMMANDS = blocks("name", GUIDE, PRODUCTION)


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """The folder of a team that follows the guide, with ports of this run in place of the usual."""

    folder: Path
    environment: Mapping[str, str]
    ports: Mapping[str, int]

    def adapted(self, text: str) -> str:
        text = text.replace("https://hooks.slack.com", f"http://127.0.0.1:{self.ports['nobody']}")
        return _PORT.sub(lambda match: str(self.ports[match[0]]), text)

    def write(self, title: str) -> None:
        path = self.folder / title
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.adapted(FILES[title]))

    def run(self, command: str, timeout: float = COMMAND_SECONDS) -> str:
        return self.shell(self.adapted(COMMANDS[command]), timeout)

    def shell(self, text: str, timeout: float = COMMAND_SECONDS) -> str:
        done = subprocess.run(
            ["bash", "-euc", text],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
            check=False,
        )
        assert done.returncode == 0, f"{text}\nended with {done.returncode}:\n{done.stdout}"
        return done.stdout

    def start(self, command: str, processes: Processes) -> subprocess.Popen[bytes]:
        return processes.start(
            command,
            ["bash", "-c", self.adapted(COMMANDS[command])],
            log=self.folder / f"{command}.out",
            env=self.environment,
            cwd=self.folder,
        )

    def log_of(self, command: str) -> str:
        return (self.folder / f"{command}.out").read_text()


_PORT = re.compile(rf"\b({'|'.join(PORTS)})\b")


def in_a_process(folder: Path, code: str) -> str:
    """Run `code` beside the guide's Python files; logging is configured for a whole process."""
    for title in (title for title in FILES if title.endswith(".py")):
        (folder / title).write_text(FILES[title])
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(folder), str(ROOT)))},
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
