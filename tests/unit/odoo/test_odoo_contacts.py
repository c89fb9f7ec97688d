"""Contacts in Odoo: what is asked for, what is refused, and answers that nobody believes."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.errors import PermanentError, TransientError
from bridge.odoo.contacts import OdooContacts
from tests.unit.odoo.test_odoo_leads import FakeClient

PARTNER = {"partner_id": 7, "name": "Ana"}


def test_a_page_of_contacts_comes_with_the_total() -> None:
    client = FakeClient({"partners": [PARTNER], "total": 9})
    assert OdooContacts(client).listing({"active": True}, 2, 1, "-name") == ([PARTNER], 9)
    assert client.calls == [("res.partner", "manychat_partners", {"active": True}, 2, 1, "-name")]


def test_a_written_contact_comes_back_as_it_stands() -> None:
    client = FakeClient({"partner": PARTNER})
    contacts = OdooContacts(client)
    assert contacts.create({"name": "Ana"}) == PARTNER
    assert contacts.write(7, {"city": False}) == PARTNER
    contacts.remove(7, True)
    assert client.calls == [
        ("res.partner", "manychat_partner_create", {"name": "Ana"}),
        ("res.partner", "manychat_partner_write", 7, {"city": False}),
        ("res.partner", "manychat_partner_remove", 7, True),
    ]


def test_campaigns_go_in_one_call() -> None:
    client = FakeClient({"campaigns": 1})
    OdooContacts(client).keep_campaigns([{"id": 1, "name": "Otoño"}])
    assert client.calls == [("utm.campaign", "manychat_campaigns", [{"id": 1, "name": "Otoño"}])]


@pytest.mark.parametrize(
    ("word", "code"),
    [("not_found", "not_found"), ("manychat_id_taken", "conflict"), ("is_user", "conflict"),
     ("is_company", "conflict"), ("no_manychat_id", "conflict"), ("still_used", "conflict"),
     ("unknown_country", "unknown_country"), ("unknown_state", "unknown_state"),
     ("refused_by_odoo", "refused_by_odoo")],
)  # fmt: skip
def test_what_odoo_refuses_cannot_be_tried_again(word: str, code: str) -> None:
    contacts = OdooContacts(FakeClient({"refused": word}))
    for call in (lambda: contacts.write(7, {}), lambda: contacts.remove(7, False)):
        with pytest.raises(PermanentError) as refused:
            call()
        assert refused.value.code == code


@pytest.mark.parametrize("answer", [None, [], {}, {"partners": [1], "total": 1},
                                    {"partners": []}, {"refused": "because"}])  # fmt: skip
def test_an_answer_of_no_meaning_is_not_believed(answer: Any) -> None:
    contacts = OdooContacts(FakeClient(answer))
    for call in (lambda: contacts.listing({}, 1, 1), lambda: contacts.create({"name": "Ana"})):
        with pytest.raises(TransientError, match="odoo_bad_answer"):
            call()
