"""Files into the mirror: mended like webhooks, once, and to the end after a kill."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from benchmarks.export_file import Export, write_export
from bridge.errors import PermanentError
from bridge.events.clock import iso
from bridge.events.reading import Rules
from bridge.transfer import importing
from bridge.transfer.importing import FileImport, Report
from tests.integration.mirror.conftest import Mirror

NOW = datetime(2025, 11, 20, 22, 0, tzinfo=UTC)
ROWS = 260


class Killed(BaseException):
    """What no handler of the import may catch."""


def file_of(path: Path, **options: Any) -> FileImport:
    return FileImport(path, Rules(), now=lambda: NOW, **options)


def run(mirror: Mirror, path: Path, **options: Any) -> Report:
    return file_of(path, **options).run(mirror.store)


def text_file(folder: Path, *lines: str) -> Path:
    path = folder / "export.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@pytest.fixture
def export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Export]:
    monkeypatch.setattr(importing, "SLICE", 25)
    return tmp_path / "big.csv", write_export(tmp_path / "big.csv", ROWS)


def check(mirror: Mirror, oracle: Export) -> None:
    """The mirror holds what the oracle says, and each event waits for Odoo once."""
    contacts = {row["manychat_id"]: row for row in mirror.picture()["contacts"]}
    assert contacts.keys() == oracle.contacts.keys()
    districts = mirror.rows("""SELECT c.manychat_id, a.district FROM "Address" a
        JOIN "Contact" c ON c.id = a.contact_id""")
    places = {row["manychat_id"]: row["district"] for row in districts}
    campaigns = {row["manychat_id"]: row["campaign"] for row in mirror.picture()["campaigns"]}
    states: dict[str, list[tuple[str, str]]] = {}
    for row in mirror.picture()["states"]:
        states.setdefault(row["manychat_id"], []).append((row["state"], row["clock"][:27]))
    for id, truth in oracle.contacts.items():
        row = contacts[id]
        found = (row["first_name"], row["last_name"], row["phone"], row["email"], row["channel"])
        assert found == (truth.first_name, None, truth.phone, truth.email, truth.channel)
        assert places.get(id) == truth.district
        assert campaigns[id] == truth.campaign
        assert states[id] == [(state, iso(at)) for state, at in truth.states]
    events = [row["event_id"] for row in mirror.picture()["ledger"]]
    assert sorted(row["event_id"] for row in mirror.outbox()) == sorted(set(events))


def test_an_export_with_every_defect_ends_as_its_oracle(
    mirror: Mirror, export: tuple[Path, Export]
) -> None:
    path, oracle = export
    report = run(mirror, path)
    assert (report.rows, report.refused["no_manychat_id"]) == (oracle.rows, oracle.refused)
    assert report.contacts == len(oracle.contacts)
    check(mirror, oracle)


def test_an_import_killed_at_a_third_goes_on_there(
    mirror: Mirror, export: tuple[Path, Export]
) -> None:
    path, oracle = export
    done = 0

    def killed(count: int) -> None:
        nonlocal done
        done += count
        if done >= oracle.rows / 3:
            raise Killed

    with pytest.raises(Killed):
        file_of(path).run(mirror.store, progress=killed)
    report = run(mirror, path)
    assert report.skipped == done
    assert report.skipped + report.rows == oracle.rows
    check(mirror, oracle)


def test_a_second_import_brings_no_news(mirror: Mirror, export: tuple[Path, Export]) -> None:
    path, oracle = export
    run(mirror, path)
    before = mirror.picture()
    assert run(mirror, path).rows == 0
    renamed = path.with_name("copy.csv")
    renamed.write_bytes(path.read_bytes() + b"\n")
    report = run(mirror, renamed)
    assert (report.new, report.rows) == (0, oracle.rows)
    assert file_of(path).run(mirror.store, again=True).new == 0
    assert mirror.picture() == before


def test_a_dry_run_counts_and_writes_nothing(mirror: Mirror, export: tuple[Path, Export]) -> None:
    path, oracle = export
    report = file_of(path).examine()
    assert (report.rows, report.contacts) == (oracle.rows, len(oracle.contacts))
    assert report.mended["email_lead: dummy_email"] > 0
    assert report.samples[0].manychat_id in oracle.contacts
    assert mirror.rows('SELECT id FROM "Contact"') == []
    assert mirror.rows('SELECT name FROM "Feed"') == []


def test_a_workbook_reads_like_a_csv(mirror: Mirror, tmp_path: Path) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["Subscriber ID", "First Name", "WhatsApp Phone", "Last Interaction", "Gender"])
    sheet.append([1234567.0, "Eva", 51911111111, datetime(2025, 10, 20, 17, 41), None])  # noqa: DTZ001
    sheet.append([12345678901234567890, "Lost", None, None, None])
    book.save(tmp_path / "export.xlsx")
    report = run(mirror, tmp_path / "export.xlsx")
    [row] = mirror.picture()["contacts"]
    assert (row["manychat_id"], row["first_name"], row["phone"]) == (
        "1234567",
        "Eva",
        "+51911111111",
    )
    assert mirror.picture()["ledger"][0]["clock"].startswith("2025-10-20T22:41:00")
    assert report.examples == [(3, "no_manychat_id")]


def test_a_row_without_a_date_is_as_old_as_its_file(mirror: Mirror, tmp_path: Path) -> None:
    path = text_file(tmp_path, "ID,Nombre,Estado", "1,Eva,Nuevo")
    as_of = datetime(2025, 1, 1, tzinfo=UTC)
    run(mirror, path, as_of=as_of)
    [state] = mirror.picture()["states"]
    assert state["clock"].startswith(iso(as_of))
    assert run(mirror, text_file(tmp_path, "ID,Nombre,Estado", "1,Eva,Nuevo", "")).new == 0


def test_a_column_that_was_guessed_wrong_can_be_named(mirror: Mirror, tmp_path: Path) -> None:
    path = text_file(tmp_path, "Clave,Nombre,Notas", "1,Eva,x")
    with pytest.raises(PermanentError, match="no_manychat_id"):
        file_of(path)
    found = file_of(path, given={"clave": "manychat_id", "Notas": ""})
    assert found.guessed == {0: "manychat_id", 1: "first_name"}
    with pytest.raises(PermanentError, match="unknown_field"):
        file_of(path, given={"clave": "price"})


def test_of_two_phone_columns_the_filled_one_counts(mirror: Mirror, tmp_path: Path) -> None:
    lines = ("Phone,ID,WhatsApp Phone", "911111111,1,0", "911111111,2,922222222")
    run(mirror, text_file(tmp_path, *lines))
    phones = {row["manychat_id"]: row["phone"] for row in mirror.picture()["contacts"]}
    assert phones == {"1": "+51911111111", "2": "+51922222222"}


def test_a_row_that_the_mirror_refuses_harms_no_other(
    mirror: Mirror, export: tuple[Path, Export], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, oracle = export
    bad = sorted(oracle.contacts)[7]
    real = importing.apply_events

    def refuse(session: Any, items: Any, now: datetime) -> Any:
        if any(event.manychat_id == bad for event, _ in items):
            raise PermanentError("mirror_data")
        return real(session, items, now)

    monkeypatch.setattr(importing, "apply_events", refuse)
    report = run(mirror, path)
    assert report.refused["mirror_data"] == 5
    del oracle.contacts[bad]
    check(mirror, oracle)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no zip"])
def test_a_file_that_is_none_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / ("x.xlsx" if content else "x.csv")
    path.write_bytes(content)
    with pytest.raises(PermanentError, match="bad_file"):
        file_of(path)
