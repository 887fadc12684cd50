"""What a start does not pay for."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "module",
    [
        "faults.injector",
        "faults.contract",
        "own_port",
        "reports",
        "worker_files",
        "fleet",
        "certificates",
    ],
)
def test_a_start_does_not_load_what_nobody_asked_for(module, tmp_path):
    code = (
        "import sys, flask; from instrumentation import instrument; "
        f"instrument(flask.Flask('x')); assert 'instrumentation.{module}' not in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
