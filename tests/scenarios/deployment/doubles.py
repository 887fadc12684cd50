"""Grafana and Kibana as far as the gate asks them, as neither can be run here.

Each refuses what the real one refuses, with the bodies that the real one has: Grafana 12.2 by its
source (`pkg/api`, `pkg/tsdb/elasticsearch`), Kibana 8.19 by its API's description. Both only read:
any other verb than GET is refused.
"""

from __future__ import annotations

import json
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

from stack.grafana.dashboards import DASHBOARDS
from stack.grafana.data_sources import load_data_sources
from stack.logs.fields import load_fields
from stack.logs.indices import PATTERN
from stack.logs.kibana.objects import load_objects, to_ndjson

Reply = tuple[int, Any]
"""A status, and a body to be written as JSON; a text is written as it is."""

TOKEN = "a-token-of-this-run-alone"


@dataclass(slots=True, kw_only=True)
class Double(ABC):
    """What both have in common.

    Attributes:
        authorization: the header that is let in.
        replies: what is answered to a path whatever else is there, to play trouble.
        asked: verb and path of each request.
    """

    authorization: str = f"Bearer {TOKEN}"
    replies: dict[str, Reply] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    url: str = ""

    def reply(self, verb: str, path: str, authorization: str | None) -> Reply:
        """Return what is answered."""
        self.asked.append((verb, path))
        if path in self.replies:
            return self.replies[path]
        if verb != "GET":
            return 405, {"message": f"{verb} writes"}
        if (open_to_all := self.open_to_all(path)) is not None:
            return open_to_all
        return self.answer(path) if authorization == self.authorization else self.stranger()

    @abstractmethod
    def open_to_all(self, path: str) -> Reply | None:
        """Return what anybody is answered, if anything."""

    @abstractmethod
    def stranger(self) -> Reply:
        """Return what somebody unknown is answered."""

    @abstractmethod
    def answer(self, path: str) -> Reply:
        """Return what somebody known is answered."""


def _shipped() -> dict[str, dict[str, Any]]:
    files = [json.loads(path.read_text(encoding="utf-8")) for path in DASHBOARDS.glob("*.json")]
    return {one["uid"]: one for one in files}


def _kinds() -> dict[str, str]:
    return {one.uid: one.type for one in load_data_sources()}


@dataclass(slots=True, kw_only=True)
class Grafana(Double):
    """Grafana 12, with what the repository provisions.

    Attributes:
        dashboards: by their uids.
        sources: the type of each data source, by its uid.
        mappings: what Elasticsearch shows Grafana's account of the indices of logs.
    """

    dashboards: dict[str, dict[str, Any]] = field(default_factory=_shipped)
    sources: dict[str, str] = field(default_factory=_kinds)
    mappings: dict[str, Any] = field(
        default_factory=lambda: {f"{PATTERN[:-1]}2026.11.29": {"mappings": {"properties": {}}}}
    )

    def open_to_all(self, path: str) -> Reply | None:
        if path == "/api/health":
            return 200, {"commit": "0a1b2c3", "database": "ok", "version": "12.2.0"}
        return None

    def stranger(self) -> Reply:
        return 401, {
            "message": "Unauthorized",
            "messageId": "auth.unauthorized",
            "statusCode": 401,
            "traceID": "",
        }

    def answer(self, path: str) -> Reply:
        parts = path.strip("/").split("/")
        match parts:
            case ["api", "dashboards", "uid", uid]:
                return self._dashboard(uid)
            case ["api", "datasources", "uid", uid, "health"]:
                return self._health(uid)
            case ["api", "datasources", "uid", uid, "resources", *rest]:
                return self._resource(uid, "/".join(rest))
            case ["api", "datasources", "proxy", "uid", uid, *rest]:
                return self._proxied(uid, "/".join(rest))
        return 404, {"message": "Not found"}

    def _dashboard(self, uid: str) -> Reply:
        if uid not in self.dashboards:
            return 404, {"message": "Dashboard not found", "status": "not-found"}
        number = 1 + list(self.dashboards).index(uid)
        meta = {
            "type": "db",
            "slug": uid,
            "url": f"/d/{uid}/{uid}",
            "version": 3,
            "folderUid": "softfactory",
            "folderTitle": "SoftFactory",
            "provisioned": True,
            "provisionedExternalId": f"{uid}.json",
        }
        return 200, {"meta": meta, "dashboard": _stored(self.dashboards[uid], number)}

    def _health(self, uid: str) -> Reply:
        kind = self.sources.get(uid)
        if kind is None:
            return 500, {"message": "Unable to load datasource metadata", "traceID": ""}
        if kind == "prometheus":
            return 200, {"message": "Successfully queried the Prometheus API.", "status": "OK"}
        if kind == "elasticsearch":  # of an account without the privilege `monitor`
            said = "Health check failed: Elasticsearch data source is not healthy."
            return 400, {"message": f"{said} Status: 403 Forbidden", "status": "ERROR"}
        return 500, {
            "message": "Plugin unavailable",
            "messageId": "plugin.unavailable",
            "statusCode": 500,
            "traceID": "",
        }

    def _resource(self, uid: str, path: str) -> Reply:
        if self.sources.get(uid) != "elasticsearch":
            return 500, {"message": "Unable to load datasource metadata", "traceID": ""}
        if not path.endswith("/_mapping"):
            return 500, {"message": "An error occurred within the plugin", "traceID": ""}
        return 200, self.mappings if path == f"{PATTERN}/_mapping" else {}

    def _proxied(self, uid: str, path: str) -> Reply:
        if uid not in self.sources:
            return 404, {"message": "Unable to find datasource", "traceID": ""}
        if self.sources[uid] != "alertmanager" or path != "api/v2/status":
            return 404, "404 page not found"
        return 200, {
            "cluster": {"status": "ready", "peers": []},
            "versionInfo": {"version": "0.33.1"},
            "config": {"original": "route: {receiver: none}"},
            "uptime": "2026-11-29T20:00:00.000Z",
        }


def _stored(file: dict[str, Any], number: int) -> dict[str, Any]:
    """Return a dashboard as Grafana keeps it: with what it adds, in its own schema's version."""
    stored: dict[str, Any] = json.loads(json.dumps(file))
    stored |= {"id": number, "version": 3, "schemaVersion": 42, "preload": False}
    for panel in stored["panels"]:
        panel["pluginVersion"] = "12.2.0"
        if panel["type"] == "row":
            panel["targets"] = [{"datasource": {"uid": "prometheus"}, "refId": "A"}]
        for target in panel.get("targets", ()):
            target.setdefault("datasource", panel.get("datasource"))
            target["editorMode"] = "code"
    return stored


def _imported() -> dict[tuple[str, str], dict[str, Any]]:
    given = [json.loads(line) for line in to_ndjson(load_objects()).splitlines()]
    return {(one["type"], one["id"]): one for one in given}


@dataclass(slots=True, kw_only=True)
class Kibana(Double):
    """Kibana 8, with the objects that `python -m stack.logs kibana import` puts into it.

    Attributes:
        objects: as they were imported, by type and id.
        fields: what it finds in the indices of the logs; nothing where there is no index.
    """

    objects: dict[tuple[str, str], dict[str, Any]] = field(default_factory=_imported)
    fields: tuple[str, ...] = field(default_factory=lambda: tuple(load_fields()))

    def open_to_all(self, path: str) -> Reply | None:
        if path == "/api/status":
            return 200, {"status": {"overall": {"level": "available"}}}
        return None

    def stranger(self) -> Reply:
        return 401, {
            "statusCode": 401,
            "error": "Unauthorized",
            "message": "[security_exception]: unable to authenticate with provided credentials",
        }

    def answer(self, path: str) -> Reply:
        match path.strip("/").split("/"):
            case ["api", "data_views", "data_view", name]:
                return self._data_view(name)
            case ["api", "saved_objects", kind, name]:
                return self._object(kind, name)
        return 404, {"statusCode": 404, "error": "Not Found", "message": "Not Found"}

    def _object(self, kind: str, name: str) -> Reply:
        one = self.objects.get((kind, name))
        if one is None:
            return 404, {
                "statusCode": 404,
                "error": "Not Found",
                "message": f"Saved object [{kind}/{name}] not found",
            }
        return 200, {**one, "version": "WzEyLDFd", "namespaces": ["default"]}

    def _data_view(self, name: str) -> Reply:
        status, found = self._object("index-pattern", name)
        if status != 200:
            return status, found
        view = {
            "id": name,
            "version": found["version"],
            **found["attributes"],
            "sourceFilters": [],
            "fields": {one: {"name": one, "searchable": True} for one in self.fields},
            "runtimeFieldMap": {},
            "allowNoIndex": False,
            "namespaces": ["default"],
        }
        return 200, {"data_view": view}


@contextmanager
def serving(double: Double) -> Iterator[None]:
    """Let a double answer on an address of its own, which it then knows."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            path = unquote(self.path)
            status, body = double.reply(self.command, path, self.headers.get("Authorization"))
            text = body if isinstance(body, str) else json.dumps(body)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815 - http.server's names

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        double.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()
