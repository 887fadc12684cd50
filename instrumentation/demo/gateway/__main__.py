"""Run the payment gateway's double: ``python -m instrumentation.demo.gateway --help``.

One rule: the first line that is printed says where it listens.
"""

# ruff: noqa: T201 - a command speaks by printing

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path

from instrumentation.demo.gateway.behaviour import Behaviour
from instrumentation.demo.gateway.server import GatewayDouble

EPILOG = """\
The control file holds one word, which is read for each request:
  normal      test cards answer as they do at Stripe: pm_card_visa succeeds,
              pm_card_chargeDeclined is declined (this is what a missing file means)
  error500    every request gets a server error
  timeout     no request is answered; each is held until its client hangs up, at most 30 s
  refuse_key  every key is refused
  decline     every card is declined

Example, in two terminals:
  python -m instrumentation.demo.gateway --port 12111 --control-file behaviour
  curl -H 'Authorization: Bearer sk_test_12345678' http://127.0.0.1:12111/v1/payment_intents \\
    -d amount=1250 -d currency=usd -d confirm=true -d payment_method=pm_card_visa \\
    -d 'payment_method_types[]=card'
  echo error500 > behaviour
"""


def main(arguments: list[str] | None = None) -> int:
    """Serve until told to end; return the exit status."""
    options = _parser().parse_args(arguments)
    try:
        api_key = options.key_file.read_text().strip() if options.key_file else None
        gateway = GatewayDouble(
            options.port,
            api_key=api_key,
            control_file=options.control_file,
            log_file=options.log,
            host=options.host,
        )
    except (OSError, OverflowError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        at = getattr(error, "filename", None) or f"{options.host}:{options.port}"
        print(f"gateway: can't start: {at}: {reason}", file=sys.stderr)
        return 1
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGINT, _end)
    print(f"gateway: listening on {gateway.url}", flush=True)
    gateway.serve()
    return 0


def _end(number: int, frame: object) -> None:
    # Nothing is to be tidied up, and a thread may be holding a request for half a minute.
    os._exit(0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m instrumentation.demo.gateway",
        description="A double of the payment gateway: Stripe's PaymentIntents wire format.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--port", type=int, required=True, help="0 lets the system choose")
    parser.add_argument("--host", default="127.0.0.1", help="default: %(default)s")
    parser.add_argument(
        "--key-file",
        type=Path,
        metavar="FILE",
        default=os.environ.get("STRIPE_API_KEY_FILE") or None,
        help="holds the only key that is accepted (default: STRIPE_API_KEY_FILE of the "
        "environment, else any key that looks like sk_test_...)",
    )
    parser.add_argument(
        "--control-file",
        type=Path,
        metavar="FILE",
        help=f"how to answer: {', '.join(Behaviour)}",
    )
    parser.add_argument(
        "--log", type=Path, metavar="FILE", help="gets one JSON line for each answered request"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
