"""The page that people read after a run: ``reports/index.html``, made of its evidence alone."""

from scenarios.pages.command import written_beside

__all__ = ["written_beside"]
