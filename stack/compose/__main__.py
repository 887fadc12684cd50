"""``python -m stack.compose --help``."""

import sys

from stack.compose.command import main

if __name__ == "__main__":
    sys.exit(main())
