"""A drill's configuration for production's containers: what the run moved is put back.

Design rule: pure. Durations are the drill's, and places are production's: the containers find their
secrets, templates and targets where production's do, and each other by production's addresses.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ruamel.yaml.comments import CommentedMap, CommentedSeq

from stack.yamlfile import ConfigurationError, key_line, read_yaml, write_yaml

__all__ = ["AUTHORITY", "Prometheus", "PutBack", "alertmanager_for", "prometheus_for"]

AUTHORITY = PurePosixPath("/run/alertproof/smtp_ca.pem")
"""Where Alertmanager's container finds who signed the mail server's certificate, which in
production is somebody whom every machine knows."""

_SECRETS = PurePosixPath("/etc/alertmanager/secrets")
_TARGETS = PurePosixPath("targets")
_TEMPLATES = PurePosixPath("templates")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prometheus:
    """Its configuration, and the folder of this machine in which it discovers its targets."""

    text: str
    targets: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class PutBack:
    """Alertmanager's configuration, and where on this machine lies what it names.

    Attributes:
        text: the configuration.
        templates: the folder of its templates.
        secrets: the folder of the secrets that it names.
        authority: the certificate of who signed the mail server's; None where it names none.
    """

    text: str
    templates: Path
    secrets: Path
    authority: Path | None


def prometheus_for(text: str, addresses: Mapping[str, str], *, source: str) -> Prometheus:
    """Return a Prometheus configuration with `addresses` replaced, and targets where it looks.

    Raises ConfigurationError where targets are discovered in no folder, or in more than one.
    """
    document = read_yaml(text, source)
    for targets in _lists(document, "targets"):
        targets[:] = [addresses.get(str(one), one) for one in targets]
    found = set()
    for files in _lists(document, "files"):
        found |= {Path(str(one)).parent for one in files}
        files[:] = [str(_TARGETS / Path(str(one)).name) for one in files]
    return Prometheus(text=write_yaml(document), targets=_only(found, "targets", source))


def alertmanager_for(text: str, secrets: Collection[str], *, source: str) -> PutBack:
    """Return an Alertmanager configuration that names its files where production's container has
    them, of which `secrets` are those that compose gives to it.

    Raises ConfigurationError for a secret that is none of those, and for files of more folders.
    """
    document = read_yaml(text, source)
    folders, authorities = set(), set()
    for mapping, key in _files(document):
        path = Path(str(mapping[key]))
        if key == "ca_file":
            authorities.add(path)
            mapping[key] = str(AUTHORITY)
            continue
        if path.name not in secrets:
            raise ConfigurationError(
                f"{source}:{key_line(mapping, key)}: {path.name} is a secret that the compose "
                f"stack does not give to Alertmanager; it gives {', '.join(sorted(secrets))}"
            )
        folders.add(path.parent)
        mapping[key] = str(_SECRETS / path.name)
    templates = document.get("templates") or CommentedSeq()
    homes = {Path(str(one)).parent for one in templates}
    templates[:] = [str(_TEMPLATES / Path(str(one)).name) for one in templates]
    return PutBack(
        text=write_yaml(document),
        templates=_only(homes, "templates", source),
        secrets=_only(folders, "secrets", source),
        authority=_only(authorities, "an authority", source) if authorities else None,
    )


def _only(found: Collection[Path], what: str, source: str) -> Path:
    if len(found) != 1:
        raise ConfigurationError(
            f"{source}:1: names {what} in {len(found)} folders, and the compose stack has one: "
            f"{', '.join(sorted(map(str, found))) or 'none'}"
        )
    return next(iter(found))


def _lists(node: object, wanted: str) -> Iterator[CommentedSeq]:
    """Yield each list at a key of that name, wherever it stands."""
    for mapping, key in _entries(node):
        if key == wanted and isinstance(mapping[key], CommentedSeq):
            yield mapping[key]


def _files(node: object) -> Iterator[tuple[CommentedMap, str]]:
    for mapping, key in _entries(node):
        if key.endswith("_file"):
            yield mapping, key


def _entries(node: object) -> Iterator[tuple[CommentedMap, str]]:
    if isinstance(node, CommentedMap):
        for key in list(node):
            yield node, str(key)
            yield from _entries(node[key])
    elif isinstance(node, CommentedSeq):
        for each in node:
            yield from _entries(each)
