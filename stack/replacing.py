"""Other content in a file that somebody may be reading.

Design rule: a reader finds what was there or what is there now, and never a part of either.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path

__all__ = ["replace_text"]


def replace_text(path: Path, text: str) -> None:
    """Have `path` hold `text`, in UTF-8; its folder is there. Raises OSError.

    What is to outlive a crash of the machine is written by `stack.logs.shipping.durable`.
    """
    # A name of its own: somebody else may be replacing the same file.
    draft = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.draft")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    except BaseException:  # nobody would ever write over a draft of this name
        draft.unlink(missing_ok=True)
        raise
