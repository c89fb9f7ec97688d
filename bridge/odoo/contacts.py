"""Contacts in Odoo (`res.partner`): read and written live, and the campaigns beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bridge.errors import PermanentError, TransientError
from bridge.odoo.leads import Caller

MODEL = "res.partner"
PARTNERS = "manychat_partners"
CREATE = "manychat_partner_create"
WRITE = "manychat_partner_write"
REMOVE = "manychat_partner_remove"
CAMPAIGN_MODEL = "utm.campaign"
CAMPAIGNS = "manychat_campaigns"
ORDERS = ("id", "name", "email", "updated_at")
_BAD = "odoo_bad_answer"
_CONFLICTS = {
    "manychat_id_taken": "manychat_id: the contact has another partner, or this partner another id",
    "is_user": "the partner of a user is changed in Odoo only",
    "is_company": "a company of Odoo itself is changed in Odoo only",
    "no_manychat_id": "only a contact with a ManyChat id may be deleted; archive it",
    "still_used": "something in Odoo still points to the contact; archive it",
}
_BAD_VALUES = {
    "unknown_country": "country: neither a name nor a code that Odoo knows",
    "unknown_state": "state: neither a name nor a code of the country's",
    "refused_by_odoo": "a rule of Odoo does not allow these values",
}


class OdooContacts:
    """`res.partner` as the bridge sees it.

    Every method raises what the client raises, and TransientError (`odoo_bad_answer`). Writing
    raises PermanentError: `not_found`, `conflict`, or the word for a value that cannot be used.
    """

    def __init__(self, client: Caller) -> None:
        self._client = client

    def listing(
        self, filters: Mapping[str, Any], page: int, size: int, order: str = "id"
    ) -> tuple[list[Mapping[str, Any]], int]:
        """One page of contacts, and the total.

        `filters`: `partner_id` (int), `manychat_id`, `phone`, `email` (lists of texts of which
        one fits), `search`, `active`. `order`: one of ORDERS, `-` before it for down.
        """
        answer = self._object(MODEL, PARTNERS, dict(filters), page, size, order)
        rows, total = answer.get("partners"), answer.get("total")
        whole = isinstance(rows, list) and all(isinstance(row, Mapping) for row in rows)
        if not whole or not isinstance(total, int):
            raise TransientError(_BAD, "partners")
        return list(rows or ()), total

    def create(self, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """Make a contact; as it stands then."""
        return self._written(CREATE, dict(values))

    def write(self, partner_id: int, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """Change the given values, `False` clears; the contact as it stands then."""
        return self._written(WRITE, partner_id, dict(values))

    def remove(self, partner_id: int, hard: bool) -> None:
        """Archive a contact, or delete it for good."""
        _refused(self._object(MODEL, REMOVE, partner_id, hard))

    def keep_campaigns(self, campaigns: Sequence[Mapping[str, Any]]) -> None:
        """Make those that Odoo does not have; a campaign is `{id, name}`."""
        self._object(CAMPAIGN_MODEL, CAMPAIGNS, [dict(campaign) for campaign in campaigns])

    def _written(self, method: str, *args: Any) -> Mapping[str, Any]:
        answer = self._object(MODEL, method, *args)
        _refused(answer)
        partner = answer.get("partner")
        if not isinstance(partner, Mapping):
            raise TransientError(_BAD, "no partner")
        return partner

    def _object(self, model: str, method: str, *args: Any) -> Mapping[str, Any]:
        answer = self._client.call(model, method, *args)
        if not isinstance(answer, Mapping):
            raise TransientError(_BAD, "no object")
        return answer


def _refused(answer: Mapping[str, Any]) -> None:
    word = answer.get("refused")
    if word is None:
        return
    if word == "not_found":
        raise PermanentError("not_found")
    if word in _CONFLICTS:
        raise PermanentError("conflict", _CONFLICTS[word])
    if word in _BAD_VALUES:
        raise PermanentError(word, _BAD_VALUES[word])
    raise TransientError(_BAD, "refused for an unknown reason")
