"""Evidence written by hand: a drill that passed, one that failed, one of which nothing is known."""

from __future__ import annotations

import copy
import json
from typing import Any

from scenarios.pages.reading import read_run
from scenarios.pages.record import DrillRecord, RunRecord
from scenarios.report import SCHEMA

Json = dict[str, Any]

START = 1_000_000.0
"""When the fault of each drill was injected, in seconds since the epoch."""

HOSTILE = '<script src="http://evil.example/x.js">alert(1)</script>\'"&</pre>'


def claim(text: str, status: str = "PASS", **parts: str) -> Json:
    return {
        "claim": text,
        "status": status,
        "expected": "within 9.0 s",
        "observed": "7.2 s",
        "because": "",
        "look": "",
        **parts,
    }


def event(after: float, kind: str, alert: str = "", text: str = "", **detail: str) -> Json:
    return {"at": START + after, "kind": kind, "alert": alert, "text": text, "detail": detail}


def told(after: float, alert: str, receiver: str, status: str = "firing", **more: str) -> Json:
    said = {
        "receiver": receiver,
        "status": status,
        "accepted": "true",
        "headline": f"[{status.upper()}] HIGH {alert}",
        "body": f"[{status.upper()}] HIGH {alert}\nDo: find what waits",
        "payload": json.dumps({"text": status}),
    }
    return event(after, "delivered", alert, **{**said, **more})


def signal(values: list[float | None], **more: Any) -> Json:
    return {
        "letter": "A",
        "query": 'histogram_quantile(0.95, x{service="slow"})',
        "sign": ">",
        "limit": 1000.0,
        "limit_name": "latency_objective:milliseconds",
        "moving_limit": [],
        "unit": "milliseconds",
        "curves": [{"labels": {}, "values": values}],
        "left_out": 0,
        "decides": True,
        **more,
    }


def drill(alert: str = "SlowResponseTime", **more: Any) -> Json:
    receivers = ["email on-call", "slack #alerts"]
    return {
        "alert": alert,
        "fault": "one request in seven takes 1.1 s",
        "fires": True,
        "heartbeat": False,
        "severity": "HIGH",
        "receivers": receivers,
        "bounds_seconds": {
            "pending": 5.0,
            "earliest": 5.5,
            "minimum": 7.0,
            "fires": 8.5,
            "arrives": 9.0,
            "resolves": 7.0,
            "resolution_arrives": 12.0,
            "watch": 12.0,
        },
        "measured_seconds": {
            "crossing": 1.0,
            "pending": 5.0,
            "notifying": 1.0,
            "detection": 7.2,
            "resolving": 4.0,
            "resolution": 5.0,
        },
        "verdict": "PASS",
        "claims": [
            claim(f"{alert} fires"),
            claim(f"{alert}'s resolution arrives"),
            claim(f"{alert}: the fault bit"),
        ],
        "rule": {
            "file": "stack/alert-rules.yml",
            "line": 252,
            "expression": "histogram_quantile(0.95, x) > 1000",
            "for_seconds": 300.0,
            "time_scale": 60.0,
            "tick_seconds": 0.5,
            "runbook_url": f"https://example.org/docs/runbooks/{alert}.md",
            "panel": "/d/softfactory-alerts?viewPanel=7",
        },
        "signals": {
            "sentence": "A > latency_objective:milliseconds",
            "start": START - 2.0,
            "step_seconds": 0.25,
            "conditions": [signal([100.0] * 10 + [1500.0] * 40 + [100.0] * 20)],
            "problem": "",
        },
        "logs": {
            "command": f"python -m stack.logs find --service {alert}",
            "kql": f'service.name: "{alert}"',
        },
        "history": [
            event(-2.0, "phase", text="steady state"),
            event(0.0, "injected", text="one request in seven takes 1.1 s"),
            event(0.3, "witnessed", text="clients saw answers that took at least 1.1 s"),
            event(1.3, "pending", alert),
            event(6.3, "firing", alert),
            *(told(7.4 + at / 10, alert, name) for at, name in enumerate(receivers)),
            event(8.0, "repairing"),
            event(8.1, "repaired"),
            event(12.0, "inactive", alert),
            *(told(13.0 + at / 10, alert, name, "resolved") for at, name in enumerate(receivers)),
            event(14.0, "ended"),
        ],
        **more,
    }


def failed() -> Json:
    return drill(
        "HighErrorRate",
        verdict="FAIL",
        claims=[
            claim("HighErrorRate fires"),
            claim(
                "HighErrorRate reaches exactly its receivers",
                "FAIL",
                observed="nothing at slack #alerts\npagerduty was told, and should not be",
                because="alertmanager-config.yml:72 names receiver 'critical'",
                look='amtool config routes test severity="HIGH"',
            ),
        ],
    )


def unknown() -> Json:
    nothing = dict.fromkeys(drill()["measured_seconds"])
    return drill(
        "DiskFilling",
        verdict="UNKNOWN",
        measured_seconds=nothing,
        claims=[claim("DiskFilling fires", "UNKNOWN", observed="the experiment was disturbed")],
        signals={
            "sentence": "",
            "start": 0.0,
            "step_seconds": 0.0,
            "conditions": [],
            "problem": "the drill did not come to its injection",
        },
        history=[
            event(-2.0, "phase", text="steady state"),
            event(1.0, "disturbed", text="no room"),
        ],
        logs={},
    )


def twin() -> Json:
    return drill(
        fires=False,
        receivers=["email on-call", "slack #alerts"],
        measured_seconds=dict.fromkeys(drill()["measured_seconds"]),
        claims=[claim("SlowResponseTime-below: SlowResponseTime stays quiet")],
        history=[
            event(0.0, "injected", text="one request in fifty"),
            event(0.2, "witnessed"),
            event(12.3, "repairing"),
            event(12.4, "repaired"),
            event(12.5, "ended"),
        ],
    )


def evidence(**more: Any) -> Json:
    drills = {
        "SlowResponseTime": drill(),
        "HighErrorRate": failed(),
        "DiskFilling": unknown(),
        "SlowResponseTime-below": twin(),
    }
    document = {
        "schema": SCHEMA,
        "written_at": "2026-11-29T18:21:00+00:00",
        "verdict": "FAIL",
        "exit_status": 1,
        "time_scale": 60.0,
        "stack": "embedded",
        "app": "instrumentation.demo:create_app",
        "phases_seconds": {"start": 2.0, "drills": 30.0},
        "machine": {"system": "Linux", "cores": 2, "memory_bytes": 2**33},
        "versions": {"python": "3.11"},
        "tools": [{"name": "prometheus", "version": "3.5.3", "origin": "cache", "sha256": ""}],
        "changes_from_production": [
            {"file": "rules", "where": "for", "production": "5m", "drill": "5s"}
        ],
        "drills": drills,
        "drilled_again": {"SlowResponseTime": ["4 scrapes in a row were lost"]},
        "attribution": [
            {
                "drill": "SlowResponseTime",
                "alert": "SlowResponseTime",
                "declared": True,
                "delivered": True,
            },
            {
                "drill": "SlowResponseTime",
                "alert": "EndpointSlow",
                "declared": True,
                "delivered": False,
            },
            {
                "drill": "HighErrorRate",
                "alert": "FailedPayments",
                "declared": False,
                "delivered": True,
            },
        ],
        "checks": {
            "checks/service/test_health_endpoints.py::test_health": [claim("test_health")],
            "checks/logs/test_retention.py::test_days": [
                claim("test_days", "UNKNOWN", expected="", observed="AssertionError: 7 days")
            ],
        },
        "not_applicable": [
            {"test": f"checks/alerts/test_{name}.py::test[SoftFactoryDown-gone]", "reason": why}
            for name in ("fires", "resolves")
            for why in ["containers: no engine answers"]
        ],
    }
    return copy.deepcopy({**document, **more})


def run(**more: Any) -> RunRecord:
    return read_run(json.dumps(evidence(**more)), "evidence.json")


def record(one: Json, name: str = "SlowResponseTime") -> DrillRecord:
    return run(drills={name: one}, drilled_again={}).drills[0]
