"""``python -m scenarios.pages``: make the page of a run again."""

import sys

from scenarios.pages.command import main

if __name__ == "__main__":
    sys.exit(main())
