"""OpenTelemetry's Flask instrumentation, and python-json-logger's access record with the trace id.

`metrics` has a meter provider with the Prometheus reader and no tracer provider: spans are made
and not recorded. `metrics_and_traces` records every span and batches it for an exporter that
drops it, so that no network takes part. Both use the stable semantic conventions (the contender's
environment opts in to them), which cost less than both sets at once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from flask import Flask
from opentelemetry import trace
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.instrumentation.flask import FlaskInstrumentor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from prometheus_client import CollectorRegistry

from benchmarks.apps.access_log import access_records, write_json_log
from benchmarks.apps.driving import requests_to, routes
from benchmarks.worker import Run


class _Dropped(SpanExporter):
    """Takes spans and keeps none."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return SpanExportResult.SUCCESS


class _TraceId(logging.Filter):
    """Gives each record the trace and the span that it belongs to."""

    def filter(self, record: logging.LogRecord) -> bool:
        context = trace.get_current_span().get_span_context()
        record.trace_id = trace.format_trace_id(context.trace_id)
        record.span_id = trace.format_span_id(context.span_id)
        return True


def metrics(folder: Path) -> Run:
    """Return what makes n requests, with metrics alone."""
    return _requests(folder, None)


def metrics_and_traces(folder: Path) -> Run:
    """Return what makes n requests, with metrics and recorded spans."""
    tracer = TracerProvider()
    tracer.add_span_processor(BatchSpanProcessor(_Dropped()))
    return _requests(folder, tracer)


def _requests(folder: Path, tracer: TracerProvider | None) -> Run:
    app = routes(Flask("shop", static_folder=None))
    reader = PrometheusMetricReader(registry=CollectorRegistry())
    FlaskInstrumentor().instrument_app(  # type: ignore[no-untyped-call]  # it has no types
        app, meter_provider=MeterProvider(metric_readers=[reader]), tracer_provider=tracer
    )
    write_json_log(folder / "app.log").addFilter(_TraceId())
    access_records(app)
    settle: Callable[[], object] | None = tracer.force_flush if tracer else None
    return requests_to(app, settle=settle)
