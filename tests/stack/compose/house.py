"""What holds for every service of a compose file, as functions from its parsed text to complaints.

Design rule: each function knows one rule and nothing of the others, so that a test can show for
each an input that it refuses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

COMPOSE_FILE = Path(__file__).resolve().parents[3] / "stack" / "docker-compose.monitoring.yml"
PUBLISHED = re.compile(r"127\.0\.0\.1:\$\{[A-Z]+_PORT:-(\d+)\}:\1")
IMAGE = re.compile(r"\$\{[A-Z]+_IMAGE:-[a-z0-9./-]+:v?\d+\.\d+[\w.-]*\}")
CONFIDENTIAL = re.compile(r"PASSWORD|SECRET|TOKEN|CREDENTIAL|(?<!PUBLIC_)KEY")
IN_A_URL = re.compile(r"://[^/\s:@]*:[^/\s@]+@")
ROOT = ("prepare", "prepare-demo")

Compose = dict[str, Any]


def load(text: str) -> Compose:
    parsed: Compose = YAML(typ="safe").load(text)
    return parsed


def services(compose: Compose) -> Iterator[tuple[str, dict[str, Any]]]:
    yield from compose["services"].items()


def ends(service: dict[str, Any]) -> bool:
    return bool(service.get("healthcheck", {}).get("disable"))


def health(compose: Compose) -> list[str]:
    awaited = {
        needed
        for _, service in services(compose)
        for needed, how in service.get("depends_on", {}).items()
        if how["condition"] == "service_completed_successfully"
    }
    return [
        name
        for name, service in services(compose)
        if (
            name not in awaited if ends(service) else not service.get("healthcheck", {}).get("test")
        )
    ]


def order(compose: Compose) -> list[str]:
    return [
        f"{name} needs {needed}"
        for name, service in services(compose)
        for needed, how in service.get("depends_on", {}).items()
        if how["condition"]
        != (
            "service_completed_successfully"
            if ends(compose["services"][needed])
            else "service_healthy"
        )
    ]


def limits(compose: Compose) -> list[str]:
    return [
        name
        for name, service in services(compose)
        if not {"cpus", "memory", "pids"}
        <= service.get("deploy", {}).get("resources", {}).get("limits", {}).keys()
    ]


def logs(compose: Compose) -> list[str]:
    return [
        name
        for name, service in services(compose)
        if not {"max-size", "max-file"} <= service.get("logging", {}).get("options", {}).keys()
    ]


def privileges(compose: Compose) -> list[str]:
    return [
        name
        for name, service in services(compose)
        if "no-new-privileges:true" not in service.get("security_opt", ())
        or service.get("cap_drop") != ["ALL"]
        or service.get("privileged")
        or ((root := name in ROOT) != service.get("user", "0").startswith("0"))
        or ("cap_add" in service and not root)
    ]


def restarts(compose: Compose) -> list[str]:
    return [
        name
        for name, service in services(compose)
        if service.get("restart") != ("no" if ends(service) else "unless-stopped")
    ]


def images(compose: Compose) -> list[str]:
    return [name for name, one in services(compose) if not IMAGE.fullmatch(one.get("image", ""))]


def writable(compose: Compose) -> list[str]:
    return [name for name, service in services(compose) if service.get("read_only") is not True]


def unexplained(text: str) -> list[str]:
    """Return the lines that make a root file system writable without a comment above them."""
    lines = text.splitlines()
    return [
        f"line {number + 1}"
        for number, line in enumerate(lines)
        if line.strip() == "read_only: false" and not lines[number - 1].lstrip().startswith("#")
    ]


def ports(compose: Compose) -> list[str]:
    return [
        f"{name} {port}"
        for name, service in services(compose)
        for port in service.get("ports", ())
        if not PUBLISHED.fullmatch(str(port))
    ]


def told(compose: Compose) -> list[str]:
    """Return what a container's environment or command would show of a secret."""
    found = []
    for name, service in services(compose):
        for key, value in service.get("environment", {}).items():
            confidential = CONFIDENTIAL.search(key.upper()) and not key.endswith("FILE")
            if (confidential and "." not in key) or IN_A_URL.search(str(value)):
                found.append(f"{name} {key}")
        words = " ".join(map(str, service.get("command", ()) or ()))
        if re.search(r"--[\w.-]*(password|secret|token)[\w.-]*=", words, re.I):
            found.append(f"{name} command")
    return found


def defaults(text: str) -> list[str]:
    """Return the variables that name a secret and have a default."""
    names = re.findall(r"\$\{(\w+):?-", text)
    return [name for name in names if CONFIDENTIAL.search(name)]


def retention(compose: Compose) -> list[str]:
    command = compose["services"]["prometheus"]["command"]
    wanted = "--storage.tsdb.retention.time=30d"
    features = [word for word in command if word.startswith("--enable-feature=")]
    named = [] if wanted in command else [wanted]
    # Rules read what it adds.
    return named + [word for word in features if "extra-scrape-metrics" not in word]


def anonymous(compose: Compose) -> list[str]:
    """Return what lets people into Elasticsearch or Grafana without a password."""
    node = compose["services"]["elasticsearch"]["environment"]
    page = compose["services"]["grafana"]["environment"]
    asks = {
        "elasticsearch": node.get("xpack.security.enabled") == "true"
        and "ELASTIC_PASSWORD_FILE" in node,
        "grafana": page.get("GF_AUTH_ANONYMOUS_ENABLED") == "false"
        and "GF_SECURITY_ADMIN_PASSWORD__FILE" in page,
    }
    return [name for name, well in asks.items() if not well]


def read_twice(compose: Compose) -> list[str]:
    """Return the volumes of logs that both Logstash and the shipper have."""
    seen = [
        {source for source, to in mounts(compose["services"][name]) if to.startswith("/var/log/")}
        for name in ("logstash", "shipper")
    ]
    return sorted(seen[0] & seen[1])


def chained(compose: Compose) -> list[str]:
    """Return what waits for Logstash, without which the demo must run."""
    return [name for name, one in services(compose) if "logstash" in one.get("depends_on", {})]


def far(compose: Compose) -> list[str]:
    """Return who scrapes without a way to services on the host."""
    hosts = compose["services"]["prometheus"].get("extra_hosts", [])
    return [] if "host.docker.internal:host-gateway" in hosts else ["prometheus"]


def undeclared(compose: Compose) -> list[str]:
    mounted = {
        source
        for _, service in services(compose)
        for source, _ in mounts(service)
        if re.fullmatch(r"[a-z-]+", source)
    }
    # The default of a variable that may name a directory in its place.
    mounted.add("app-logs")
    return sorted(mounted ^ compose["volumes"].keys())


def mounts(service: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield source and target of each mount."""
    for volume in service.get("volumes", ()):
        if isinstance(volume, dict):
            yield volume["source"], volume["target"]
        else:
            found = re.fullmatch(r"(\$\{[^}]*\}|[^:]+):([^:]+)(?::[\w,]+)?", volume)
            assert found is not None, volume
            yield found[1], found[2]
