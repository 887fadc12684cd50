"""The container engine, asked and told with its own client.

Design rule: whatever is started for it dies with this process; the engine gives up a build whose
client is gone, and an image gets its name with the last step.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from stack.compose.engine import Engine as Compose
from stack.compose.failure import StackFailure
from stack.compose.places import Places
from stack.images.failure import EngineAbsent, ImagesFailure
from stack.processes import ProcessError, dying_with

__all__ = ["LABEL_HOLDS", "LABEL_IMAGE", "LABEL_RECIPE", "Engine", "Image"]

LABEL_IMAGE = "alertproof.image"
"""On every image that is made here, its unfinished ones too: the image's name."""

LABEL_RECIPE = "alertproof.recipe"
"""On a finished one: the hash of what it was made from."""

LABEL_HOLDS = "alertproof.holds"
"""On a finished one: what it was made from, for a person."""

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_ERROR = re.compile(r"\berror\b", re.IGNORECASE)
_BUILDERS_OWN = re.compile(
    r"Removing intermediate container|The command '|ERROR: failed to |ERROR: process |------|"
    r"\S*Dockerfile:\d+|\s+\d+ \||-{4,}| > \["
)
"""What both builders add to a step that fails, after what that step has said."""

_ASK_TIMEOUT_SECONDS = 60.0
_INSTALL = "install one (on Debian: sudo apt-get install docker.io) and start it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image that the engine has.

    Attributes:
        id: the engine's.
        labels: all of them.
        size_bytes: with everything below it.
    """

    id: str
    labels: Mapping[str, str]
    size_bytes: int

    def recipe(self, name: str) -> str | None:
        """Return the hash it was made from as the image `name`; None if it was not made here.

        An image that somebody made on top of ours has our labels too, and another name.
        """
        return self.labels.get(LABEL_RECIPE) if self.labels.get(LABEL_IMAGE) == name else None

    @property
    def holds(self) -> str:
        """Return what it was made from, for a person."""
        return self.labels.get(LABEL_HOLDS, "")


class Engine:
    """The engine that the docker client is set to."""

    def check(self) -> None:
        """Raise EngineAbsent unless the client is there and an engine answers it."""
        if shutil.which("docker") is None:
            raise EngineAbsent(f"there is no container engine: docker is not on PATH; {_INSTALL}")
        try:
            Compose(places=Places.here()).check_running()
        except StackFailure as absent:
            raise EngineAbsent(str(absent)) from absent

    def image(self, reference: str) -> Image | None:
        """Return the image of this name, None where there is none. Raises ImagesFailure."""
        done = self._asked("image", "inspect", reference)
        if done.returncode != 0:
            if "no such image" in done.stderr.lower():
                return None
            raise ImagesFailure(f"docker image inspect {reference}: {_cause(done.stderr)}")
        found = json.loads(done.stdout)[0]
        return Image(
            id=found["Id"],
            labels=found["Config"].get("Labels") or {},
            size_bytes=found["Size"],
        )

    def build(
        self,
        context: Path,
        *,
        dockerfile: str,
        reference: str,
        arguments: Mapping[str, str],
        labels: Mapping[str, str],
        network: bool,
        log: Path,
    ) -> None:
        """Build an image and give it its name; all output goes to `log`. Raises ImagesFailure.

        Arguments are taken from the client's environment, as its command line is for everybody to
        see. Without `network` no step reaches anything; with it, a step reaches what this machine
        does.
        """
        command = ["docker", "build", "--force-rm", "--file", str(context / dockerfile)]
        command += ["--network", "host" if network else "none", "--tag", reference]
        for name in arguments:
            command += ["--build-arg", name]
        for name, value in labels.items():
            command += ["--label", f"{name}={value}"]
        builder = {} if self._has_buildkit() else {"DOCKER_BUILDKIT": "0"}
        env = {**os.environ, **builder, **arguments, "BUILDKIT_PROGRESS": "plain"}
        with log.open("wb") as written:
            done = subprocess.run(
                _bound([*command, str(context)]),
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=written,
                stderr=subprocess.STDOUT,
                check=False,
            )
        if done.returncode != 0:
            said = _build_cause(log.read_text(encoding="utf-8", errors="replace"))
            raise ImagesFailure(f"{reference} was not built: {said}; look: less {log}")

    def pull(self, reference: str, *, answer_seconds: float, whole_seconds: float) -> str | None:
        """Pull an image; return None, or why it is not to be had.

        A registry must answer within `answer_seconds`, and deliver within `whole_seconds`.
        """
        process = subprocess.Popen(
            _bound(["docker", "pull", reference]),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )
        late = threading.Event()

        def give_up() -> None:
            late.set()
            process.kill()

        # The first line comes with the registry's first answer.
        waiting = threading.Timer(answer_seconds, give_up)
        waiting.start()
        with process:
            try:
                assert process.stdout is not None
                process.stdout.readline()
                if process.poll() is None and not late.is_set():
                    waiting.cancel()
                    waiting = threading.Timer(whole_seconds, give_up)
                    waiting.start()
                _, errors = process.communicate()
            finally:
                waiting.cancel()
                process.kill()
        if late.is_set():
            return f"no answer within {answer_seconds:.0f} s, or not all within {whole_seconds:.0f}"
        return None if process.returncode == 0 else _cause(errors)

    def remove(self, reference: str) -> None:
        """Take an image's name away, and the image if it has no other. Raises ImagesFailure."""
        done = self._asked("image", "rm", reference)
        if done.returncode != 0:
            raise ImagesFailure(
                f"{reference} was not removed: {_cause(done.stderr)}; look: docker ps --all"
            )

    def sweep(self) -> None:
        """Remove images of ours without a name: what a build left, or has replaced."""
        self._asked("image", "prune", "--force", "--filter", f"label={LABEL_IMAGE}")

    def read(self, reference: str, path: str) -> str:
        """Return a text file of an image. Raises ImagesFailure."""
        entry = ("--entrypoint", "cat", "--user", "0")
        done = self._asked("run", "--rm", "--network", "none", *entry, reference, path)
        if done.returncode != 0:
            raise ImagesFailure(f"{reference} has no {path}: {_cause(done.stderr)}")
        return done.stdout

    def _has_buildkit(self) -> bool:
        return self._asked("buildx", "version").returncode == 0

    def _asked(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(
                _bound(["docker", *arguments]),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_ASK_TIMEOUT_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise ImagesFailure(
                f"docker {arguments[0]} did not answer within {_ASK_TIMEOUT_SECONDS:.0f} s; "
                "look: docker version"
            ) from error


def _bound(argv: Sequence[str]) -> list[str]:
    try:
        return dying_with(os.getpid(), argv)
    except ProcessError as error:
        raise ImagesFailure(str(error)) from error


def _build_cause(text: str) -> str:
    """Return what the step that failed said of it, rather than the builder's repetition of it."""
    said = [line for line in _COLOUR.sub("", text).splitlines() if not _BUILDERS_OWN.match(line)]
    errors = [line for line in said if _ERROR.search(line)]
    return _cause("\n".join(errors or said))


def _cause(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:300] if lines else "it said nothing"
