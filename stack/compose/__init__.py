"""The monitoring as containers: what `nox -s stack` does, and what runs in them to set them up.

Design rule: what people run on their machine (`command` and what it imports) needs Python alone;
what runs in the toolkit's image (`prepare`, `accounts`, `answers`) may use what that image has.
"""
