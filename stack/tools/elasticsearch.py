"""A real Elasticsearch, put together once from its published libraries.

Design rule: what is put together is upstream's own jars, unchanged, and one small main class that
starts a node with them.

Elasticsearch is published as a download and as a container image, and, for whoever develops
against it, as Java libraries. The libraries are all of the server that indexes and searches, with
its HTTP interface. They are not the distribution: `GET /`, index lifecycle management, data
streams, ingest pipelines and security are in modules that are not published that way.
"""

from __future__ import annotations

import hashlib
import shutil
import zipfile
from pathlib import Path

from stack.tools.cache import ToolCache, write_manifest
from stack.tools.elasticsearch_archive import with_archive
from stack.tools.elasticsearch_node import MODULE, ElasticsearchHome
from stack.tools.fetching import FetchFailed, Report, run
from stack.tools.java import MINIMUM_JAVA, Java, find_java
from stack.tools.maven import copy_artifacts, find_maven
from stack.tools.model import ToolsUnavailable
from stack.tools.settings import ToolSettings

__all__ = ["ELASTICSEARCH_VERSION", "ElasticsearchHome", "find_elasticsearch"]

ELASTICSEARCH_VERSION = "8.19.5"
"""The last minor version of 8; from 9.3 on not all libraries of a node are published."""

_COMPILER_VERSION = "3.42.0"
"""Of ecj, Eclipse's compiler, which runs on a Java runtime without a development kit."""

_SOURCES = Path(__file__).parent.parent / "elasticsearch" / "node"
_POM = _SOURCES / "pom.xml"
_MAIN = _SOURCES / "Main.java"

_MODULE_JARS = (f"{MODULE}-", "netty-")
_DESCRIPTOR = "plugin-descriptor.properties"
_REMEDY = "see to it that Maven reaches its repository (mvn --version; ~/.m2/settings.xml)"


def find_elasticsearch(settings: ToolSettings, report: Report) -> ElasticsearchHome:
    """Return Elasticsearch from the cache, else put together once (10 s and 40 MB to fetch).

    `report` is given a line for a person before anything that takes seconds.
    Raises `ToolsUnavailable`.
    """
    java = find_java(settings, report)
    cache = ToolCache(settings.cache_directory)
    name = _installation_name()
    try:
        installed = cache.load(name)
        if installed is None:
            maven = find_maven(settings, report)
            installed = cache.install(
                name, lambda folder: _build(folder, java, maven, report), report
            )
    except (FetchFailed, OSError) as failed:
        raise ToolsUnavailable(f"no Elasticsearch: {failed}. What to do: {_REMEDY}") from failed
    home = ElasticsearchHome(
        java=java.command, home=installed.directory, version=ELASTICSEARCH_VERSION
    )
    return with_archive(home, java, cache, report)


def _installation_name() -> str:
    # A changed main class, pom or compiler makes another installation.
    ours = hashlib.sha256(_MAIN.read_bytes() + _POM.read_bytes() + _COMPILER_VERSION.encode())
    return f"elasticsearch-{ELASTICSEARCH_VERSION}-{ours.hexdigest()[:8]}"


def _build(directory: Path, java: Java, maven: tuple[str, ...], report: Report) -> None:
    report(f"putting Elasticsearch {ELASTICSEARCH_VERSION} together with Maven, once (30 s)")
    work = directory / "work"
    versions = {
        "elasticsearch.version": ELASTICSEARCH_VERSION,
        "ecj.version": _COMPILER_VERSION,
    }
    copy_artifacts(maven, _POM, work, versions)
    compiler = _lay_out(work, directory)
    _compile(java, compiler, directory)
    shutil.rmtree(work)
    main = f"lib/elasticsearch-{ELASTICSEARCH_VERSION}.jar"
    source = f"Maven artifact org.elasticsearch:elasticsearch:{ELASTICSEARCH_VERSION}"
    write_manifest(directory, origin="cache", programs={"elasticsearch": (main, source)})


def _lay_out(work: Path, directory: Path) -> Path:
    """Put each jar where a node looks for it; return the compiler, which stays where it is."""
    library, module = directory / "lib", directory / "modules" / MODULE
    library.mkdir()
    module.mkdir(parents=True)
    compiler = None
    for jar in sorted(work.glob("*.jar")):
        if jar.name.startswith("ecj-"):
            compiler = jar
        else:
            folder = module if jar.name.startswith(_MODULE_JARS) else library
            jar.rename(folder / jar.name)
    if compiler is None:
        raise FetchFailed(f"Maven delivered no ecj {_COMPILER_VERSION}")
    descriptor = _descriptor(module / f"{MODULE}-{ELASTICSEARCH_VERSION}.jar")
    (module / _DESCRIPTOR).write_text(descriptor, encoding="utf-8")
    return compiler


def _descriptor(jar: Path) -> str:
    """Return the module's description, less its Java module: its jars are on a class path here."""
    with zipfile.ZipFile(jar) as opened:
        text = opened.read(f"META-INF/es-plugins/{MODULE}/{_DESCRIPTOR}").decode()
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return "".join(f"{line}\n" for line in lines if not line.startswith("modulename="))


def _compile(java: Java, compiler: Path, directory: Path) -> None:
    classes = directory / "work" / "classes"
    library = directory / "lib"
    oldest = str(MINIMUM_JAVA)
    release = ["-source", oldest, "-target", oldest, "-proc:none", "-nowarn"]
    path = ["-classpath", ":".join(str(jar) for jar in sorted(library.glob("*.jar")))]
    run(
        [*java.command, "-jar", str(compiler), *release, *path, "-d", str(classes), str(_MAIN)],
        directory=directory,
    )
    with zipfile.ZipFile(library / "node.jar", "w") as jar:
        for compiled in sorted(classes.glob("*.class")):
            jar.write(compiled, compiled.name)
