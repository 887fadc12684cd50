"""A Flask application by its name: `package.module:factory`, or `package.module:app`.

One rule: where it can't be had, one line says at which part, and where in the application's own
code.
"""

import importlib
import os
import sys
import traceback
from pathlib import Path
from typing import Any

from flask import Flask

from instrumentation.serving import FactoryError


def load_application(name: str) -> Flask:
    """Import `package.module:attribute` and return the application that it is, or makes.

    Raises FactoryError, which says at which part it failed and where in the application's code.
    """
    module_name, separator, attribute = name.partition(":")
    attribute = attribute.removesuffix("()")
    if not (separator and module_name and attribute.isidentifier()):
        raise FactoryError(f"{name!r}: expected package.module:factory, or package.module:app")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise FactoryError(
                f"{name!r}: {module_name} needs the module {error.name!r}, which is not installed "
                f"beside the toolkit{_place_of(error)}"
            ) from error
        places = [place for place in sys.path if place not in ("", os.getcwd())]  # noqa: PTH109
        here = ", ".join(places[:2])
        raise FactoryError(
            f"{name!r}: there is no module {error.name!r}; looked first in {here}"
        ) from error
    except Exception as error:
        raise FactoryError(f"{name!r}: importing {module_name} raised {_said(error)}") from error
    found = getattr(module, attribute, None)
    if found is None:
        known = _applications_of(module) or "no application and no factory"
        raise FactoryError(f"{name!r}: {module_name} has no {attribute!r}; it has {known}")
    if not isinstance(found, Flask):
        if not callable(found):
            raise FactoryError(f"{name!r}: {attribute!r} is {found!r}, no application or factory")
        try:
            found = found()
        except Exception as error:
            raise FactoryError(f"{name!r}: {attribute}() raised {_said(error)}") from error
    if not isinstance(found, Flask):
        raise FactoryError(f"{name!r}: expected a Flask application, got {found!r}")
    return found


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}{_place_of(error)}"


def _place_of(error: BaseException) -> str:
    """Return where in the application's own code an error came from, as " (file:line)"."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        file = Path(frame.filename)
        of_toolkit = file.parent == Path(__file__).parent
        if not (of_toolkit or frame.filename.startswith("<") or "importlib" in file.parts):
            return f" ({frame.filename}:{frame.lineno})"
    return ""


def _applications_of(module: Any) -> str:
    names = [
        name
        for name, value in vars(module).items()
        if isinstance(value, Flask) or (name.startswith(("create_", "make_")) and callable(value))
    ]
    return ", ".join(sorted(names))
