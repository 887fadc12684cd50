"""All images, by name: the recipe of each, and why there is none for the others.

Design rule: a name of the compose file is in exactly one of the two; a test compares.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from stack.images.alertmanager.recipe import recipe as alertmanager
from stack.images.base.recipe import REFERENCE as BASE
from stack.images.base.recipe import recipe as base
from stack.images.elasticsearch.recipe import recipe as elasticsearch
from stack.images.kitchen import Kitchen
from stack.images.postgres.recipe import recipe as postgres
from stack.images.prometheus.recipe import recipe as prometheus
from stack.images.python.recipe import recipe as python
from stack.images.recipe import Recipe
from stack.images.softfactory.recipe import recipe as softfactory

__all__ = ["BASE", "NO_PACKAGE", "OWN", "RECIPES"]

RECIPES: Mapping[str, Callable[[Kitchen], Recipe]] = {
    "base": base,
    "prometheus": prometheus,
    "alertmanager": alertmanager,
    "python": python,
    "softfactory": softfactory,
    "postgres": postgres,
    "elasticsearch": elasticsearch,
}
"""In the order in which they are made."""

NO_PACKAGE: Mapping[str, str] = {
    "grafana": "Grafana is in no Debian archive",
    "kibana": "Kibana is published as a download and an image, never as a package of libraries",
    "logstash": "Logstash is published as a download and an image, never as a package of libraries",
}
"""Images that can only be pulled, and why."""

OWN = frozenset({"base", "softfactory"})
"""Images that are on no registry: whoever built the one that is there built it from a clone."""
