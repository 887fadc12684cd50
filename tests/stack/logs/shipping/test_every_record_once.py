"""Whatever happens to the file and to the shipper, each record is in the index once, or refused.

What the index refuses is among the dead letters, whenever the shipper was killed.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from unittest import mock

import orjson
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from stack.logs.shipping import shipper as shipper_module
from stack.logs.shipping.checkpoint import load_checkpoint
from stack.logs.shipping.dead_letters import DEAD_LETTERS_FILE, Refused
from stack.logs.shipping.delivery import Outcome
from stack.logs.shipping.parts import Record
from stack.logs.shipping.shipper import Shipper
from stack.logs.shipping.stopping import Stop
from stack.logs.shipping.tally import Tally


class Killed(BaseException):
    """The shipper is no more, as after SIGKILL."""


class Impatient(Stop):
    """Nobody waits for anything in these tests."""

    def wait(self, seconds: float) -> bool:
        return False


def is_refused(number: int) -> bool:
    return number % 5 == 2


class Index:
    """Takes what it does not have, as the operation `create` does, and refuses one in five."""

    def __init__(self) -> None:
        self.documents: dict[tuple[str, str], dict[str, object]] = {}
        self.dies: str | None = None
        self.has_answered = False

    def deliver(self, records: Sequence[Record]) -> Outcome:
        if self.dies == "before the request":
            raise Killed
        half = len(records) // 2 if self.dies == "half way" else len(records)
        refused = []
        for action, source in records[:half]:
            target, document = orjson.loads(action)["create"], orjson.loads(source)
            if is_refused(int(document["message"])):
                refused.append(letter(target["_index"], target["_id"], source))
            else:
                self.documents.setdefault((target["_index"], target["_id"]), document)
        if self.dies in ("half way", "before the letters"):
            raise Killed
        self.has_answered = True
        return Outcome(shipped=len(records) - len(refused), refused=tuple(refused))

    def dies_after(self, write: Callable[..., None]) -> Callable[..., None]:
        """Return a write to the disk that is the last one, if it is the first after an answer."""

        def last(*arguments: object) -> None:
            write(*arguments)
            if self.dies == "between the writes" and self.has_answered:
                raise Killed

        return last


def letter(index: str, record_id: str, document: bytes) -> Refused:
    return Refused(
        status=400,
        reason_type="document_parsing_exception",
        reason="said so",
        index=index,
        id=record_id,
        document=document,
    )


class LogShipping(RuleBasedStateMachine):
    """A log file, writers that hold on to it, rotation by rename and by copy, and kills."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory(prefix="shipping-")
        self.folder = Path(self._folder.name)
        self.path = self.folder / "app.log"
        self.index = Index()
        self.written = 0
        self.rotations = 0
        self.slow = self.path.open("ab")
        self.said: list[str] = []
        self.tally = Tally()
        self.torn = False
        self.live: Shipper | None = None

    @rule(count=st.integers(1, 5), with_id=st.booleans())
    def the_service_logs(self, count: int, with_id: bool) -> None:
        self.end_line()
        with self.path.open("ab") as file:
            file.write(b"".join(self.line(with_id=with_id) for _ in range(count)))

    @rule()
    def a_line_is_not_finished(self) -> None:
        self.end_line()
        with self.path.open("ab") as file:
            file.write(self.line(with_id=True)[:-1])
        self.torn = True

    @rule()
    def a_slow_writer_logs_to_the_file_that_it_has_open(self) -> None:
        self.end_line()
        self.slow.write(self.line(with_id=False))
        self.slow.flush()

    @rule()
    def the_slow_writer_opens_the_file_anew(self) -> None:
        self.slow.close()
        self.slow = self.path.open("ab")

    @rule()
    def the_file_is_renamed(self) -> None:
        self.end_line()
        if self.path.exists():
            self.rotations += 1
            self.path.rename(self.path.with_name(f"app.log.{self.rotations:03}"))

    @rule(ship=st.booleans())
    def the_file_is_copied_and_emptied(self, ship: bool) -> None:
        self.end_line()
        if self.path.exists():
            self.rotations += 1
            copy = self.path.with_name(f"app.log.{self.rotations:03}")
            copy.write_bytes(self.path.read_bytes())
            if ship:  # between the two, the copy is there and nothing new in it
                self.the_shipper_takes_a_step()
            with self.path.open("r+b") as file:
                file.truncate(0)

    @rule()
    def the_shipper_takes_a_step(self) -> None:
        self.index.dies = None
        self.shipper().step()

    @rule()
    def the_shipper_runs(self) -> None:
        self.index.dies = None
        self.shipper().drain()
        self.live = None

    @rule(
        when=st.sampled_from(
            ["before the request", "half way", "before the letters", "between the writes"]
        )
    )
    def the_shipper_is_killed(self, when: str) -> None:
        self.index.dies, self.index.has_answered = when, False
        writes = {
            name: self.index.dies_after(getattr(shipper_module, name))
            for name in ("keep_dead_letters", "save_checkpoint")
        }
        with mock.patch.multiple(shipper_module, **writes), contextlib.suppress(Killed):
            self.shipper().drain()
        self.live = None

    @rule()
    def the_oldest_rotated_file_is_deleted_once_it_is_shipped(self) -> None:
        self.the_slow_writer_opens_the_file_anew()
        self.the_shipper_runs()
        for one in sorted(self.folder.glob("app.log.*"))[:1]:
            if one.read_bytes().endswith(b"\n"):  # else its last line waits to be finished
                one.unlink()

    @invariant()
    def nothing_is_there_twice(self) -> None:
        numbers = self.numbers()
        assert len(numbers) == len(set(numbers))
        assert not [number for number in numbers if is_refused(number)]

    def teardown(self) -> None:
        try:
            self.end_line()
            self.the_shipper_runs()
            assert sorted(self.numbers()) == [n for n in range(self.written) if not is_refused(n)]
            assert self.letters() == {n for n in range(self.written) if is_refused(n)}
            assert self.said == []
            assert self.tally.lost_bytes == 0
        finally:
            self.slow.close()
            self._folder.cleanup()

    def end_line(self) -> None:
        if self.torn:
            with self.path.open("ab") as file:
                file.write(b"\n")
            self.torn = False

    def line(self, *, with_id: bool) -> bytes:
        number, self.written = self.written, self.written + 1
        record: dict[str, object] = {
            "@timestamp": "2026-11-25T10:00:00.000000Z",
            "message": str(number),
        }
        if with_id:
            record["event.id"] = f"e-{number}"
        return orjson.dumps(record) + b"\n"

    def numbers(self) -> list[int]:
        return [int(str(one["message"])) for one in self.index.documents.values()]

    def letters(self) -> set[int]:
        """The records among the dead letters; a crash may have written one again."""
        file = self.folder / "shipper" / DEAD_LETTERS_FILE
        lines = file.read_bytes().splitlines() if file.exists() else []
        return {int(orjson.loads(line)["document"]["message"]) for line in lines}

    def shipper(self) -> Shipper:
        state = self.folder / "shipper"
        state.mkdir(exist_ok=True)

        def delivery(_wait: Callable[[float], None]) -> Index:
            return self.index

        if self.live is not None:
            return self.live
        self.live = Shipper(
            load_checkpoint(state, self.path),
            state,
            delivery=delivery,
            stop=Impatient(),
            tally=self.tally,
            max_bulk_bytes=150,  # a record or two
            max_age_seconds=0,
            say=self.said.append,
        )
        return self.live


TestLogShipping = LogShipping.TestCase
TestLogShipping.settings = settings(
    max_examples=60,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
