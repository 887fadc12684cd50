"""A deploy and its rollback: the service is ended, and started with another environment.

One rule: what is rolled back to is what was deployed before, whatever that was.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from scenarios.faults.process import witnessed
from scenarios.target import Target


@contextmanager
def redeployed(target: Target, changed: Mapping[str, str]) -> Iterator[None]:
    """Run the target's instance with ``changed`` in its environment until the context ends."""
    before = target.instance.environment
    try:
        _deploy(target, {**before, **changed})
        yield
    finally:
        _deploy(target, before)


def _deploy(target: Target, environment: Mapping[str, str]) -> None:
    instance = target.instance
    instance.kill()
    witnessed(target, lambda: not instance.processes(), "the old process to end")
    instance.environment = environment
    instance.start()
    instance.wait_serving(target.patience_seconds)
