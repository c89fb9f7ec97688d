"""Files into the mirror, in slices: each one a transaction that also notes how far it came."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from bridge.errors import PermanentError
from bridge.events.envelope import Envelope
from bridge.events.event import Event
from bridge.events.reading import Rules
from bridge.mirror import feeds
from bridge.mirror.apply import apply_events
from bridge.mirror.digests import id_digest
from bridge.mirror.store import Store
from bridge.transfer import files
from bridge.transfer.headers import guess
from bridge.transfer.reading import Columns, RowReader

SLICE = 500
_EXAMPLES = 20
_SAMPLES = 3
_KEY_BYTES = 8


class Read(NamedTuple):
    """A row's number in the file (the header is 1), and what it says; `refused`: why nothing."""

    number: int
    events: list[tuple[Event, Envelope]]
    refused: str | None = None


@dataclass
class Report:
    """What was found in a file; `new` events were not known to the mirror before.

    `mended` counts `field: code` of the values that were cleaned or left out, `refused` the
    reasons of rows that say nothing usable, `examples` are (row, reason) of the first ones.
    """

    rows: int = 0
    skipped: int = 0
    new: int = 0
    known: int = 0
    events: Counter[str] = field(default_factory=Counter)
    mended: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    examples: list[tuple[int, str]] = field(default_factory=list)
    samples: list[Event] = field(default_factory=list, repr=False)
    _contacts: set[bytes] = field(default_factory=set, repr=False)

    @property
    def contacts(self) -> int:
        return len(self._contacts)

    def add(self, row: Read) -> None:
        self.rows += 1
        if row.refused:
            self.refuse(row.number, row.refused)
        for event, _ in row.events:
            self.events[str(event.type)] += 1
            self.mended.update(scrub.text for scrub in event.scrubs)
            self._contacts.add(id_digest(event.manychat_id)[:_KEY_BYTES])
        if row.events and len(self.samples) < _SAMPLES:
            self.samples.append(row.events[0][0])

    def refuse(self, number: int, reason: str) -> None:
        self.refused[reason] += 1
        if len(self.examples) < _EXAMPLES:
            self.examples.append((number, reason))


class FileImport:
    """One file. `as_of` dates rows that say nothing of their time: the file's own by default.

    Raises PermanentError: `bad_file`, `no_manychat_id`, `unknown_field`.
    """

    def __init__(
        self,
        path: Path,
        rules: Rules,
        *,
        given: Mapping[str, str] | None = None,
        as_of: datetime | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.path = path
        self._now = now
        header = next(files.rows(path), None)
        if header is None:
            raise PermanentError("bad_file", "it is empty")
        self.headers = [str(name or "").strip() for name in header]
        self.guessed = guess(self.headers, given)
        self._as_of = as_of or datetime.fromtimestamp(path.stat().st_mtime, UTC)
        self._columns = Columns.from_guess(self.headers, self.guessed)
        self._rules = rules

    def __len__(self) -> int:
        """The rows below the header; reads the file."""
        return sum(1 for _ in self._below())

    def examine(self) -> Report:
        """Read everything and write nothing."""
        report = Report()
        for row in self._read(0):
            report.add(row)
        return report

    def run(
        self,
        store: Store,
        *,
        again: bool = False,
        progress: Callable[[int], object] = lambda _count: None,
    ) -> Report:
        """Bring the rows into mirror and outbox, from where an earlier run of the file ended.

        `progress` is told how many more rows are done. Raises TransientError or AwayError when
        the mirror fails: run it again. `again` goes through all rows; what is known is no news.
        """
        name = f"file:{files.digest(self.path)[:32]}"
        with store.transaction() as session:
            cursor = feeds.position(session, name)
        report = Report(skipped=0 if again else int((cursor or "0").split(":")[0]))
        progress(report.skipped)
        for slice in _slices(self._read(report.skipped)):
            for row in slice:
                report.add(row)
            done = f"{report.skipped + report.rows}"
            self._apply(store, slice, report, (name, cursor, done))
            cursor = done
            progress(len(slice))
        return report

    def _below(self) -> Iterator[files.Row]:
        return islice(files.rows(self.path), 1, None)

    def _read(self, skip: int) -> Iterator[Read]:
        reader = RowReader(self._columns, self._rules, self._now(), self._as_of)
        for number, row in enumerate(islice(self._below(), skip, None), start=skip + 2):
            try:
                yield Read(number, reader.events(row))
            except PermanentError as error:
                yield Read(number, [], error.code)

    def _apply(
        self, store: Store, slice: Sequence[Read], report: Report, place: tuple[str, Any, str]
    ) -> None:
        """Apply a slice; what the mirror refuses is split until it stands alone."""
        name, before, after = place
        items = [item for row in slice for item in row.events]
        try:
            with store.transaction() as session:
                applied = apply_events(session, items, self._now())
                if not feeds.advance(session, name, before, after, self._now()):
                    raise PermanentError("import_runs", "another process imports this file")
        except PermanentError as error:
            if error.code == "import_runs":
                raise
            self._split(store, slice, report, place, error)
        else:
            report.new += applied.new
            report.known += applied.known

    def _split(
        self,
        store: Store,
        slice: Sequence[Read],
        report: Report,
        place: tuple[str, Any, str],
        error: PermanentError,
    ) -> None:
        name, before, after = place
        if len(slice) == 1:
            report.refuse(slice[0].number, error.code)
            return self._apply(store, [slice[0]._replace(events=[])], report, place)
        half = len(slice) // 2
        # half of a slice leaves the note where it was: the other half is not in yet
        note = before if before is not None else "0"
        self._apply(store, slice[:half], report, (name, before, note))
        return self._apply(store, slice[half:], report, (name, note, after))


def _slices(rows: Iterator[Read]) -> Iterator[list[Read]]:
    while slice := list(islice(rows, SLICE)):
        yield slice
