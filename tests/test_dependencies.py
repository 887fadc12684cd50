"""What the project asks for is installed, in versions that it takes."""

from __future__ import annotations

import subprocess
import sys


def test_what_is_installed_is_what_the_project_asks_for() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pip", "check", "--disable-pip-version-check"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, f"{done.stdout}{done.stderr}\nmend it: pip install -e '.[dev]'"
