"""The ways into Odoo that are compared, each a function of one run's traffic."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from benchmarks.traffic import CALL, Event, Traffic, in_calls
from bridge.odoo.client import OdooClient
from devstack.odoo_server import OdooServer

LEAD = "crm.lead"
PERSON = "res.partner"
CONTEXT_KEY = "bench_events"
# The batch method as it is, told by Odoo's own switch to leave no trace: what a trace costs.
UNTRACKED = f"""
sync = env["crm.lead"]._manychat_as_sync(env.company).with_context(mail_notrack=True)
action = {{"results": sync._manychat_sync_batch(env.context["{CONTEXT_KEY}"])}}
"""


@dataclass(frozen=True)
class Doors:
    """One server's clients: the bridge's user, a salesperson, and an action without trace."""

    server: OdooServer

    @cached_property
    def bridge(self) -> OdooClient:
        return self._client(self.server.bridge_login, self.server.bridge_key)

    @cached_property
    def seller(self) -> OdooClient:
        # A password costs 0.3 s a call: with one, everything would look fast beside it.
        login = self.server.salesperson_login
        return self._client(login, self.server.make_key(login))

    @cached_property
    def seller_id(self) -> int:
        domain = [("login", "=", self.server.salesperson_login)]
        return int(self._admin.call("res.users", "search", domain)[0])

    @cached_property
    def stages(self) -> dict[str, int]:
        team = self.seller.call("crm.team", "search", [("name", "ilike", "ManyChat")])
        owner = "team_ids" if self.server.source.series == "19.0" else "team_id"
        rows = self.seller.call("crm.stage", "search_read", [(owner, "in", team)], ["name"])
        return {row["name"]: row["id"] for row in rows}

    @cached_property
    def untracked_action(self) -> int:
        [model] = self._admin.call("ir.model", "search", [("model", "=", LEAD)])
        values = {"name": "bench", "model_id": model, "state": "code", "code": UNTRACKED}
        return int(self._admin.call("ir.actions.server", "create", values))

    @cached_property
    def sources(self) -> dict[str, int]:
        rows = self.seller.call("utm.source", "search_read", [], ["name"])
        return {row["name"]: row["id"] for row in rows}

    @cached_property
    def _admin(self) -> OdooClient:
        return self._client(self.server.admin_login, self.server.admin_password)

    def _client(self, login: str, secret: str) -> OdooClient:
        return OdooClient(self.server.url, self.server.db, login, secret)


Way = Callable[[Doors, Traffic], None]


def prepare(doors: Doors, traffic: Traffic) -> None:
    """Make the leads that the traffic moves, as the batch method makes them."""
    for call in in_calls(traffic.seed):
        _accept(doors.bridge.call(LEAD, "manychat_sync", call))


def prepare_naive(doors: Doors, traffic: Traffic) -> None:
    """Make the leads that the naive traffic moves."""
    doors.seller.call(LEAD, "create", [_lead_values(doors, event) for event in traffic.seed])


def batched(doors: Doors, traffic: Traffic) -> None:
    """The batch method, 100 a call: ledger, history and chatter kept."""
    for call in traffic.calls():
        _accept(doors.bridge.call(LEAD, "manychat_sync", call))


def untracked(doors: Doors, traffic: Traffic) -> None:
    """The same without any trace in the chatter: the ceiling."""
    for call in traffic.calls():
        context = {CONTEXT_KEY: call}
        answer = doors.seller.call(
            "ir.actions.server", "run", [doors.untracked_action], context=context
        )
        _accept(answer["results"])


def naive(doors: Doors, traffic: Traffic) -> None:
    """One event a call: search, then create or write, as a client does that knows no better."""
    for event in traffic.events:
        ids = doors.seller.call(LEAD, "search", [("referred", "=", event["manychat_id"])], limit=1)
        if ids:
            stage = doors.stages[event["values"]["state"]]
            doors.seller.call(LEAD, "write", ids, {"stage_id": stage})
        else:
            doors.seller.call(LEAD, "create", _lead_values(doors, event))


def prepare_five_calls(doors: Doors, traffic: Traffic) -> None:
    """Make the leads and the people that the predecessor's traffic moves."""
    prepare_naive(doors, traffic)
    doors.seller.call(PERSON, "create", [_person_values(event) for event in traffic.seed])


def five_calls(doors: Doors, traffic: Traffic) -> None:
    """As the predecessor did: find the person, write it, find the lead, write it, read it back."""
    for event in traffic.events:
        known = [("ref", "=", event["manychat_id"])]
        people = doors.seller.call(PERSON, "search", known, limit=1)
        if people:
            doors.seller.call(PERSON, "write", people, {"ref": event["manychat_id"]})
        else:
            doors.seller.call(PERSON, "create", _person_values(event))
        ids = doors.seller.call(LEAD, "search", [("referred", "=", event["manychat_id"])], limit=1)
        if ids:
            stage = doors.stages[event["values"]["state"]]
            doors.seller.call(LEAD, "write", ids, {"stage_id": stage})
        else:
            ids = [doors.seller.call(LEAD, "create", _lead_values(doors, event))]
        doors.seller.call(LEAD, "read", ids, ["stage_id"])


def one_bad(doors: Doors, traffic: Traffic) -> None:
    """One event of a wrong type in each call."""
    for call in traffic.calls():
        broken = dict(call[50], values={"phone": 5})
        results = doors.bridge.call(LEAD, "manychat_sync", [*call[:50], broken, *call[51:]])
        _accept(results, rejected=1)


def one_failing(doors: Doors, traffic: Traffic) -> None:
    """One event in each call that reads well and that the database refuses."""
    for call in traffic.calls():
        broken = dict(call[50], manychat_id=f"boom-{call[50]['event_id']}")
        results = doors.bridge.call(LEAD, "manychat_sync", [*call[:50], broken, *call[51:]])
        _accept(results, rejected=1)


def one_failing_change(doors: Doors, traffic: Traffic) -> None:
    """One move of a known lead in each call that the database refuses."""
    for call in traffic.calls():
        place = next(n for n in range(50, CALL) if call[n]["type"] == "stage")
        broken = dict(call[place], values={**call[place]["values"], "summary": "boom"})
        results = doors.bridge.call(
            LEAD, "manychat_sync", [*call[:place], broken, *call[place + 1 :]]
        )
        _accept(results, rejected=1)


def _accept(results: list[dict[str, Any]], rejected: int = 0) -> None:
    found = [result["message"] for result in results if result["status"] == "rejected"]
    if len(results) > CALL or len(found) != rejected:
        raise AssertionError(f"{len(found)} of {len(results)} events were rejected: {found[:1]}")


def _person_values(event: Event) -> dict[str, Any]:
    values = event["values"]
    return {
        "name": f"{values['first_name']} {values['last_name']}",
        "phone": values["phone"],
        "email": values["email"],
        "ref": event["manychat_id"],
    }


def _lead_values(doors: Doors, event: Event) -> dict[str, Any]:
    values = event["values"]
    name = f"{values['first_name']} {values['last_name']}"
    return {
        "type": "opportunity",
        "name": name,
        "contact_name": name,
        "phone": values["phone"],
        "email_from": values["email"],
        "referred": event["manychat_id"],
        "source_id": doors.sources.get(values["channel"], False),
        "stage_id": doors.stages[values["state"]],
        "user_id": doors.seller_id,
    }
