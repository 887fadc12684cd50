"""Elasticsearch is killed under load and comes back; every record arrives in the end."""

from scenarios.capabilities import ELASTICSEARCH
from scenarios.conditions import Service, steady
from scenarios.faults.kill_elasticsearch import KillElasticsearch
from scenarios.model import Drill

DRILL = Drill(
    alert="LogShippingStalled",
    cause="elasticsearch",
    load=steady(per_second=4),
    service=Service(ships_logs=True, own_elasticsearch=True),
    fault=KillElasticsearch(),
    requires={ELASTICSEARCH},
)
