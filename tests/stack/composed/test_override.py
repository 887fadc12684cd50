"""What a run has otherwise than production's compose file is one file, which says all of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stack.compose.places import Places
from stack.derive import FEATURES_FLAG, RETENTION_FLAG
from stack.launch.composed.override import (
    KEPT,
    Served,
    changes_of,
    override,
    said_of,
    with_flags,
)
from stack.yamlfile import ConfigurationError

FILE = Places.here().compose_file
SAID = said_of(FILE.read_text(), FILE.name)
COMMAND = SAID["prometheus"].command
LABELS = {"alertproof.run": "1234"}


def test_flags_of_a_drill_stand_behind_productions() -> None:
    drill = ["--config.file=/run/p.yml", "--rules.alert.resend-delay=1s"]
    command = with_flags(COMMAND, drill, service="prometheus")
    assert command == [*COMMAND, "--rules.alert.resend-delay=1s"]


def test_a_flag_that_both_set_is_refused_unless_it_is_known_whose_counts() -> None:
    production = ["--query.lookback-delta=5m"]
    same = with_flags(production, ["--query.lookback-delta=5m"], service="prometheus")
    assert same == production
    with pytest.raises(ConfigurationError, match=r"prometheus with --query\.lookback-delta=5m"):
        with_flags(production, ["--query.lookback-delta=5s"], service="prometheus")


def test_where_productions_flag_counts_it_gives_what_a_drill_needs() -> None:
    said = dict(flag.split("=", 1) for flag in COMMAND if "=" in flag)
    features = set(FEATURES_FLAG.partition("=")[2].split(","))
    assert features <= set(said["--enable-feature"].split(","))
    assert RETENTION_FLAG in COMMAND
    assert said.keys() - KEPT <= {"--web.external-url", "--storage.tsdb.retention.size"}


def test_all_that_compose_makes_carries_the_label_of_the_run() -> None:
    text = override(
        {"prepare": Served(), "prometheus": Served(address="10.9.0.16", command=["--a"])},
        volumes=["data"],
        networks=["database"],
        network="alertproof-1234",
        labels=LABELS,
    )
    document = json.loads(text)
    assert all(one["labels"] == LABELS for one in document["services"].values())
    assert document["volumes"]["data"]["labels"] == LABELS
    assert document["networks"]["database"]["labels"] == LABELS
    assert document["networks"]["default"] == {"name": "alertproof-1234", "external": True}
    assert "networks" not in document["services"]["prepare"]
    assert document["services"]["prometheus"]["networks"] == {
        "default": {"ipv4_address": "10.9.0.16"}
    }


def test_a_dollar_sign_reaches_the_container_as_it_is() -> None:
    served = Served(environment={"A": "$HOME"}, files={"/given/a": Path("/run/$x")})
    text = override({"a": served}, volumes=[], networks=[], network="n", labels={})
    service = json.loads(text)["services"]["a"]
    assert service["environment"] == {"A": "$$HOME"}
    assert service["volumes"][0]["source"] == "/run/$$x"


def test_every_difference_is_told_with_what_production_says() -> None:
    served = Served(
        address="10.9.0.16",
        command=[*COMMAND, "--rules.alert.resend-delay=1s"],
        files={"/etc/prometheus/targets": Path("/run/targets")},
        cpu_shares=102,
        cgroup_parent="/alertproof-1",
    )
    settings = {"xpack.security.enabled": "false", "discovery.type": "single-node", "a.b": "c"}
    found = changes_of(
        {"prometheus": served, "elasticsearch": Served(environment=settings)}, SAID, file=FILE.name
    )
    delay = "--rules.alert.resend-delay=1s"
    assert {(one.where, one.production, one.drill) for one in found} == {
        (f"services.prometheus: {delay}", "", delay),
        ("services.prometheus: /etc/prometheus/targets (mounted)", "", "/run/targets"),
        ("services.prometheus: networks.default.ipv4_address", "", "10.9.0.16"),
        ("services.prometheus: cpu_shares", "", "102"),
        ("services.prometheus: cgroup_parent", "", "/alertproof-1"),
        ("services.elasticsearch: xpack.security.enabled", "true", "false"),
        ("services.elasticsearch: a.b", "", "c"),
    }
    assert {one.file for one in found} == {FILE.name}
