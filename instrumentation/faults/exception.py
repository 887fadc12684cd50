"""RaiseException: an exception that nobody expects, on the path that a defect would take."""

from typing import NoReturn

from instrumentation.faults.contract import RaiseException


class InjectedException(Exception):
    """Raised on request, and by nothing else."""


def raise_exception(_fault: RaiseException) -> NoReturn:
    """Raise InjectedException."""
    raise InjectedException("injected fault")
