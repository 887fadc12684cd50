"""Loads the toolkit's pytest plugin; options and fixtures live there."""

pytest_plugins = ["scenarios.plugin"]
