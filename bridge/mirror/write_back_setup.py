"""How writing back is set up in Odoo: kept here as the change feed last told it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from bridge.mirror import write_back
from bridge.mirror.base import Base
from bridge.mirror.items import dumps
from bridge.mirror.types import code, typed

OFF, RECORD, ON = "off", "record", "on"
MODES = (OFF, RECORD, ON)
FACTS = ("stage", "commercial", "medical", "lead_id")
"""What can be kept in a custom field of ManyChat."""
_ONLY = "odoo"


class WriteBackSetup(Base):
    """The one row of what Odoo's settings say, as JSON."""

    __tablename__ = "Write_Back_Setup"

    name: Mapped[str] = mapped_column(code(40), primary_key=True)
    body: Mapped[str] = mapped_column(typed())


@dataclass(frozen=True)
class Setup:
    """`mode` is off, record (a dry run) or on; `fields` names ManyChat's field of each fact."""

    mode: str = OFF
    fields: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_off(self) -> bool:
        return self.mode == OFF

    @property
    def really(self) -> bool:
        """Whether ManyChat is to be told, and not only this mirror."""
        return self.mode == ON


def read_setup(raw: Any) -> Setup:
    """What the feed said; off for anything that is not understood."""
    if not isinstance(raw, Mapping) or raw.get("mode") not in MODES:
        return Setup()
    given = raw.get("fields")
    named = given if isinstance(given, Mapping) else {}
    fields = {fact: str(named[fact]).strip() for fact in FACTS if named.get(fact)}
    return Setup(raw["mode"], {fact: name for fact, name in fields.items() if name})


def current(session: Session) -> Setup:
    """The setup in force; off before Odoo told any."""
    body = session.execute(_body()).scalar()
    return Setup() if body is None else read_setup(json.loads(body))


def keep(session: Session, setup: Setup) -> bool:
    """Let this setup be in force; False if it is already.

    What waits is not sent when writing back stops: it would be old by the time it starts again.
    """
    before, body = session.execute(_body()).scalar(), dumps(asdict(setup))
    if before == body or (before is None and setup == Setup()):
        return False
    if before is None:
        # two that come here together meet at the primary key; the loser's transaction fails
        session.execute(insert(WriteBackSetup).values(name=_ONLY, body=body))
    else:
        session.execute(
            update(WriteBackSetup).where(WriteBackSetup.name == _ONLY).values(body=body)
        )
    if not setup.really:
        write_back.drop_waiting(session)
    return True


def _body() -> Any:
    return select(WriteBackSetup.body).where(WriteBackSetup.name == _ONLY)
