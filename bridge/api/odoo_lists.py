"""What the live lists of leads and of contacts in Odoo share: pages, filters, checked rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Generic, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bridge.api.problems import OdooAway
from bridge.api.record_lists import spellings_of_email, spellings_of_phone
from bridge.log import get_logger

Row = TypeVar("Row", bound=BaseModel)
_log = get_logger(__name__)


class Asked(BaseModel):
    """What a row has to be; everything that is given has to fit."""

    model_config = ConfigDict(extra="forbid")

    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    size: Annotated[int, Field(ge=1, le=200)] = 50
    manychat_id: str | None = None
    phone: Annotated[str | None, Field(description="In any form that webhooks take.")] = None
    email: str | None = None

    def filters(self, region: str) -> dict[str, Any]:
        """The texts that were given, as the addon takes them: of each list one has to fit."""
        spellings: dict[str, Callable[[str], list[str]]] = {
            "manychat_id": lambda text: [text],
            "phone": lambda text: spellings_of_phone(text, region),
            "email": spellings_of_email,
            "state": lambda text: [text],
        }
        given = {key: getattr(self, key, None) for key in spellings}
        return {
            key: [without_nul(spelled) for spelled in spellings[key](text)] if text else []
            for key, text in given.items()
            if text is not None
        }


class Page(BaseModel, Generic[Row]):
    """One page of rows."""

    items: list[Row]
    total: int
    page: int
    size: int
    pages: int

    @classmethod
    def of(cls, items: list[Row], total: int, asked: Asked) -> Self:
        """The page that was asked for, of `total` rows in all."""
        pages = -(-total // asked.size)
        return cls(items=items, total=total, page=asked.page, size=asked.size, pages=pages)


def without_nul(text: str) -> str:
    """The text for PostgreSQL, which takes no NUL; no text that holds one was ever kept."""
    return text.replace("\x00", "")


def checked(model: type[Row], row: Mapping[str, Any]) -> Row:
    """What Odoo answered. Raises OdooAway where that is no such row."""
    try:
        return model.model_validate(row)
    except ValidationError:
        _log.warning("odoo_asked_in_vain", code="odoo_bad_answer")
        # the cause would repeat the person
        raise OdooAway(code="odoo_bad_answer") from None
