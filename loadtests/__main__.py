"""``python -m loadtests --help``."""

import sys

from loadtests.command import main

if __name__ == "__main__":
    sys.exit(main())
