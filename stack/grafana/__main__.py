"""``python -m stack.grafana``: make the dashboard of the alerts, and write all in one form.

    python -m stack.grafana

Design rule: it may run at any time; what is as it should be is left alone.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from stack.grafana.alert_panels import alerts_dashboard
from stack.grafana.dashboards import DASHBOARDS
from stack.grafana.written import written
from stack.production import production_files
from stack.rules import load_rules

ALERTS = "alerts.json"


def texts(folder: Path = DASHBOARDS) -> dict[str, str]:
    """Return what each file of `folder` should hold, by its name."""
    rules = production_files().rules
    alerts = alerts_dashboard(load_rules(rules.read_text(encoding="utf-8"), rules.name))
    others = {
        path.name: json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(folder.glob("*.json"))
        if path.name != ALERTS
    }
    return {name: written(one) for name, one in {ALERTS: alerts, **others}.items()}


def main(folder: Path = DASHBOARDS) -> int:
    """Write every file that is not as it should be, and name it; return the exit status."""
    for name, text in texts(folder).items():
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            sys.stdout.write(f"wrote {path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
