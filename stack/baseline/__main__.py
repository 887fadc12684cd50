"""``python -m stack.baseline --help``."""

import sys

from stack.baseline.command import main

if __name__ == "__main__":
    sys.exit(main())
