"""What is given is put into volumes, each with its reader as the owner; or refused, whole."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from stack.compose import prepare
from stack.compose.credentials import CREDENTIALS
from stack.compose.failure import StackFailure
from stack.compose.prepare import Roots, prepare_demo, prepare_monitoring
from stack.compose.shares import DEMO, MONITORING, WATCHERS, Owner, kibana_settings, pgpass
from stack.compose.volume import fill
from stack.production import production_files

ROOM = production_files().rules.parent


class Owners:
    """Notes what `os.chown` would do; a test is not root."""

    def __init__(self) -> None:
        self.of: dict[Path, Owner] = {}

    def __call__(self, path: Path, user: int, group: int) -> None:
        # A file is given away under its draft's name, which is hidden and ends at random.
        name = path.name[1:].rpartition(".")[0] if path.name.startswith(".") else path.name
        self.of[path.with_name(name)] = Owner(user=user, group=group)


@pytest.fixture
def roots(tmp_path: Path) -> Roots:
    roots = Roots(given=tmp_path / "given", volumes=tmp_path / "volumes")
    given = roots.given
    (given / "secrets").mkdir(parents=True)
    for each in CREDENTIALS:
        (given / "secrets" / each.name).write_text(f"{each.make()}\n")
    for name in ("prometheus-config.yml", "alert-rules.yml", "alertmanager-config.yml"):
        shutil.copy(ROOM / name, given / name)
    shutil.copytree(ROOM / "templates", given / "templates")
    shutil.copytree(ROOM / "compose/targets", given / "targets")
    shutil.copytree(ROOM / "compose/demo/targets", given / "demo-targets")
    shared = [one.volume for one in MONITORING + DEMO]
    for name in (*shared, "prometheus-config", "alertmanager-config"):
        (roots.volumes / name).mkdir(parents=True)
    return roots


def secret(roots: Roots, name: str) -> str:
    return (roots.given / "secrets" / name).read_text().strip()


def content(directory: Path) -> dict[str, bytes]:
    files = (path for path in directory.rglob("*") if path.is_file())
    return {str(path.relative_to(directory)): path.read_bytes() for path in files}


def test_each_reader_gets_its_secrets_and_no_other_may_read_them(roots: Roots) -> None:
    owners = Owners()
    prepare_monitoring(roots, owners)
    prepare_demo(roots, owners)
    for shared in MONITORING + DEMO:
        directory = roots.volumes / shared.volume
        files = {path.name: path for path in directory.iterdir()}
        assert files.keys() == {*shared.secrets, *shared.made}
        assert owners.of[directory] == shared.owner
        for name, path in files.items():
            assert stat.S_IMODE(path.stat().st_mode) == 0o400, name
            assert owners.of[path] == shared.owner
        for name in shared.secrets:
            assert files[name].read_text() == secret(roots, name)


def test_alertmanager_gets_productions_files_and_the_channels(roots: Roots) -> None:
    prepare_monitoring(roots, Owners())
    directory = roots.volumes / "alertmanager-config"
    config = (directory / "alertmanager-config.yml").read_bytes()
    assert config == (ROOM / "alertmanager-config.yml").read_bytes()
    assert content(directory / "templates") == content(ROOM / "templates")
    channels = [each.name for each in CREDENTIALS if each.kind == "channel"]
    assert sorted(content(directory / "secrets")) == sorted(channels)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (directory / "secrets").iterdir()}
    assert modes == {0o400}


def test_prometheus_gets_productions_rules_and_its_configuration_for_containers(
    roots: Roots,
) -> None:
    owners = Owners()
    prepare_monitoring(roots, owners)
    directory = roots.volumes / "prometheus-config"
    assert sorted(content(directory)) == [
        "alert-rules.yml",
        "prometheus-config.yml",
        "targets/softfactory.yml",
    ]
    assert (directory / "alert-rules.yml").read_bytes() == (ROOM / "alert-rules.yml").read_bytes()
    config = YAML(typ="safe").load((directory / "prometheus-config.yml").read_text())
    (alertmanager,) = config["alerting"]["alertmanagers"]
    assert alertmanager["static_configs"] == [{"targets": ["alertmanager:9093"]}]
    assert owners.of[directory] == WATCHERS


def test_the_demo_takes_the_place_of_the_service_on_the_host_and_gives_it_back(
    roots: Roots,
) -> None:
    targets = roots.volumes / "prometheus-config/targets"
    (roots.given / "targets/shop.yml").write_text("- targets: ['10.0.0.1:80']\n")
    prepare_monitoring(roots, Owners())
    assert "host.docker.internal" in (targets / "softfactory.yml").read_text()
    prepare_demo(roots, Owners())
    assert "host.docker.internal" not in (targets / "softfactory.yml").read_text()
    assert "shipper:9101" in (targets / "softfactory.yml").read_text()
    assert (targets / "shop.yml").exists()
    (roots.given / "targets/shop.yml").unlink()
    prepare_monitoring(roots, Owners())
    assert "host.docker.internal" in (targets / "softfactory.yml").read_text()
    assert not (targets / "shop.yml").exists()


def test_data_is_left_alone(roots: Roots) -> None:
    data = roots.volumes / "prometheus-data/wal"
    data.write_text("samples")
    prepare_monitoring(roots, Owners())
    prepare_monitoring(roots, Owners())
    assert data.read_text() == "samples"


@pytest.mark.parametrize("bad", [None, "", "changeme"], ids=["missing", "empty", "a default"])
def test_a_secret_that_is_none_is_refused_and_nothing_is_filled(
    roots: Roots, bad: str | None
) -> None:
    file = roots.given / "secrets/elastic_password"
    file.unlink() if bad is None else file.write_text(bad)
    with pytest.raises(StackFailure, match="elastic_password"):
        prepare_monitoring(roots, Owners())
    assert content(roots.volumes) == {}


def test_the_monitoring_needs_no_secret_of_the_demo(roots: Roots) -> None:
    for each in CREDENTIALS:
        if each.demo:
            (roots.given / "secrets" / each.name).unlink()
    prepare_monitoring(roots, Owners())
    with pytest.raises(StackFailure, match="postgres_password"):
        prepare_demo(roots, Owners())


def test_a_refusal_is_one_line_that_shows_no_secret(
    roots: Roots, capsys: pytest.CaptureFixture[str]
) -> None:
    (roots.given / "secrets/elastic_password").write_text("changeme")
    assert prepare.main(["monitoring"], roots) == 1
    said = capsys.readouterr().err
    assert said == "prepare: the secret elastic_password has 8 characters, and needs 16\n"


def test_a_configuration_that_can_not_be_derived_is_refused_before_a_volume_is_filled(
    roots: Roots, capsys: pytest.CaptureFixture[str]
) -> None:
    (roots.given / "prometheus-config.yml").write_text("scrape_configs: []\n")
    assert prepare.main(["monitoring"], roots) == 1
    assert capsys.readouterr().err.startswith("prepare: prometheus-config.yml:1: ")
    assert content(roots.volumes) == {}


def test_a_file_that_is_not_there_is_one_line(
    roots: Roots, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(roots.given / "templates")
    assert prepare.main(["monitoring"], roots) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_a_file_is_replaced_in_one_step(tmp_path: Path) -> None:
    me = Owner(user=os.getuid(), group=os.getgid())
    fill(tmp_path, {"secret": b"old"}, me, os.chown)
    with (tmp_path / "secret").open("rb") as reader:
        fill(tmp_path, {"secret": b"new"}, me, os.chown)
        assert reader.read() == b"old"
    assert content(tmp_path) == {"secret": b"new"}


def test_kibanas_settings_hold_any_password() -> None:
    awkward = 'a"b\\c: #d'
    names = [each.name for each in CREDENTIALS]
    text = kibana_settings(dict.fromkeys(names, awkward))
    settings = YAML(typ="safe").load(text)
    assert settings.pop("elasticsearch.username") == "kibana_system"
    assert set(settings.values()) == {awkward}


def test_postgresqls_password_file_holds_any_password() -> None:
    line = pgpass({"postgres_password": r"a:b\c"})
    assert line == "postgres:5432:softfactory:softfactory:a\\:b\\\\c\n"
