"""The endpoints as a WSGI application of their own, which needs nothing of Flask's.

Neither the application's hooks nor its error handlers nor its sessions take part, so that nothing
which goes wrong there hides what is to be seen here.
"""

import logging
from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING

from instrumentation.endpoints import DEFAULT_URL_PREFIX, NAMES, Answer, answer, plain
from instrumentation.request_metrics import is_metrics_endpoint

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment
    from flask import Flask

    from instrumentation.extension import Instrumentation

_LOGGER = logging.getLogger(__name__)


class EndpointsApplication:
    """Answers at the paths where the application registered the blueprint, and nowhere else."""

    def __init__(self, app: "Flask", one: "Instrumentation") -> None:
        self._app = app
        self._one = one

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Answer one request."""
        method = environ.get("REQUEST_METHOD", "")
        name = self.paths().get(environ.get("PATH_INFO", ""))
        if name is None:
            given = plain(404, f"here are only {', '.join(sorted(self.paths()))}")
        elif method not in ("GET", "HEAD"):
            given = plain(405, "only GET and HEAD", {"Allow": "GET, HEAD"})
        else:
            given = self._answer(name, environ)
        status = f"{given.status} {HTTPStatus(given.status).phrase}"
        start_response(status, [*given.header_list(), ("Content-Length", str(len(given.body)))])
        return [] if method == "HEAD" else [given.body]

    def paths(self) -> dict[str, str]:
        """Return the endpoints' names by their paths: where the blueprint was registered."""
        found = {
            rule.rule: rule.endpoint.rpartition(".")[2]
            for rule in self._app.url_map.iter_rules()
            if is_metrics_endpoint(rule.endpoint)
        }
        return found or {f"{DEFAULT_URL_PREFIX}/{name}": name for name in NAMES}

    def _answer(self, name: str, environ: "WSGIEnvironment") -> Answer:
        try:
            with self._app.app_context():  # a team's collectors may expect one
                return answer(self._one, name, environ)
        except Exception:  # a collector of the team's own may raise anything; it is logged
            _LOGGER.exception("metrics endpoint %s failed", name)
            return plain(500, "the endpoint failed; the service's log says why")
