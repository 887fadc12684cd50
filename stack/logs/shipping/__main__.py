"""`python -m stack.logs.shipping`: the shipper on its own."""

from __future__ import annotations

import argparse
import sys

from stack.logs.shipping.command import add_arguments, run


def main() -> int:
    """Read the options, and ship until told to end; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m stack.logs.shipping", description=__doc__)
    add_arguments(parser)
    return run(parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
