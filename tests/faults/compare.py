"""Accepted, expected and found, laid side by side: a sentence for every difference."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from devstack.manychat_server import Page
from tests.faults import deeds
from tests.faults.client import Told
from tests.faults.oracle import Wanted, advisor, expected, lead_name, whole
from tests.faults.page import compare_manychat
from tests.faults.people import Deed
from tests.faults.readings import DATES, Leads, Mirror, Row
from tests.faults.story import Happened
from tests.faults.verdict import Verdict

CONTACT_COLUMNS = {
    "first_name": "first_name", "last_name": "last_name", "phone": "phone", "email": "email",
    "gender": "gender", "channel": "channel", "initial_state": "initial_state",
    "subscribed_at": "subscription_date", "entry_date": "entry_date",
    "address.street": "street", "address.district": "district", "address.city": "city",
}  # fmt: skip
LEAD_COLUMNS = {
    "phone": "phone", "email": "email_from", "gender": "manychat_gender", "channel": "source_id",
    "campaign": "campaign_id", "summary": "manychat_summary",
    "initial_state": "manychat_initial_state", "subscribed_at": "manychat_subscribed_at",
    "entry_date": "manychat_entry_date", "address.street": "street",
    "address.district": "street2", "address.city": "city",
}  # fmt: skip


UNAVAILABLE = 503


@dataclass(frozen=True)
class Since:
    """When a night began: the time, and Odoo's newest change before it."""

    moment: datetime
    change: int


@dataclass(frozen=True)
class Ends:
    """Where everything is to arrive."""

    mirror: Mirror
    leads: Leads
    page: Page


def compare(told: Sequence[Told], done: Sequence[Deed], ends: Ends, since: Since) -> Verdict:
    """Everything that happened after `since` against what was accepted, or done by people."""
    verdict, mirror, leads = Verdict(), ends.mirror, ends.leads
    originals = _answers(verdict, told)
    happened = _ledger(verdict, originals, mirror.ledger(since.moment))
    _dead_letters(verdict, told, originals, mirror.dead_letters(since.moment))
    by_people = deeds.happened(verdict, done, leads.changes(since.change))
    verdict.deeds = len(by_people)
    wanted = expected([*happened, *by_people])
    ids = list(wanted)
    compare_mirror(verdict, wanted, mirror, synced=True)
    _odoo(verdict, wanted, leads, ids, [event.event_id for event in happened])
    for event_id in set(mirror.sent(ids)) - originals.keys():
        verdict.note("echoes", f"the outbox holds {event_id}, which nobody posted")
    compare_manychat(verdict, wanted, leads, ends.page)
    for row in mirror.untold():
        verdict.note("lost", f"ManyChat's {row['name']}: {row['status']} ({row['reason']})")
    for row in mirror.unfinished():
        verdict.note("lost", f"outbox row of {row['event_id']}: {row['status']} ({row['reason']})")
    return verdict


def _answers(verdict: Verdict, told: Sequence[Told]) -> dict[str, list[Told]]:
    """The accepted posts by event id, the copies of one event together."""
    by_id: dict[str, list[Told]] = {}
    ids: dict[str, set[str]] = {}
    for one in told:
        _answered(verdict, one)
        if not one.post.poison:
            by_id.setdefault(one.event_id, []).append(one)
            ids.setdefault(one.post.key, set()).add(one.event_id)
    for key, given in ids.items():
        if len(given) > 1:
            verdict.note("answers", f"{key} was given {len(given)} event ids")
    for event_id, posts in by_id.items():
        if len({one.post.key for one in posts}) > 1:
            verdict.note("answers", f"{event_id} stands for several events")
    verdict.accepted = len(by_id)
    return by_id


def _answered(verdict: Verdict, one: Told) -> None:
    post = one.post
    if one.status not in ({413, 422} if post.poison else {202}):
        verdict.note("answers", f"post {post.number} ({post.kind}) ended with {one.status}")
    for status in one.odd:
        if status != UNAVAILABLE:
            verdict.note("answers", f"post {post.number} was answered {status}")


def _ledger(
    verdict: Verdict, originals: Mapping[str, Sequence[Told]], rows: Sequence[Row]
) -> list[Happened]:
    verdict.ledger = len(rows)
    kept = {row["event_id"]: row for row in rows}
    if len(kept) != len(rows):
        verdict.note("doubled", "an event stands in the ledger twice")
    for event_id in kept.keys() - originals.keys():
        verdict.note("doubled", f"the ledger holds {event_id}, which nobody was told of")
    happened = []
    for event_id, posts in originals.items():
        post, row = posts[0].post, kept.get(event_id)
        if post.said is None or post.kills:
            continue
        if row is None:
            verdict.note("lost", f"{event_id} ({post.kind} of {post.contact}) is not in the ledger")
            continue
        event = Happened(event_id, row["received_at"], post.contact, post.kind, post.said)
        happened.append(event)
        _times(verdict, event, posts, row)
        if row["manychat_id"] != post.contact:
            verdict.note("state", f"{event_id} went to {row['manychat_id']}, not {post.contact}")
    return happened


def _times(verdict: Verdict, event: Happened, posts: Sequence[Told], row: Row) -> None:
    spans = [span for one in posts for span in one.attempts]
    if not any(sent <= event.received <= heard for sent, heard in spans):
        verdict.note("state", f"{event.event_id} arrived at {event.received}: nobody sent it then")
    if row["occurred_at"] != event.occurred:
        verdict.note(
            "state", f"{event.event_id} occurred {row['occurred_at']}, due {event.occurred}"
        )


def _dead_letters(
    verdict: Verdict,
    told: Sequence[Told],
    originals: Mapping[str, Sequence[Told]],
    rows: Sequence[Row],
) -> None:
    """Each poison is kept at least once, each killer once, and nothing else."""
    verdict.dead = len(rows)
    kept = {row["event_id"] for row in rows}
    killers = {event_id for event_id, posts in originals.items() if posts[0].post.kills}
    for event_id in killers - kept:
        verdict.note("dead letters", f"killer {event_id} is not among them")
    for one in told:
        if one.post.poison and one.event_id not in kept:
            verdict.note("lost", f"poison {one.post.number} ({one.event_id}) was not kept")
    others = [row for row in rows if not (row["event_id"] in killers and "poison" in row["reason"])]
    attempts = {one.post.poison: len(one.attempts) for one in told if one.post.poison}
    letters: Counter[str] = Counter()
    for row in others:
        marks = [mark for mark in attempts if mark in row["payload"]]
        letters.update(marks)
        if not marks:
            where = f"{row['event_id']} at {row['hop']}"
            verdict.note("dead letters", f"{where} is no poison ({row['reason']})")
    for mark, times in letters.items():
        if times > attempts[mark]:
            verdict.note("doubled", f"{times} dead letters of {attempts[mark]} posts ({mark})")


def compare_mirror(
    verdict: Verdict, wanted: Mapping[str, Wanted], mirror: Mirror, *, synced: bool
) -> None:
    """Note where the mirror differs; `synced`: with what it copies of Odoo's answers."""
    ids = list(wanted)
    contacts, states = mirror.contacts(ids), _grouped(mirror.states(ids), "manychat_id")
    campaigns = _grouped(mirror.campaigns(ids), "manychat_id")
    for contact, want in wanted.items():
        row = contacts.get(contact)
        if row is None:
            verdict.note("lost", f"contact {contact} is not in the mirror")
            continue
        for key, column in CONTACT_COLUMNS.items():
            _same(verdict, f"mirror {contact} {column}", row[column], want.values.get(key))
        seen = [(state["event_id"], state["state"]) for state in states.get(contact, ())]
        if seen != want.states:
            verdict.note("history", f"mirror {contact}: {_difference(seen, want.states)}")
        _campaigns(verdict, contact, want, campaigns.get(contact, ()))
        if synced:
            _synced(verdict, contact, want, row, campaigns.get(contact, ()))


def _campaigns(verdict: Verdict, contact: str, want: Wanted, rows: Iterable[Row]) -> None:
    found = {row["campaign"]: row for row in rows}
    _same(verdict, f"mirror {contact} campaigns", set(found), set(want.campaigns))
    for campaign in found.keys() & want.campaigns.keys():
        row, due = found[campaign], want.campaigns[campaign]
        for key in ("last_state", "summary", "registration_date"):
            _same(verdict, f"mirror {contact} in {campaign} {key}", row[key], due[key])
        for role in ("commercial", "medical"):
            name = f"{role}_advisor_ref"
            _same(verdict, f"mirror {contact} in {campaign} {name}", row[name], due[role])


def _synced(
    verdict: Verdict, contact: str, want: Wanted, row: Row, campaigns: Sequence[Row]
) -> None:
    _same(verdict, f"mirror {contact} odoo_sync_status", row["odoo_sync_status"], "success")
    _same(verdict, f"mirror {contact} odoo_stage", row["odoo_stage"], want.stage)
    if row["odoo_active"] is not None:
        _same(verdict, f"mirror {contact} odoo_active", bool(row["odoo_active"]), want.active)
    stages = {campaign["campaign"]: campaign["lead_state"] for campaign in campaigns}
    due = {name: campaign["lead_state"] for name, campaign in want.campaigns.items()}
    _same(verdict, f"mirror {contact} lead_state", stages, due)
    for date in DATES:
        places = {one["campaign"]: one[date] for one in campaigns if one[date]}
        may = want.date_campaigns.get(date, set())
        due_times = [want.dates[date]] if date in want.dates and want.campaigns else []
        _same(verdict, f"mirror {contact} {date}", list(places.values()), due_times)
        if not set(places) <= may:
            verdict.note("state", f"mirror {contact} {date} stands in {set(places)}, not {may}")


def _odoo(
    verdict: Verdict,
    wanted: Mapping[str, Wanted],
    leads: Leads,
    ids: Sequence[str],
    event_ids: Sequence[str],
) -> None:
    found = leads.leads(ids)
    lead_ids = [lead["id"] for group in found.values() for lead in group]
    history = leads.history(lead_ids)
    for contact, want in wanted.items():
        group = found.get(contact, [])
        if len(group) != 1:
            kind = "doubled" if group else "lost"
            verdict.note(kind, f"odoo {contact}: {len(group)} leads")
            continue
        _lead(verdict, contact, want, group[0])
        _history(verdict, contact, want, history.get(group[0]["id"], ()))
    kept = Counter(leads.events(ids))
    for event_id in set(event_ids) - kept.keys():
        verdict.note("lost", f"odoo never heard of {event_id}")
    for event_id in kept.keys() - set(event_ids):
        verdict.note("doubled", f"odoo heard of {event_id}, which the mirror did not keep")


def _lead(verdict: Verdict, contact: str, want: Wanted, lead: Row) -> None:
    values = want.lead_values
    title, person = lead_name(contact, values)
    pairs: list[tuple[str, Any]] = [
        ("name", title), ("contact_name", person or None), ("stage_id", want.stage),
        ("manychat_state", want.state), ("manychat_state_date", want.state_date),
        ("manychat_unmapped", want.unmapped), ("active", want.active),
    ]  # fmt: skip
    for key, column in LEAD_COLUMNS.items():
        value = values.get(key)
        pairs.append((column, whole(value) if isinstance(value, datetime) else value))
    for role in ("commercial", "medical"):
        user, text = advisor(values.get(role))
        pairs += [(f"manychat_{role}_id", user or None), (f"manychat_{role}_ref", text or None)]
    if want.salesperson:
        pairs.append(("user_id", want.salesperson))
    pairs += [(date, want.dates.get(date)) for date in DATES]
    for column, due in pairs:
        _same(verdict, f"odoo {contact} {column}", lead[column], due)


def _history(verdict: Verdict, contact: str, want: Wanted, rows: Iterable[Row]) -> None:
    seen = [
        (row["event_id"], row["state"], row["occurred_at"], row["stage_id"], row["changed"])
        for row in rows
    ]
    if seen != want.history:
        verdict.note("history", f"odoo {contact}: {_difference(seen, want.history)}")


def _same(verdict: Verdict, what: str, seen: Any, due: Any) -> None:
    if seen != due:
        verdict.note("state", f"{what} is {seen!r}, due {due!r}")


def _difference(seen: Sequence[Any], due: Sequence[Any]) -> str:
    """Where two histories part."""
    for place, pair in enumerate(zip(seen, due, strict=False)):
        if pair[0] != pair[1]:
            return f"row {place} is {pair[0]}, due {pair[1]}"
    return f"{len(seen)} rows, due {len(due)}"


def _grouped(rows: Iterable[Row], key: str) -> dict[str, list[Row]]:
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row[key], []).append(row)
    return groups
