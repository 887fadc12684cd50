"""What a container does once, before all others: `python -m stack.compose.prepare monitoring`.

Design rule: it reads what it was given, refuses it in one line, or fills the volumes with it; it
invents no secret, and after a refusal the volumes are as they were.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from stack.compose.credentials import CREDENTIALS, refusal
from stack.compose.derive import for_containers, scraped
from stack.compose.failure import StackFailure
from stack.compose.shares import DEMO, MONITORING, WATCHERS, Shared
from stack.compose.volume import PUBLIC, Chown, fill, give
from stack.yamlfile import ConfigurationError

__all__ = ["Roots", "main", "prepare_demo", "prepare_monitoring"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Roots:
    """Where the container has what it was given, and the volumes that it fills."""

    given: Path = Path("/given")
    volumes: Path = Path("/volumes")


def prepare_monitoring(roots: Roots, chown: Chown) -> None:
    """Fill the volumes of the monitoring. Raises StackFailure, ConfigurationError, OSError."""
    given = roots.given
    secrets = _secrets(given / "secrets", demo=False)
    name = "prometheus-config.yml"
    prometheus = {
        "alert-rules.yml": (given / "alert-rules.yml").read_bytes(),
        name: for_containers((given / name).read_text(encoding="utf-8"), source=name).encode(),
    }
    targets = _files(given / "targets")
    alertmanager = {"alertmanager-config.yml": (given / "alertmanager-config.yml").read_bytes()}
    templates = _files(given / "templates")
    channels = {
        each.name: secrets[each.name].encode() for each in CREDENTIALS if each.kind == "channel"
    }
    volumes = roots.volumes
    # What is named before what names it: whoever is reloaded meanwhile finds it.
    fill(volumes / "prometheus-config" / "targets", targets, WATCHERS, chown, mode=PUBLIC)
    fill(volumes / "prometheus-config", prometheus, WATCHERS, chown, mode=PUBLIC)
    fill(volumes / "alertmanager-config" / "secrets", channels, WATCHERS, chown)
    fill(volumes / "alertmanager-config" / "templates", templates, WATCHERS, chown, mode=PUBLIC)
    fill(volumes / "alertmanager-config", alertmanager, WATCHERS, chown, mode=PUBLIC)
    _share(MONITORING, secrets, volumes, chown)


def prepare_demo(roots: Roots, chown: Chown, left_out: Collection[str] = ()) -> None:
    """Fill the demo's volumes, and have its targets scraped, but for services that are left out.

    Raises StackFailure, ConfigurationError, OSError.
    """
    given = roots.given
    secrets = _secrets(given / "secrets", demo=True)
    # By its name, the demo's file takes the place of the one for a service on the host.
    demo = {
        name: scraped(text.decode(), left_out, source=name).encode()
        for name, text in _files(given / "demo-targets").items()
    }
    targets = {**_files(given / "targets"), **demo}
    _share(DEMO, secrets, roots.volumes, chown)
    directory = roots.volumes / "prometheus-config" / "targets"
    fill(directory, targets, WATCHERS, chown, mode=PUBLIC)


def _secrets(directory: Path, *, demo: bool) -> dict[str, str]:
    found = {}
    for credential in CREDENTIALS:
        if credential.demo and not demo:
            continue
        path = directory / credential.name
        try:
            text = path.read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            raise StackFailure(
                f"there is no secret {credential.name}: nox -s stack -- up makes it"
            ) from None
        if why := refusal(credential, text):
            raise StackFailure(f"the secret {credential.name} {why}")
        found[credential.name] = text
    return found


def _files(directory: Path) -> dict[str, bytes]:
    return {
        path.name: path.read_bytes()
        for path in sorted(directory.iterdir())
        if path.is_file() and not path.name.startswith(".")
    }


def _share(
    shares: Sequence[Shared], secrets: Mapping[str, str], volumes: Path, chown: Chown
) -> None:
    for shared in shares:
        directory = volumes / shared.volume
        if shared.holds_data:
            give(directory, shared.owner, chown, mode=shared.mode)
            continue
        files = {name: secrets[name] for name in shared.secrets}
        files |= {name: make(secrets) for name, make in shared.made.items()}
        content = {name: text.encode() for name, text in files.items()}
        fill(directory, content, shared.owner, chown)


def main(arguments: Sequence[str] | None = None, roots: Roots | None = None) -> int:
    """Prepare one part; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m stack.compose.prepare")
    parser.add_argument("part", choices=("monitoring", "demo"))
    part = parser.parse_args(arguments).part
    places = roots or Roots()
    try:
        if part == "demo":
            prepare_demo(places, os.chown, os.environ.get("LEFT_OUT", "").split(","))
        else:
            prepare_monitoring(places, os.chown)
    except (StackFailure, ConfigurationError) as error:
        sys.stderr.write(f"prepare: {error}\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"prepare: {error.filename}: {error.strerror}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
