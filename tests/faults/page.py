"""What ManyChat was told of leads, against what it is to know."""

from __future__ import annotations

from collections.abc import Mapping

from devstack.manychat_server import Page
from tests.faults.oracle import Wanted
from tests.faults.readings import Leads
from tests.faults.verdict import Verdict

MANYCHAT_FIELDS = {fact: f"crm_{fact}" for fact in ("stage", "lead_id", "commercial", "medical")}
"""The custom field in which ManyChat is told of each fact."""


def compare_manychat(
    verdict: Verdict, wanted: Mapping[str, Wanted], leads: Leads, page: Page
) -> None:
    """Whatever went wrong on the way, ManyChat has the newest value of each field at the end."""
    if page.strikes:
        verdict.note("manychat", f"{page.strikes} calls more than it allows")
    ids = {contact: group[0]["id"] for contact, group in leads.leads(list(wanted)).items()}
    for contact, want in wanted.items():
        campaign = want.campaigns.get(want.in_force, {})
        due = {
            "stage": want.stage, "lead_id": str(ids.get(contact)),
            "commercial": campaign.get("commercial") or "",
            "medical": campaign.get("medical") or "",
        }  # fmt: skip
        fields = page.contact(contact).fields
        for fact, value in due.items():
            verdict.told += bool(value)
            seen = fields.get(MANYCHAT_FIELDS[fact], "")
            if seen != value:
                verdict.note("manychat", f"{contact} {fact} is {seen!r}, due {value!r}")
