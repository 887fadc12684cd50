"""One image after another: what is current stays, what is somebody else's stays, the rest is made.

Design rule: an image below is only looked at once something must be made on it; so nothing is
done, and nothing fetched, where nothing has changed.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from stack.images.catalogue import NO_PACKAGE, OWN
from stack.images.engine import LABEL_HOLDS, LABEL_IMAGE, LABEL_RECIPE, Image
from stack.images.failure import EngineAbsent, ImagesFailure
from stack.images.kitchen import Kitchen
from stack.images.recipe import Recipe
from stack.images.workplace import Workplace, open_to_all, write_context
from stack.tools.fetching import FetchFailed
from stack.tools.model import ToolsUnavailable

__all__ = ["Maker", "Outcome", "State", "briefly"]

State = Literal["built", "current", "left alone", "pulled", "not made", "failed"]

ANSWER_SECONDS = 20.0
"""For a registry to say that it has an image. It says so within two seconds, or is not reached."""

WHOLE_SECONDS = 1800.0
"""For an image to come: Elasticsearch's has 700 MB, and a slow line takes that long for it."""


_CHECKSUM = re.compile(r",? sha256 [0-9a-f]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one image, and the sentence that says more."""

    name: str
    reference: str
    state: State
    note: str
    seconds: float = 0.0


class Maker:
    """Makes images by their names, each once in a run."""

    def __init__(
        self,
        kitchen: Kitchen,
        workplace: Workplace,
        recipes: Mapping[str, Callable[[Kitchen], Recipe]],
    ) -> None:
        self._kitchen = kitchen
        self._workplace = workplace
        self._recipes = recipes
        self._known: dict[str, Recipe] = {}
        self._changed = False

    def make(self, names: Sequence[str], *, pull: bool) -> list[Outcome]:
        """Make images; return what became of each. One that fails does not keep others from it."""
        outcomes = []
        try:
            for name in names:
                outcome = self._one(name, pull=pull)
                self._kitchen.report(_told(outcome))
                outcomes.append(outcome)
        finally:
            if self._changed:
                self._kitchen.engine.sweep()
        return outcomes

    def _one(self, name: str, *, pull: bool) -> Outcome:
        started = time.monotonic()
        reference = self._kitchen.reference(name)
        try:
            state, note = self._made_or_pulled(name, reference, pull=pull)
        except EngineAbsent:
            raise
        except (ImagesFailure, FetchFailed, ToolsUnavailable, OSError) as failed:
            state, note = "failed", " ".join(str(failed).split())
        seconds = time.monotonic() - started
        return Outcome(name=name, reference=reference, state=state, note=note, seconds=seconds)

    def _made_or_pulled(self, name: str, reference: str, *, pull: bool) -> tuple[State, str]:
        present = self._kitchen.engine.image(reference)
        theirs = present is not None and present.recipe(name) is None
        if theirs and name not in OWN:
            return "left alone", "it is there, and was not made here"
        why = ""
        if pull and name not in OWN:
            self._kitchen.report(f"{name}: pulling {reference}")
            told = self._kitchen.engine.pull(
                reference, answer_seconds=ANSWER_SECONDS, whole_seconds=WHOLE_SECONDS
            )
            if told is None:
                self._changed = True
                return "pulled", "the official image"
            why = f", as it can't be pulled: {told}"
        if name in NO_PACKAGE:
            remedy = "" if pull else "; where a registry is reached: nox -s images -- --pull"
            return "not made", f"{NO_PACKAGE[name]}{why}{remedy}"
        state, note = self._current_or_built(name, reference, present)
        return state, note + why

    def _current_or_built(
        self, name: str, reference: str, present: Image | None
    ) -> tuple[State, str]:
        recipe = self._recipe(name)
        digest = self._digest(name)
        if present is not None and present.recipe(name) == digest:
            return "current", present.holds
        if recipe.parent is not None:
            self._see_to(recipe.parent)
        kitchen = self._kitchen
        kitchen.report(f"{name}: {'nothing there' if present is None else 'changed'}, making it")
        with self._workplace.folder(name) as context:
            write_context(context, recipe.files)
            holds = recipe.fetch(context)
            open_to_all(context)
            kitchen.report(f"{name}: building {reference}")
            if not self._changed:
                kitchen.engine.sweep()  # what a killed run left
            self._changed = True
            on = {}
            if recipe.parent is not None:
                on = {recipe.parent_argument: kitchen.reference(recipe.parent)}
            kitchen.engine.build(
                context,
                dockerfile=recipe.dockerfile,
                reference=reference,
                arguments={**recipe.arguments, **on},
                labels={LABEL_IMAGE: name, LABEL_RECIPE: digest, LABEL_HOLDS: holds},
                network=recipe.network,
                log=self._workplace.log(name),
            )
        return "built", holds

    def _see_to(self, parent: str) -> None:
        reference = self._kitchen.reference(parent)
        present = self._kitchen.engine.image(reference)
        if present is not None and present.recipe(parent) is None:
            return
        state, _ = self._current_or_built(parent, reference, present)
        if state == "built":
            self._kitchen.report(f"{parent}: built")

    def _recipe(self, name: str) -> Recipe:
        if name not in self._known:
            self._known[name] = self._recipes[name](self._kitchen)
        return self._known[name]

    def _digest(self, name: str) -> str:
        recipe = self._recipe(name)
        if recipe.parent is None:
            return recipe.digest("")
        # Somebody else's image below is known by what it is, ours by what it is made from.
        below = self._kitchen.engine.image(self._kitchen.reference(recipe.parent))
        if below is not None and below.recipe(recipe.parent) is None:
            return recipe.digest(below.id)
        return recipe.digest(self._digest(recipe.parent))


def _told(outcome: Outcome) -> str:
    took = f" in {outcome.seconds:.0f} s" if outcome.state in ("built", "pulled") else ""
    return f"{outcome.name}: {outcome.state}{took}: {briefly(outcome.note)}"


def briefly(note: str) -> str:
    """Return a line without the checksums that its label has."""
    return _CHECKSUM.sub("", note)
