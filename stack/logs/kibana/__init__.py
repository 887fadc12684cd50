"""Kibana's view of the logs: the objects of `stack/kibana/`, and the command that imports them."""

from stack.logs.kibana.command import add_arguments, run

__all__ = ["add_arguments", "run"]
