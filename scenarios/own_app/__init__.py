"""A team's own application in the place of the demo: what it is, and what applies to it."""
