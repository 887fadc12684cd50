"""``python -m stack.images --help``."""

import signal
import sys

from stack.images.command import main

if __name__ == "__main__":
    # Ended by SIGTERM it cleans up as after Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
