"""What mirror and Odoo really hold, read by SQL and JSON-RPC, in the oracle's terms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import requests
from sqlalchemy import NullPool, bindparam, create_engine, text

from devstack.odoo_server import OdooServer
from devstack.people import Login

DATES = (
    "commercial_assignment_date", "commercial_process_start_date", "medical_assignment_date",
    "medical_process_start_date", "medical_process_end_date", "quotation_start_date",
    "sale_order_date", "successful_sale_date", "conversation_closed_date",
)  # fmt: skip
LEAD_FIELDS = [
    "name", "contact_name", "phone", "email_from", "street", "street2", "city", "stage_id",
    "source_id", "campaign_id", "manychat_id", "manychat_state", "manychat_state_date",
    "manychat_unmapped", "manychat_gender", "manychat_summary", "manychat_initial_state",
    "manychat_subscribed_at", "manychat_entry_date", "manychat_commercial_id",
    "manychat_commercial_ref", "manychat_medical_id", "manychat_medical_ref", "user_id", "active",
    *DATES,
]  # fmt: skip
Row = dict[str, Any]
SLICE = 500


class Mirror:
    """The mirror's tables, of whichever kind of database; times come back aware."""

    def __init__(self, url: str) -> None:
        self._engine = create_engine(url, pool_pre_ping=True, poolclass=NullPool)

    def rows(self, statement: str, **values: Any) -> list[Row]:
        """A value that is a list stands for `IN :name`."""
        lists = [bindparam(name, expanding=True) for name, v in values.items() if type(v) is list]
        with self._engine.connect() as connection:
            found = connection.execute(text(statement).bindparams(*lists), values)
            return [_aware(dict(row)) for row in found.mappings()]

    def contacts(self, ids: Sequence[str]) -> dict[str, Row]:
        found = self.rows(
            'SELECT c.*, h.name AS channel, a.street, a.district, a.city FROM "Contact" c '
            'LEFT JOIN "Channel" h ON h.id = c.channel_id '
            'LEFT JOIN "Address" a ON a.contact_id = c.id WHERE c.manychat_id IN :ids',
            ids=list(ids),
        )
        return {row["manychat_id"]: row for row in found}

    def ledger(self, since: datetime) -> list[Row]:
        return self.rows(
            'SELECT l.event_id, l.occurred_at, l.received_at, c.manychat_id FROM "Ledger" l '
            'JOIN "Contact" c ON c.id = l.contact_id WHERE l.received_at >= :since',
            since=since.replace(tzinfo=None),
        )

    def dead_letters(self, since: datetime) -> list[Row]:
        return self.rows(
            'SELECT event_id, hop, reason, payload FROM "Dead_Letter" WHERE received_at >= :since',
            since=since.replace(tzinfo=None),
        )

    def states(self, ids: Sequence[str]) -> list[Row]:
        """In clock order, compared bytewise."""
        found = self.rows(
            'SELECT c.manychat_id, s.event_id, s.state, s.clock FROM "Contact_State" s '
            'JOIN "Contact" c ON c.id = s.contact_id WHERE c.manychat_id IN :ids',
            ids=list(ids),
        )
        return sorted(found, key=lambda row: str(row["clock"]))

    def campaigns(self, ids: Sequence[str]) -> list[Row]:
        return self.rows(
            'SELECT c.manychat_id, g.name AS campaign, k.* FROM "Campaign_Contact" k '
            'JOIN "Contact" c ON c.id = k.contact_id '
            'LEFT JOIN "Campaign" g ON g.id = k.campaign_id WHERE c.manychat_id IN :ids',
            ids=list(ids),
        )

    def waiting(self) -> dict[str, int]:
        """How many rows are still on their way."""
        [row] = self.rows(
            "SELECT (SELECT count(*) FROM \"Outbox\" WHERE status <> 'success' AND NOT parked) "
            'AS outbox, (SELECT count(*) FROM "Inbox") AS inbox, '
            '(SELECT count(*) FROM "Write_Back" WHERE next_attempt_at IS NOT NULL) AS to_manychat'
        )
        return row

    def unfinished(self) -> list[Row]:
        return self.rows(
            "SELECT event_id, status, parked, reason FROM \"Outbox\" WHERE status <> 'success'"
        )

    def sent(self, ids: Sequence[str]) -> list[str]:
        """The ids of the events of these contacts that went, or go, to Odoo."""
        found = self.rows(
            'SELECT o.event_id FROM "Outbox" o JOIN "Contact" c ON c.id = o.contact_id '
            "WHERE c.manychat_id IN :ids",
            ids=list(ids),
        )
        return [row["event_id"] for row in found]

    def untold(self) -> list[Row]:
        """What ManyChat will not be told any more, although it should."""
        return self.rows(
            "SELECT name, status, reason FROM \"Write_Back\" WHERE status <> 'success'"
        )

    def tells_manychat(self) -> bool:
        """Whether it has heard that ManyChat is to be told of leads."""
        return bool(self.rows('SELECT name FROM "Write_Back_Setup" WHERE body LIKE \'%"on"%\''))

    def read_up_to(self) -> int:
        """The number of the last change of Odoo's feed that is in the mirror."""
        rows = self.rows("SELECT cursor FROM \"Feed\" WHERE name = 'odoo'")
        return int(rows[0]["cursor"].rpartition(":")[2]) if rows else 0


def _aware(row: Row) -> Row:
    """The mirror keeps naive UTC, which SQLite hands out as text."""
    for key, value in row.items():
        is_text = isinstance(value, str) and key.endswith(("_at", "_date"))
        moment = datetime.fromisoformat(value) if is_text else value
        if isinstance(moment, datetime):
            row[key] = moment.replace(tzinfo=UTC)
    return row


class Refused(RuntimeError):
    """Odoo answered with an error; `name` is its class."""

    def __init__(self, error: Mapping[str, Any]) -> None:
        self.name = str(error["data"]["name"])
        super().__init__(f"{self.name}: {error['data']['message']}")


class User:
    """Somebody who works in Odoo, through JSON-RPC."""

    def __init__(self, odoo: OdooServer, login: Login) -> None:
        self._odoo, self._login = odoo, login
        self._uid: int | None = None

    def call(self, model: str, method: str, *args: Any, **more: Any) -> Any:
        """What the method returns. Raises Refused, or requests' errors when Odoo is away."""
        db, password = self._odoo.db, self._login.password
        if self._uid is None:
            self._uid = self._rpc("common", "authenticate", db, self._login.login, password, {})
        return self._rpc("object", "execute_kw", db, self._uid, password, model, method, args, more)

    def _rpc(self, service: str, name: str, *args: Any) -> Any:
        call = {"service": service, "method": name, "args": args}
        body = {"jsonrpc": "2.0", "method": "call", "params": call}
        answer = requests.post(f"{self._odoo.url}/jsonrpc", json=body, timeout=120).json()
        if "error" in answer:
            raise Refused(answer["error"])
        return answer["result"]


class Leads:
    """Odoo's records, as its administrator sees them."""

    def __init__(self, odoo: OdooServer) -> None:
        self._admin = User(odoo, odoo.people.admin)

    def leads(self, ids: Sequence[str]) -> dict[str, list[Row]]:
        """Every lead of each contact, archived ones too; times aware."""
        found: dict[str, list[Row]] = {}
        for part in _slices(ids):
            domain = [["manychat_id", "in", part], ["active", "in", [True, False]]]
            for row in self._read("crm.lead", domain, LEAD_FIELDS):
                found.setdefault(row["manychat_id"], []).append(_cleaned(row))
        return found

    def history(self, lead_ids: Sequence[int]) -> dict[int, list[Row]]:
        """Each lead's history in clock order."""
        fields = ["lead_id", "event_id", "state", "occurred_at", "stage_id", "changed", "kind"]
        found: dict[int, list[Row]] = {}
        for part in _slices(lead_ids):
            rows = self._read(
                "manychat.stage.history", [["lead_id", "in", part]], fields, order="clock, id"
            )
            for row in rows:
                found.setdefault(row["lead_id"][0], []).append(_cleaned(row))
        return found

    def events(self, ids: Sequence[str]) -> list[str]:
        """The ids of the events that Odoo's own ledger holds."""
        return [
            row["event_id"]
            for part in _slices(ids)
            for row in self._read("manychat.event", [["manychat_id", "in", part]], ["event_id"])
        ]

    def last_change(self) -> int:
        """The id of the newest change that anybody made."""
        rows = self._read("manychat.change", [], ["id"], order="id desc", limit=1)
        return int(rows[0]["id"]) if rows else 0

    def changes(self, after: int) -> list[Row]:
        """What the feed tells, or will tell, of what was done after the change `after`."""
        fields = ["manychat_id", "kind", "clock", "values"]
        return self._read("manychat.change", [["id", ">", after]], fields, order="id")

    def unread(self, number: int) -> int:
        """How many changes the bridge has not read yet that has read up to `number`."""
        domain = ["|", ["number", "=", False], ["number", ">", number]]
        return int(self._admin.call("manychat.change", "search_count", domain))

    def tell_manychat(self, fields: Mapping[str, str]) -> None:
        """Have ManyChat told of leads: its custom fields by fact."""
        names = {f"back_{fact}": name for fact, name in fields.items()} | {"write_back": "on"}
        for name, value in names.items():
            self._admin.call("ir.config_parameter", "set_param", f"miasalud_crm.{name}", value)

    def _read(self, model: str, domain: Any, fields: Sequence[str], **more: Any) -> list[Row]:
        rows: list[Row] = self._admin.call(model, "search_read", domain, list(fields), **more)
        return rows


def _slices(ids: Sequence[Any]) -> Iterator[list[Any]]:
    for start in range(0, len(ids), SLICE):
        yield list(ids[start : start + SLICE])


def _cleaned(row: Row) -> Row:
    """Names of records, aware times, None for what is not set."""
    return {key: _value(key, value) for key, value in row.items()}


def _value(key: str, value: Any) -> Any:
    if key == "lead_id" or key in {"changed", "manychat_unmapped", "active"}:
        return value
    if value is False:
        return None
    if isinstance(value, list):
        return value[1]
    if isinstance(value, str) and (key.endswith("_at") or key.endswith("_date")):
        return datetime.fromisoformat(value).replace(tzinfo=UTC)
    return value
