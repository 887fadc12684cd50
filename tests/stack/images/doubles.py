"""An engine that has what it is given and remembers what it is asked; recipes that fetch nothing.

Design rule: it answers as the engine's client does; what a test judges is what was asked of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from stack.images.archive import Archive
from stack.images.engine import LABEL_IMAGE, LABEL_RECIPE, Engine, Image
from stack.images.failure import ImagesFailure
from stack.images.kitchen import Kitchen
from stack.images.recipe import Content, Recipe
from stack.tools.settings import ToolSettings


@dataclass
class EngineDouble(Engine):
    """Images by reference, and the calls that change something, in their order."""

    images: dict[str, Image] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    registry: set[str] = field(default_factory=set)
    broken: set[str] = field(default_factory=set)
    arguments: dict[str, Mapping[str, str]] = field(default_factory=dict)
    sent: dict[str, list[str]] = field(default_factory=dict)

    def check(self) -> None:
        pass

    def image(self, reference: str) -> Image | None:
        return self.images.get(reference)

    def build(
        self,
        context: Path,
        *,
        dockerfile: str,
        reference: str,
        arguments: Mapping[str, str],
        labels: Mapping[str, str],
        network: bool,
        log: Path,
    ) -> None:
        self.calls.append(f"build {reference}")
        if reference in self.broken:
            raise ImagesFailure(f"{reference} was not built: error; look: less {log}")
        self.arguments[reference] = arguments
        files = (path for path in context.rglob("*") if path.is_file())
        self.sent[reference] = sorted(str(path.relative_to(context)) for path in files)
        self.images[reference] = Image(id=f"sha256:{reference}", labels=labels, size_bytes=1)

    def pull(self, reference: str, *, answer_seconds: float, whole_seconds: float) -> str | None:
        self.calls.append(f"pull {reference}")
        if reference not in self.registry:
            return "no such host"
        self.images[reference] = official(reference)
        return None

    def remove(self, reference: str) -> None:
        self.calls.append(f"remove {reference}")
        del self.images[reference]

    def sweep(self) -> None:
        self.calls.append("sweep")


def official(reference: str) -> Image:
    return Image(id=f"sha256:official-{reference}", labels={"maintainer": "them"}, size_bytes=9)


def ours(name: str, recipe: str) -> Image:
    return Image(
        id=f"sha256:{name}", labels={LABEL_IMAGE: name, LABEL_RECIPE: recipe}, size_bytes=1
    )


def plain(
    name: str, parent: str | None = None, *, text: str = "FROM scratch"
) -> Callable[[Kitchen], Recipe]:
    """Return a recipe of one file, which reports what it fetches."""

    def recipe(kitchen: Kitchen) -> Recipe:
        def fetch(context: Path) -> str:
            kitchen.report(f"fetched for {name}")
            (context / "fetched").write_text(name)
            return f"what {name} holds"

        return Recipe(
            name=name,
            files={"Dockerfile": Content(data=text.encode())},
            inputs={"version": "1"},
            parent=parent,
            fetch=fetch,
        )

    return recipe


def kitchen_with(engine: Engine, directory: Path, said: list[str]) -> Kitchen:
    """Return a kitchen in which the reference of an image is its name with a tag."""
    return Kitchen(
        repository=directory,
        settings=ToolSettings(search_path="", cache_directory=directory),
        report=said.append,
        archive=Archive(directory / "apt"),
        engine=engine,
        reference=lambda name: f"{name}:1",
    )
