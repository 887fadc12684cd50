"""``python -m stack.external --help``."""

import sys

from stack.external.command import main

if __name__ == "__main__":
    sys.exit(main())
