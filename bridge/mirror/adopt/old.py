"""The predecessor's tables as they are: every value as the driver gives it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, date, datetime, time, tzinfo
from typing import Any

from sqlalchemy import TableClause, column, func, inspect, select, table
from sqlalchemy.orm import Session

from bridge.events.cleaning.dates import read_time
from bridge.mirror.chunks import MOST_KEYS

Raw = dict[str, Any]

TABLES = (
    "Channel", "Campaign", "Advisor", "Contact", "Contact_State", "Campaign_Contact", "Address",
)  # fmt: skip
DATES: Mapping[str, tuple[str, ...]] = {
    "Campaign": ("date_start", "date_end"),
    "Advisor": ("created_at", "updated_at"),
    "Contact": ("subscription_date", "entry_date"),
    "Contact_State": ("created_at",),
    "Campaign_Contact": (
        "registration_date", "commercial_assignment_date", "commercial_process_start_date",
        "medical_assignment_date", "medical_process_start_date", "medical_process_end_date",
        "quotation_start_date", "sale_order_date", "successful_sale_date",
        "conversation_closed_date",
    ),
}  # fmt: skip


class Old:
    """Reads the tables through untyped columns: the models would choke on some of the values."""

    def __init__(self, session: Session) -> None:
        self.session = session
        there = inspect(session.connection())
        self.columns = {
            name: tuple(found["name"] for found in there.get_columns(name))
            for name in there.get_table_names()
        }

    def table(self, name: str) -> TableClause:
        return table(name, *map(column, self.columns[name]))

    def rows(self, name: str, **where: Collection[Any]) -> list[Raw]:
        """The rows whose column has one of the given values, by id; all without any."""
        read = self.table(name)
        statement = select(*read.c).order_by(read.c.id)
        if not where:
            return [dict(row._mapping) for row in self.session.execute(statement)]
        [(key, values)] = where.items()
        wanted, found = list(values), []
        for start in range(0, len(wanted), MOST_KEYS):
            part = statement.where(read.c[key].in_(wanted[start : start + MOST_KEYS]))
            found += [dict(row._mapping) for row in self.session.execute(part)]
        return found

    def count(self, name: str) -> int:
        """How many rows there are; 0 for a table that is not there."""
        if name not in self.columns:
            return 0
        return self.session.execute(select(func.count()).select_from(self.table(name))).scalar_one()


class Zone:
    """Dates as the predecessor wrote them, naive ones in `zone`, to UTC.

    `utc` names the columns (`Table.column`) that carried a zone before their type was changed.
    """

    def __init__(self, zone: tzinfo, utc: Iterable[str] = ()) -> None:
        self._zone = zone
        self._utc = frozenset(utc)

    def moment(self, name: str, value: Any) -> datetime | None:
        """The aware UTC datetime of a raw value of column `name`; None if it is not one."""
        zone = UTC if name in self._utc else self._zone
        if isinstance(value, str):
            when = read_time(value, zone).value
            return when and when.start
        if isinstance(value, date) and not isinstance(value, datetime):
            value = datetime.combine(value, time())
        if not isinstance(value, datetime):
            return None
        return (value if value.tzinfo else value.replace(tzinfo=zone)).astimezone(UTC)

    def dates_of(self, table: str, row: Raw) -> dict[str, datetime | None]:
        """The row's date columns in UTC."""
        names = [name for name in DATES.get(table, ()) if name in row]
        return {name: self.moment(f"{table}.{name}", row[name]) for name in names}
