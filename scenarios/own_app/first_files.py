"""What ``alertproof init`` writes: the settings block and a first Locust file, as text.

One rule: pure; what is guessed stands there as a comment, for a person to look at.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from scenarios.own_app.application import OwnApp
from scenarios.own_app.exposed import names_of
from scenarios.own_app.survey import OK, Route, Survey

_LABEL_NAMES = {
    "method": ("method", "verb"),
    "endpoint": ("endpoint", "path", "route", "handler", "url_rule", "view"),
    "status": ("status", "code", "status_code", "http_status"),
}

_FIELD = {"int": "1", "float": "1.0", "uuid": "00000000-0000-0000-0000-000000000000"}
"""What stands in the place of a route's part, by its converter, until a person names a real one."""


def block(own: OwnApp, survey: Survey, *, source_folder: str, exposition: str, path: str) -> str:
    """Return the ``[tool.alertproof]`` block of an application, with what it was made with.

    ``source_folder`` is where its modules are found, "" for the project's own folder;
    ``exposition`` is what it answers at ``path``, "" where it exposes no metrics of its own.
    """
    lines = ["[tool.alertproof]", f"app = {_toml(own.name)}"]
    if source_folder:
        lines.append(f'pythonpath = ["{source_folder}"]')
    lines.append('locustfile = "locustfile.py"')
    refused = [one.rule for one in survey.routes if one.status in (401, 403)]
    if refused:
        lines.append(f'unauthorized = "GET {refused[0]}"  # answered with 401 or 403')
    lines += _made_with(own)
    lines += [
        '# backup = "backups/shop.db"  # the last backup, below that folder',
        "# [tool.alertproof.database]  # an SQLite file that drills may break",
        '# file = "shop.db"',
        '# reads = "GET /a-page-that-reads-it"',
    ]
    pages = [name for name in survey.pages if name != f"GET {path}"]
    if pages:
        lines += ["", "[tool.alertproof.journey]  # pages that drills may tell apart"]
        lines += [f'"{name}" = {5 if at == 0 else 1}' for at, name in enumerate(pages[:4])]
    if exposition:
        lines += ["", *_mapping(exposition, path)]
    return "\n".join(lines) + "\n"


def _made_with(own: OwnApp) -> Iterator[str]:
    """Yield the lines of what an instance is told and prepared with, or else an example."""
    yield "# {directory} is the folder of each instance of its own:"
    if own.environment:
        told = ", ".join(
            f"{_key(name)} = {_toml(value)}" for name, value in own.environment.items()
        )
        yield f"environment = {{ {told} }}"
    else:
        yield '# environment = { SHOP_DATABASE = "{directory}/shop.db" }'
    if own.prepare:
        yield f"prepare = [{', '.join(_toml(word) for word in own.prepare)}]"
    else:
        yield '# prepare = ["flask", "--app", "shop.wsgi:create_app", "init-db"]  # once in each'


def _toml(text: str) -> str:
    """Return a text as TOML writes it, whose basic strings are those of JSON but for DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _toml(name)


def _mapping(exposition: str, path: str) -> list[str]:
    """Return a proposal for the application's own metrics, as comments."""
    names = sorted(names_of(exposition))
    counters = [one for one in names if one.endswith("_total") and "request" in one]
    histograms = [one.removesuffix("_bucket") for one in names if one.endswith("_bucket")]
    labels = _labels_of(exposition, [*counters[:1], *histograms[:1]])
    lines = [
        f"# It exposes metrics of its own at {path}. Uncomment to have those judged, not the",
        "# toolkit's; rules that read what is not named here are then NOT APPLICABLE.",
        "# [tool.alertproof.metrics]",
        f'# path = "{path}"',
        f'# requests = "{counters[0] if counters else "..."}"',
        f'# latency = "{histograms[0] if histograms else "..."}"',
    ]
    renamed = [
        f'{ours} = "{theirs}"'
        for ours, known in _LABEL_NAMES.items()
        for theirs in known
        if theirs in labels and theirs != ours
    ]
    return lines + ([f"# labels = {{ {', '.join(renamed)} }}"] if renamed else [])


def _labels_of(exposition: str, metrics: Sequence[str]) -> frozenset[str]:
    return frozenset(
        label
        for line in exposition.splitlines()
        if line.startswith(tuple(metrics) or ("\0",))
        for label in re.findall(r'[{,](\w+)="', line)
    )


def locustfile(app: str, survey: Survey, *, without: str) -> str:
    """Return a first Locust file: a task for each page, and a comment for every other route.

    ``without`` is the path of metrics, which no user asks for.
    """
    routes = [one for one in survey.routes if not one.static and one.rule != without]
    pages = [one for one in routes if one.is_page]
    others = [one for one in routes if not one.is_page]
    lines = [
        f'"""What the users of {app} do; made of its URL map, to be made theirs."""',
        "",
        "from locust import FastHttpUser, between, task",
        "",
        "",
        "class Visitor(FastHttpUser):",
        '    """Drills pace these tasks themselves; wait_time is for runs of your own."""',
        "",
        "    wait_time = between(1, 3)",
    ]
    used: set[str] = set()
    for page in pages:
        lines += ["", "    @task", f"    def {_name(page.rule, used)}(self):"]
        lines.append(f'        self.client.get("{page.rule}")')
    if not pages:
        lines += [
            "",
            "    # No page was answered well; name one that is, or nothing can be drilled.",
        ]
        lines += ["    @task", f"    def {_name('/', used)}(self):", '        self.client.get("/")']
    for route in others:
        lines += ["", f"    # {_why_not(route)}"]
        lines += ["    # @task", f"    # def {_name(route.rule, used)}(self):"]
        lines += [f"    #     {_call(route)}"]
    return "\n".join(lines) + "\n"


def _why_not(route: Route) -> str:
    if route.status and route.status not in OK:
        return f"GET {route.rule} was answered with {route.status}"
    if route.arguments:
        return f"{route.rule} needs a real {', '.join(route.arguments)}"
    return f"{' or '.join(route.methods)} {route.rule} changes something"


def _call(route: Route) -> str:
    path = re.sub(
        r"<(?:(\w+)(?:\([^)]*\))?:)?(\w+)>",
        lambda found: _FIELD.get(found[1] or "", found[2]),
        route.rule,
    )
    if "GET" in route.methods:
        name = f', name="{route.rule}"' if route.arguments else ""
        return f'self.client.get("{path}"{name})'
    method = next(iter(route.methods), "POST").lower()
    return f'self.client.{method}("{path}", json={{}})'


def _name(rule: str, used: set[str]) -> str:
    """Return a task's name: unlike those before, Python's words and what a user of Locust does."""
    path = re.sub(r"\W+", "_", re.sub(r"<(?:[^:>]*:)?(\w+)>", r"\1", rule)).strip("_")
    plain = f"ask_{path or 'front_page'}"
    name, number = plain, 2
    while name in used:
        name, number = f"{plain}_{number}", number + 1
    used.add(name)
    return name


def source_folder_of(project: Path, app: str) -> str:
    """Return the folder of the project in which the application's module is found; "" for itself.

    That of packaging guides, ``src``, is the one that is looked into.
    """
    top = app.partition(":")[0].partition(".")[0]
    here = any((project / one).exists() for one in (top, f"{top}.py"))
    there = any((project / "src" / one).exists() for one in (top, f"{top}.py"))
    return "src" if there and not here else ""
