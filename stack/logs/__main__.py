"""``python -m stack.logs --help``."""

import sys

from stack.logs.command import main

if __name__ == "__main__":
    sys.exit(main())
