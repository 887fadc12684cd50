"""Elasticsearch is put together from its published libraries, or a line says what is missing."""

from __future__ import annotations

import dataclasses
import shutil
import ssl
import subprocess
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest
from ruamel.yaml import YAML

from stack.ports import LOOPBACK
from stack.tools import ToolSettings, ToolsUnavailable, elasticsearch, elasticsearch_archive
from stack.tools.cache import ToolCache
from stack.tools.debian import obstacle
from stack.tools.debian_java import trust_store, unpacked_java
from stack.tools.elasticsearch import ELASTICSEARCH_VERSION, ElasticsearchHome, find_elasticsearch
from stack.tools.elasticsearch_archive import with_archive
from stack.tools.elasticsearch_node import node_settings, prepare_node
from stack.tools.fetching import FetchFailed
from stack.tools.java import MINIMUM_JAVA, Java, find_java, java_version
from stack.tools.maven import copy_artifacts, copy_command, find_maven

NODE = Path(elasticsearch.__file__).parent.parent / "elasticsearch" / "node"
SMALL_POM = """\
<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>a</groupId><artifactId>b</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.elasticsearch</groupId>
      <artifactId>elasticsearch-core</artifactId>
      <version>${elasticsearch.version}</version>
    </dependency>
  </dependencies>
</project>
"""
MAVEN = "{http://maven.apache.org/POM/4.0.0}"


def nobody(line: str) -> None:
    """Ignore a report."""


def program(folder: Path, name: str, script: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return file


def java_that_says(folder: Path, version: str) -> Path:
    return program(folder, "java", f"echo 'openjdk version \"{version}\" 2025-01-01' >&2")


@pytest.fixture
def no_debian(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make this machine another system than Debian."""
    monkeypatch.setattr("stack.tools.debian_java.obstacle", lambda: "this is another system")


@pytest.fixture
def home(tmp_path: Path) -> ElasticsearchHome:
    library = tmp_path / "home" / "lib"
    library.mkdir(parents=True)
    for name in ("node.jar", "elasticsearch.jar"):
        (library / name).touch()
    return ElasticsearchHome(java=("/java",), home=tmp_path / "home", version="8")


def test_the_pom_names_the_server_its_http_module_and_a_compiler() -> None:
    project = ElementTree.parse(NODE / "pom.xml").getroot()
    named = {
        f"{one.findtext(MAVEN + 'groupId')}:{one.findtext(MAVEN + 'artifactId')}": one.findtext(
            MAVEN + "version"
        )
        for one in project.iter(MAVEN + "dependency")
    }
    assert named == {
        "org.elasticsearch:elasticsearch": "${elasticsearch.version}",
        "org.elasticsearch.plugin:transport-netty4": "${elasticsearch.version}",
        "org.eclipse.jdt:ecj": "${ecj.version}",
    }


def test_maven_is_asked_by_artifact_and_never_by_server(tmp_path: Path) -> None:
    command = copy_command(("mvn",), NODE / "pom.xml", tmp_path, {"ecj.version": "3"})
    assert command[0] == "mvn"
    assert "--strict-checksums" in command
    assert "-Decj.version=3" in command
    assert f"-DoutputDirectory={tmp_path}" in command
    assert not [part for part in command if "://" in part]


def test_mavens_failure_is_told_in_its_first_error_line(tmp_path: Path) -> None:
    said = "echo '[INFO] busy'; echo '[ERROR] no such artifact'; echo '[ERROR] advice'"
    script = f'for p; do case $p in --log-file=*) {{ {said}; }} >"${{p#*=}}";; esac; done; exit 1'
    maven = program(tmp_path, "mvn", script)
    with pytest.raises(FetchFailed, match=r"^Maven failed: no such artifact$"):
        copy_artifacts((str(maven),), NODE / "pom.xml", tmp_path / "into", {})


def test_mavens_failure_without_a_log_is_told_too(tmp_path: Path) -> None:
    maven = program(tmp_path, "mvn", "echo 'JAVA_HOME is wrong' >&2; exit 1")
    with pytest.raises(FetchFailed, match=r"^Maven failed: .*JAVA_HOME is wrong$"):
        copy_artifacts((str(maven),), NODE / "pom.xml", tmp_path / "into", {})


def test_jars_are_laid_out_as_a_node_looks_for_them(tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    for name in ("elasticsearch-8.jar", "lucene-core-9.jar", "netty-common-4.jar", "ecj-3.jar"):
        (work / name).touch()
    module_jar = f"transport-netty4-{ELASTICSEARCH_VERSION}.jar"
    with zipfile.ZipFile(work / module_jar, "w") as jar:
        jar.writestr(
            "META-INF/es-plugins/transport-netty4/plugin-descriptor.properties",
            "# a comment\nname=transport-netty4\nclassname=a.B\n\nmodulename=a.module\n",
        )
    compiler = elasticsearch._lay_out(work, tmp_path)
    module = tmp_path / "modules" / "transport-netty4"
    assert compiler == work / "ecj-3.jar"
    library = {path.name for path in (tmp_path / "lib").iterdir()}
    assert library == {"elasticsearch-8.jar", "lucene-core-9.jar"}
    descriptor = module / "plugin-descriptor.properties"
    assert {path.name for path in module.iterdir()} == {
        module_jar,
        "netty-common-4.jar",
        descriptor.name,
    }
    assert descriptor.read_text() == "name=transport-netty4\nclassname=a.B\n"


def test_a_delivery_without_the_compiler_is_refused(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    with pytest.raises(FetchFailed, match="delivered no ecj"):
        elasticsearch._lay_out(tmp_path / "work", tmp_path)


def test_a_changed_main_class_makes_another_installation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = elasticsearch._installation_name()
    changed = tmp_path / "Main.java"
    changed.write_text("class Main {}")
    monkeypatch.setattr(elasticsearch, "_MAIN", changed)
    assert elasticsearch._installation_name() != before
    assert ELASTICSEARCH_VERSION in before


def test_the_command_bounds_the_heap_and_writes_nowhere_else(
    home: ElasticsearchHome, tmp_path: Path
) -> None:
    command = home.command(directory=tmp_path / "run", heap_mb=128)
    assert command[0] == "/java"
    assert {"-Xms128m", "-Xmx128m", f"-Djava.io.tmpdir={tmp_path}/run/tmp"} <= set(command)
    assert command[-2:] == ["Main", f"{tmp_path}/run/config"]
    path = command[command.index("-classpath") + 1]
    assert path == f"{home.home}/lib/elasticsearch.jar:{home.home}/lib/node.jar"
    assert not [part for part in command if "SharedArchiveFile" in part]


def test_the_command_uses_the_class_archive_where_there_is_one(
    home: ElasticsearchHome, tmp_path: Path
) -> None:
    with_one = dataclasses.replace(home, archive=Path("/archive.jsa"))
    command = with_one.command(directory=tmp_path, heap_mb=128)
    assert "-XX:SharedArchiveFile=/archive.jsa" in command


def test_a_node_is_alone_on_loopback_and_writes_below_its_folder(tmp_path: Path) -> None:
    settings = node_settings(directory=tmp_path, home=Path("/home"), port=9, name="one")
    prepare_node(tmp_path, settings)
    read = YAML(typ="safe").load(tmp_path / "config" / "elasticsearch.yml")
    assert read == settings
    assert read["network.host"] == LOOPBACK
    assert read["http.port"] == 9
    assert read["discovery.type"] == "single-node"
    assert read["cluster.routing.allocation.disk.threshold_enabled"] is False
    assert Path(read["path.data"]).is_relative_to(tmp_path)
    assert Path(read["path.logs"]).is_relative_to(tmp_path)
    assert (tmp_path / "tmp").is_dir()


@pytest.mark.parametrize("version", ["17.0.15", "21", "25.0.1-ea"])
def test_a_java_that_is_new_enough_is_taken_from_path(tmp_path: Path, version: str) -> None:
    java = java_that_says(tmp_path, version)
    found = find_java(ToolSettings(search_path=str(tmp_path), cache_directory=tmp_path), nobody)
    assert found == Java(command=(str(java),), version=version, source="PATH")


@pytest.mark.parametrize("version", ["1.8.0_402", "11.0.2"])
def test_an_old_java_is_refused_by_version(tmp_path: Path, version: str) -> None:
    java = java_that_says(tmp_path, version)
    with pytest.raises(FetchFailed, match=rf"is Java {version}, needed >= {MINIMUM_JAVA}"):
        java_version(java)


def test_something_else_called_java_is_refused_with_what_it_printed(tmp_path: Path) -> None:
    java = program(tmp_path, "java", "echo 'an island' >&2")
    with pytest.raises(FetchFailed, match="is no Java: -version printed 'an island'"):
        java_version(java)


@pytest.mark.usefixtures("no_debian")
def test_without_java_one_line_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(ToolsUnavailable) as told:
        find_elasticsearch(ToolSettings(search_path="", cache_directory=tmp_path), nobody)
    assert str(told.value) == (
        "no usable Java: java is not on PATH; this is another system."
        " What to do: install Java >= 17 (apt-get install default-jre-headless)"
    )


@pytest.mark.usefixtures("no_debian")
def test_an_old_java_is_named_in_the_line(tmp_path: Path) -> None:
    java_that_says(tmp_path / "bin", "11.0.2")
    settings = ToolSettings(search_path=str(tmp_path / "bin"), cache_directory=tmp_path)
    with pytest.raises(ToolsUnavailable, match=r"is Java 11\.0\.2, needed >= 17; .*What to do"):
        find_java(settings, nobody)


@pytest.mark.usefixtures("no_debian")
def test_without_maven_one_line_says_what_to_install(tmp_path: Path) -> None:
    java_that_says(tmp_path / "bin", "17.0.15")
    settings = ToolSettings(search_path=str(tmp_path / "bin"), cache_directory=tmp_path)
    with pytest.raises(ToolsUnavailable) as told:
        find_elasticsearch(settings, nobody)
    assert str(told.value) == (
        "no usable Maven: mvn is not on PATH; this is another system."
        " What to do: install Maven (apt-get install maven)"
    )


def test_an_unreachable_repository_is_one_line_with_mavens_words(tmp_path: Path) -> None:
    java_that_says(tmp_path / "bin", "17.0.15")
    program(tmp_path / "bin", "mvn", "echo 'Unknown host' >&2; exit 1")
    settings = ToolSettings(search_path=str(tmp_path / "bin"), cache_directory=tmp_path)
    with pytest.raises(ToolsUnavailable) as told:
        find_elasticsearch(settings, nobody)
    assert "\n" not in str(told.value)
    assert str(told.value).startswith("no Elasticsearch: Maven failed: ")
    assert "Unknown host. What to do: see to it that Maven reaches" in str(told.value)


def test_a_failed_class_archive_is_reported_and_the_node_goes_without(
    home: ElasticsearchHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise FetchFailed("Java wrote no archive")

    monkeypatch.setattr(elasticsearch_archive, "_learn", fails)
    told: list[str] = []
    java = Java(command=("/java",), version="17", source="PATH")
    assert with_archive(home, java, ToolCache(tmp_path), told.append) == home
    assert told == [
        "Elasticsearch will start more slowly, without its class archive: Java wrote no archive"
    ]


@pytest.mark.integration
@pytest.mark.skipif(shutil.which("keytool") is None, reason="no keytool to read the store with")
def test_java_reads_every_certificate_of_the_trust_store(tmp_path: Path) -> None:
    context = ssl.create_default_context()
    trusted = context.get_ca_certs(binary_form=True)
    if not trusted:
        pytest.skip("this machine trusts no authority")
    store = tmp_path / "trusted.jks"
    store.write_bytes(trust_store(trusted))
    read = subprocess.run(
        ["keytool", "-list", "-keystore", str(store), "-storepass", "changeit"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert read.stdout.count("trustedCertEntry") == len(trusted)


@pytest.mark.integration
@pytest.mark.skipif(obstacle() is not None, reason=str(obstacle()))
def test_java_and_maven_from_debians_archive_fetch_libraries_over_tls(tmp_path: Path) -> None:
    told: list[str] = []
    unpacked = unpacked_java(tmp_path / "cache", told.append)
    settings = ToolSettings(search_path="", cache_directory=tmp_path / "cache")
    java = find_java(settings, told.append)
    assert java.command == (str(unpacked.java),)
    assert java.source.startswith("Debian package openjdk-")
    assert find_maven(settings, told.append) == unpacked.maven
    assert len(told) == 1
    # Into a repository of its own, so that nothing comes from this machine's.
    maven = (*unpacked.maven, f"-Dmaven.repo.local={tmp_path / 'repository'}")
    pom = tmp_path / "pom.xml"
    pom.write_text(SMALL_POM)
    copy_artifacts(maven, pom, tmp_path / "jars", {"elasticsearch.version": ELASTICSEARCH_VERSION})
    assert (tmp_path / "jars" / f"elasticsearch-core-{ELASTICSEARCH_VERSION}.jar").is_file()


@pytest.mark.integration
def test_what_was_put_together_once_is_found_again_without_work() -> None:
    first = find_elasticsearch(ToolSettings.from_env(), print)
    told: list[str] = []
    assert find_elasticsearch(ToolSettings.from_env(), told.append) == first
    assert told == []
    assert first.archive is not None
    assert first.archive.is_file()
