"""A field of a contact stands in every list that names fields by hand; CONTRIBUTING tells them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bridge.api.record_bodies import ContactBody
from bridge.api.record_rows import ContactRow
from bridge.events.envelope import Envelope
from bridge.events.event import EventType
from bridge.events.reading import Rules, read_event
from bridge.events.spellings import SPELLINGS
from bridge.mirror.contacts import COLUMNS
from bridge.mirror.listing import CONTACT_COLUMNS
from bridge.mirror.tables import Contact
from bridge.transfer.headers import ALSO
from tests.faults import compare

RECEIVED = datetime(2025, 10, 20, 22, 41, tzinfo=UTC)
TEXTS = {
    key: length
    for key, column in COLUMNS.items()
    if (length := getattr(Contact.__table__.c[column].type, "length", None))
}


@pytest.mark.parametrize("key", COLUMNS)
def test_a_field_is_written_and_read_in_the_back_office_exported_and_imported(key: str) -> None:
    column = COLUMNS[key]
    assert column in ContactBody.model_fields, "bridge/api/record_bodies.py"
    assert column in ContactRow.model_fields, "bridge/api/record_rows.py"
    assert column.removesuffix("_id") in CONTACT_COLUMNS, "bridge/mirror/listing.py"
    assert key in ALSO, "bridge/transfer/headers.py"


@pytest.mark.parametrize("key", COLUMNS)
def test_a_field_is_compared_after_a_night_of_faults(key: str) -> None:
    assert key in compare.CONTACT_COLUMNS, "tests/faults/compare.py"


@pytest.mark.parametrize(("key", "length"), TEXTS.items())
def test_no_text_is_longer_than_its_column(key: str, length: int) -> None:
    body = {"manychat_id": "MC-1", SPELLINGS[key][0]: "x" * (length + 1)}
    envelope = Envelope(
        id="e", type=EventType.CONTACT, received_at=RECEIVED, occurred_at=None, payload=body
    )
    kept = read_event(envelope, Rules()).values.get(key, "")
    assert len(str(kept)) <= length, "bridge/events/reading.py: it needs a cleaner with a limit"
