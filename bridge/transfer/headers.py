"""Which field a column of an export is, by its header: Spanish, English, the webhooks' names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bridge.errors import PermanentError
from bridge.events.cleaning.text import fold
from bridge.events.spellings import SPELLINGS

# Of a field's names the first is the one that the column of the newest value has.
ALSO: Mapping[str, tuple[str, ...]] = {
    "manychat_id": ("Subscriber ID", "Contact ID", "User ID", "ID de ManyChat", "ID ManyChat",
                    "ID de contacto", "ID suscriptor", "ID"),
    "occurred_at": ("Fecha del estado", "Fecha último estado", "Fecha de actualización",
                    "State date",
                    "Last interaction", "Última interacción", "Updated at", "Created at",
                    "Fecha de registro del estado", "Fecha", "Date"),
    "first_name": ("First name", "Nombre", "Nombres", "Full name", "Nombre completo",
                   "Nombre y apellido", "Name", "Nombre del lead", "Contacto"),
    "last_name": ("Last name", "Apellido", "Apellidos", "Apellido del lead"),
    "phone": ("WhatsApp phone", "WhatsApp ID", "Teléfono WhatsApp", "Phone number", "Phone",
              "Celular", "Móvil", "Número", "Número de WhatsApp", "Telf"),
    "email": ("E-mail", "Correo", "Correo electrónico", "Email address"),
    "gender": ("Sexo",),
    "channel": ("Canal de entrada", "Canal", "Source", "Origen", "Fuente"),
    "subscribed_at": ("Fecha de suscripción", "Subscribed", "Subscribed at", "Suscrito",
                      "Opt-in date"),
    "entry_date": ("Fecha de entrada", "Fecha de ingreso", "Entry date"),
    "registered_at": ("Fecha de registro", "Fecha de asignación"),
    "initial_state": ("Estado inicial",),
    "state": ("Último estado", "Estado actual", "Estado", "Etapa", "Stage name", "Lead state"),
    "category": ("Categoría",),
    "summary": ("Resumen", "Observaciones", "Comentario", "Notas", "Notes"),
    "campaign": ("Campaña", "Nombre de campaña", "Campaign name"),
    "commercial": ("Asesor comercial", "Asesora comercial", "Comercial", "Vendedor", "Salesperson"),
    "medical": ("Asesor médico", "Médico", "Doctor", "Doctora", "Medical advisor"),
    "street": ("Dirección", "Calle", "Address"),
    "district": ("Distrito",),
    "city": ("Ciudad",),
    "province": ("Provincia", "Departamento", "Región"),
    "country": ("País",),
}  # fmt: skip
_NOT_OURS = frozenset({"event_id", "stage_id", "advisor", "assignment_kind", "registration_date"})
_AMBIGUOUS = frozenset({"state.stage", "state.summary", "state.date", "state.stage_id"})


def _names() -> dict[str, tuple[str, int]]:
    """Folded header → the field, and how much it is preferred (less is more)."""
    found: dict[str, tuple[str, int]] = {}
    for key, spellings in SPELLINGS.items():
        if key in _NOT_OURS:
            continue
        names = [*(s for s in spellings if s not in _AMBIGUOUS), *ALSO.get(key, ())]
        for place, name in enumerate(names):
            found.setdefault(fold(name), (key, place))
    return found


_BY_NAME = _names()


def guess(headers: Sequence[str], given: Mapping[str, str] | None = None) -> dict[int, str]:
    """Column → field of an event, for the columns that are one; `given` (header → field) wins.

    Raises PermanentError: `unknown_field` (in `given`), `no_manychat_id` (no column is the id).
    """
    wanted = {fold(header): key for header, key in (given or {}).items()}
    unknown = sorted(set(wanted.values()) - SPELLINGS.keys() - {""})
    if unknown:
        raise PermanentError("unknown_field", ", ".join(unknown))
    found = {}
    for column, header in enumerate(headers):
        key = wanted.get(fold(header), _BY_NAME.get(fold(header), ("", 0))[0])
        if key:
            found[column] = key
    if "manychat_id" not in found.values():
        raise PermanentError("no_manychat_id", "no column is ManyChat's id; name it with --column")
    return found


def preference(header: str) -> int:
    """Of several columns of one field, the one with the least number is read first."""
    folded = fold(header)
    # ManyChat's own phone is often another number than the one that chats
    return -1 if "whatsapp" in folded else _BY_NAME.get(folded, ("", -1))[1]
