"""Upstream's own Alertmanager, built with Go: for a machine that denies Debian's its namespace.

Design rule: the source is the released module, verified by Go's checksum database, plus one empty
page. The module has no web interface, as its generated files are not in the repository, and
without a file in its place it does not compile.
"""

from __future__ import annotations

import json
import platform
import shutil
from pathlib import Path

from stack.tools.cache import write_manifest
from stack.tools.fetching import FetchFailed, Report, run

__all__ = ["GoSource"]

MODULE = "github.com/prometheus/alertmanager"
VERSION = "0.33.1"  # the version of Debian's package, so that both ways give the same behaviour

_EMPTY_PAGE = "<!doctype html><title>Alertmanager</title>This build has no web interface.\n"


class GoSource:
    """Alertmanager and amtool. Measured: 80 s on two cores from an empty module cache."""

    provides = frozenset({"alertmanager", "amtool"})

    @property
    def installation(self) -> str:
        """One installation for each version and machine architecture."""
        return f"go-alertmanager-{VERSION}-{platform.machine()}"

    def obstacle(self) -> str | None:
        """Return that Go is missing, if it is."""
        return None if shutil.which("go") else "Alertmanager cannot be built, as Go is not on PATH"

    def fetch(self, directory: Path, report: Report) -> None:
        """Download the module and build its two programs."""
        report(f"building Alertmanager {VERSION} with Go, once (about 80 s)")
        wanted = f"{MODULE}@v{VERSION}"
        told = run(["go", "mod", "download", "-json", wanted], directory=directory)
        module = json.loads(told)
        if "Dir" not in module or "Sum" not in module:
            raise FetchFailed(f"go mod download {wanted}: {module.get('Error', 'no module')}")
        work = directory / "work"
        shutil.copytree(module["Dir"], work, copy_function=shutil.copyfile)
        for folder in (work, *(path for path in work.rglob("*") if path.is_dir())):
            folder.chmod(0o755)  # the module cache is read-only, and copytree keeps that
        page = work / "ui" / "app" / "dist" / "index.html"
        page.parent.mkdir()
        page.write_text(_EMPTY_PAGE, encoding="utf-8")
        version = f"-X github.com/prometheus/common/version.Version={VERSION}"
        run(
            [
                "go",
                "install",
                "-trimpath",
                "-ldflags",
                version,
                "./cmd/alertmanager",
                "./cmd/amtool",
            ],
            directory=work,
            env={"GOBIN": str(directory / "bin"), "GOFLAGS": "-buildvcs=false"},
        )
        shutil.rmtree(work)
        source = f"built with Go from {wanted} {module['Sum']}, without its web interface"
        programs = {name: (f"bin/{name}", source) for name in sorted(self.provides)}
        write_manifest(directory, origin="cache", programs=programs)
