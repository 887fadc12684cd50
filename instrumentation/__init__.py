"""What a Flask service imports to be observed; importing the package itself costs nothing.

The public names load on first use, so that `instrumentation.faults.contract` stays importable
where neither Flask nor a metrics client is installed.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from instrumentation.extension import Instrumentation
    from instrumentation.one_call import instrument
    from instrumentation.settings import InstrumentSettings

__all__ = ["InstrumentSettings", "Instrumentation", "instrument"]

_HOMES = {
    "InstrumentSettings": "instrumentation.settings",
    "Instrumentation": "instrumentation.extension",
    "instrument": "instrumentation.one_call",
}


def __getattr__(name: str) -> Any:
    """Load a public name from its module the first time that somebody asks for it."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(home), name)
