"""`python -m stack.logs kibana`: the data view, the searches and the dashboard, for Kibana.

Design rule: a failure is one line on standard error; a setting that can't be used is left to who
runs all commands, as Elasticsearch's are.
"""

from __future__ import annotations

import argparse
import sys

from stack.logs.kibana.importing import ImportRefused, import_objects
from stack.logs.kibana.objects import load_objects, to_ndjson
from stack.logs.kibana.settings import DEFAULT_URL, KibanaSettings
from stack.yamlfile import ConfigurationError

__all__ = ["add_arguments", "run"]

_EPILOG = f"""\
Kibana, from the environment:
  KIBANA_URL             default {DEFAULT_URL}; of a space: .../s/NAME
  KIBANA_API_KEY_FILE    file with an API key, in the encoded form; or
  KIBANA_USER            with KIBANA_PASSWORD_FILE
  KIBANA_CA_FILE         the authority of a private certificate

examples:
  python -m stack.logs kibana import
  python -m stack.logs kibana print > softfactory.ndjson

exit status: 0 done; 1 Kibana could not be asked or refused; 2 the command line or a setting is
wrong
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's arguments to its parser."""
    parser.epilog = _EPILOG
    parser.add_argument(
        "action",
        choices=("import", "print"),
        help="import: put them into KIBANA_URL, in place of those that are there;"
        " print: write them as ndjson, for Kibana's own page of saved objects",
    )


def run(arguments: argparse.Namespace) -> int:
    """Do what the arguments ask; return the exit status.

    Raises SettingsError.
    """
    try:
        objects = load_objects()
        if arguments.action == "print":
            sys.stdout.write(to_ndjson(objects).decode())
            return 0
        done = import_objects(KibanaSettings.from_env(), to_ndjson(objects))
    except (ConfigurationError, ImportRefused, OSError) as error:
        sys.stderr.write(f"kibana: {error}\n")
        return 1
    sys.stdout.write(f"imported {done.count} objects into {done.url}\n")
    return 0
