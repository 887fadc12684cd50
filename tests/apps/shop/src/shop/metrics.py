"""The shop's own metrics, by names and in units of its own."""

import time

from flask import Response
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
)
from werkzeug.exceptions import HTTPException


def measure(app):
    registry = CollectorRegistry()
    requests = Counter(
        "shop_http_requests_total", "Requests.", ["method", "path", "code"], registry=registry
    )
    seconds = Histogram(
        "shop_http_request_seconds", "Latencies.", ["method", "path"], registry=registry
    )
    for rule in app.url_map.iter_rules():
        for method in rule.methods - {"HEAD", "OPTIONS"}:
            requests.labels(method, rule.rule, "200")
            seconds.labels(method, rule.rule)

    inside = app.wsgi_app

    def measured(environ, start_response):
        begun, method = time.perf_counter(), environ["REQUEST_METHOD"]
        code = ["500"]

        def start(status, headers, *rest):
            code[0] = status[:3]
            return start_response(status, headers, *rest)

        try:
            return inside(environ, start)
        finally:
            matched = match(environ)
            if matched != "/metrics":  # a scrape is no customer
                requests.labels(method, matched, code[0]).inc()
                seconds.labels(method, matched).observe(time.perf_counter() - begun)

    def match(environ):
        try:
            rule, _ = app.url_map.bind_to_environ(environ).match(return_rule=True)
        except HTTPException:
            return "none"
        return rule.rule

    app.wsgi_app = measured

    @app.get("/metrics")
    def metrics():
        return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
