"""The dialog with whoever responds to one drill: what they type, and what reaches them meanwhile.

One rule: what is said is kept with its time and judged elsewhere; here only the fault is ended.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TextIO

from scenarios.gameday.breaking import Breaking
from scenarios.gameday.guard import StopButton
from scenarios.gameday.looking import Looking
from scenarios.gameday.response import HELP, Said, Word, is_right, read
from scenarios.gameday.runbook import first_steps
from scenarios.history import Kind
from scenarios.model import Drill
from scenarios.saying import SayLine
from stack.clients.alertmanager import AlertmanagerClient, AlertmanagerError
from stack.clients.server import Server

LOOK_SECONDS = 0.5
"""How often notifications are passed on and silences looked for: at once, to a person."""


class Keyboard:
    """Reads lines in a thread of its own, and gives each to whoever listens just then."""

    def __init__(self, keyboard: TextIO) -> None:
        self._keyboard = keyboard
        self.listener: Callable[[str], None] = lambda _line: None
        threading.Thread(target=self._read, name="gameday-keyboard", daemon=True).start()

    def _read(self) -> None:
        for line in self._keyboard:
            self.listener(line)


class Responder(Looking):
    """Whoever responds to one drill, until the context ends."""

    def __init__(
        self,
        campaign: Breaking,
        drill: Drill,
        button: StopButton,
        say: SayLine,
        *,
        alertmanager: Server,
        status: Callable[[], str],
    ) -> None:
        """``status`` says what clients see and which alerts fire."""
        super().__init__("gameday-pager", LOOK_SECONDS)
        self._recorder = campaign.drilled[drill.id]
        self._alertmanager = AlertmanagerClient(alertmanager)
        self._drill = drill
        self._button = button
        self._say = say
        self._status = status
        self._told = 0
        self._silenced = False
        self.said: list[Said] = []

    def take(self, line: str) -> None:
        """Take a line that was typed."""
        word, text = read(line)
        answers: dict[Word, Callable[[], str]] = {
            Word.HELP: lambda: HELP,
            Word.STATUS: self._status,
            Word.RUNBOOK: lambda: _runbook(text),
        }
        if word in answers:
            self._say(answers[word]())
            return
        right = word is Word.GUESS and is_right(text, self._drill)
        self._note(word, text, right=right)
        if word is Word.STOP:
            self._button.press("whoever responds asked for it")
        elif word is Word.MITIGATE:
            self._recorder.note(Kind.MITIGATED, text=text)
            self._say("the fault is being ended")
        else:
            self._say("noted")

    def _note(self, word: Word, text: str, *, right: bool = False) -> None:
        said = Said(at=time.time(), drill=self._drill.id, word=word, text=text, right=right)
        self.said.append(said)

    def _look_around(self) -> None:
        self._pass_on()
        if not self._silenced:
            self._look_for_silence()

    def _blinded(self, why: str) -> None:
        self._button.press(f"whoever responds is told nothing any more: {why}")

    def _pass_on(self) -> None:
        """Show each notification as its receiver got it."""
        delivered = self._recorder.snapshot().all(Kind.DELIVERED)
        for event in delivered[self._told :]:
            said = event.detail.get("headline") or f"{event.detail.get('status')} {event.alert}"
            self._say(f"{event.detail['receiver']:>18} | {said}")
        self._told = len(delivered)

    def _look_for_silence(self) -> None:
        try:
            alerts = self._alertmanager.alerts()
        except AlertmanagerError:
            return  # the observer says so, and the histories too
        mine = [one for one in alerts if one.labels.get("service") == self._drill.label]
        if any(one.silenced_by for one in mine):
            self._silenced = True
            self._note(Word.ACKNOWLEDGE, "a silence in Alertmanager")
            self._say("a silence was seen in Alertmanager: acknowledged")


def _runbook(name: str) -> str:
    """Return how a runbook begins, or why it can't be read: the dialog goes on, `stop` with it."""
    try:
        return first_steps(name)
    except (OSError, ValueError) as error:
        return f"the runbook can't be read: {error}"
