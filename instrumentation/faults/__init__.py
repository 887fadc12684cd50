"""Faults that a signed request header carries into the service; off unless a secret is set.

`contract` needs the standard library alone, so that load generators can import it.
"""
