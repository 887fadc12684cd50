"""Parts as containers of one network: `--stack=containers`.

Design rule: whatever the run makes of the engine carries the run's label, and goes by it.
"""

from stack.launch.containers.elasticsearch import ContainedElasticsearch
from stack.launch.containers.engine import EngineMissing, connect, why_no_engine
from stack.launch.containers.postgresql import PostgreSQL
from stack.launch.containers.premises import Containers

__all__ = [
    "ContainedElasticsearch",
    "Containers",
    "EngineMissing",
    "PostgreSQL",
    "connect",
    "why_no_engine",
]
