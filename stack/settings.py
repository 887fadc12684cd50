"""What a person set for a command: by an option, else by the variable of its name.

Design rule: what is empty was not set; what can't be used is refused in one line that names the
setting, and never holds the secret.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

__all__ = ["Given", "SettingsError", "given_by", "read_secret", "variable"]

Given = Callable[[str], str]
"""Returns what was set for an option, which is named with its dashes; "" for nothing."""


class SettingsError(ValueError):
    """A setting can't be used: which, and what it should be; one line."""


def variable(option: str) -> str:
    """Return the environment variable that says the same as an option."""
    return f"ALERTPROOF_{option.lstrip('-').replace('-', '_').upper()}"


def given_by(options: Mapping[str, object], environment: Mapping[str, str]) -> Given:
    """Return what tells what was set; `options` are a parser's, as `vars` of its namespace."""

    def given(option: str) -> str:
        by_option = options.get(option.lstrip("-").replace("-", "_"))
        return str(by_option or environment.get(variable(option), ""))

    return given


def read_secret(setting: str, path: str) -> str:
    """Return what stands in the file that a setting names.

    Raises SettingsError for a file that can't be read, is empty, or holds what no header takes.
    """
    try:
        text = Path(path).read_bytes().strip().decode("latin-1")  # any bytes; judged below
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise SettingsError(f"{setting}: can't read {path}: {why}") from error
    if not text:
        raise SettingsError(f"{setting}: {path} is empty; put the secret into it")
    if not (text.isascii() and text.isprintable()):
        raise SettingsError(
            f"{setting}: {path} holds more than one line of printable ASCII; put only the secret"
            " into it"
        )
    return text
