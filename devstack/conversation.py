"""The demo's conversation: invented people, and how each of their leads must look after it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

CONTACT, ASSIGNMENT, STAGE = "contact", "campaign-assignment", "stage-change"

ROSA, TEOFILO, MILAGROS = "MC-DEMO-1", "MC-DEMO-2", "MC-DEMO-3"


@dataclass(frozen=True)
class Step:
    """One webhook call: `body` gets `datetime_actual`, `minute` minutes into the conversation.

    `alone` waits until everything before it is in the mirror, so that order is what it shows.
    """

    shows: str
    kind: str
    minute: int
    body: dict[str, Any]
    status: int = 202
    alone: bool = False


@dataclass(frozen=True)
class ExpectedLead:
    """What a salesperson must see; `states` are the changes that the history tab shows."""

    manychat_id: str
    contact_name: str
    stage: str
    state: str
    channel: str
    states: tuple[str, ...]


def _said(person: str, state: str, **more: Any) -> dict[str, Any]:
    return {"manychat_id": person, "stage_manychat": state, **more}


STEPS = (
    Step(
        "new contact",
        CONTACT,
        0,
        {
            "manychat_id": ROSA,
            "nombre_lead": "Rosa",
            "apellido_lead": "Huamán",
            "whatsapp": "+51 987 654 321",
            "email_lead": "rosa.huaman@example.com",
            "canal_entrada": "WhatsApp",
            "ultimo_estado": "Nuevo Lead",
            "estado_inicial": "Nuevo",
        },
    ),
    Step(
        "assigned to a campaign",
        ASSIGNMENT,
        2,
        {
            "manychat_id": ROSA,
            "campaign_id": "Chequeo preventivo",
            "comercial_id": "asesora.uno@example.com",
            "tipo_asignacion": "comercial",
            "ultimo_estado": "Asignado a campaña",
            "summary": "Pregunta por el chequeo preventivo para dos personas.",
        },
    ),
    Step("state change", STAGE, 5, _said(ROSA, "Comienza Atención Comercial")),
    Step("typed carelessly", STAGE, 9, _said(ROSA, " derivado asesoria medica ")),
    Step("state change", STAGE, 12, _said(ROSA, "Comienza Asesoría Médica")),
    Step("state change", STAGE, 20, _said(ROSA, "Terminó Asesoría Médica")),
    Step("state change", STAGE, 25, _said(ROSA, "Comienza Cotización")),
    Step("state change", STAGE, 31, _said(ROSA, "Orden de venta Confirmada")),
    Step("sold", STAGE, 40, _said(ROSA, "Venta exitosa")),
    Step("duplicate of the one before", STAGE, 40, _said(ROSA, "Venta exitosa"), alone=True),
    Step("out of order: said at minute 7", STAGE, 7, _said(ROSA, "Retornó en AC"), alone=True),
    Step(
        "assignment before its contact",
        ASSIGNMENT,
        15,
        {
            "manychat_id": TEOFILO,
            "campaign_id": "Chequeo preventivo",
            "medico_id": "doctor.uno@example.com",
            "tipo_asignacion": "medico",
            "ultimo_estado": "Asignado a médico",
        },
    ),
    Step(
        "… its contact",
        CONTACT,
        14,
        {
            "manychat_id": TEOFILO,
            "nombre_lead": "Teófilo",
            "apellido_lead": "Quispe",
            "canal_entrada": "FB",
            "estado_inicial": "Nuevo",
        },
        alone=True,
    ),
    Step(
        "an unrendered {{cuf_…}}",
        CONTACT,
        18,
        {
            "manychat_id": MILAGROS,
            "nombre_lead": "Milagros",
            "apellido_lead": "{{cuf_10234567}}",
            "canal_entrada": "ig",
            "email_lead": "noespecificado@email.com",
            "ultimo_estado": "Comienza Atención Comercial",
        },
    ),
    Step("unmapped state", STAGE, 22, _said(MILAGROS, "Esperando resultados"), alone=True),
    Step("unusable body: no id", CONTACT, 23, {"nombre_lead": "Sin identificador"}, status=422),
)

EXPECTED = (
    ExpectedLead(
        ROSA,
        "Rosa Huamán",
        "Venta exitosa",
        "Venta exitosa",
        "WhatsApp",
        (
            "Nuevo Lead",
            "Asignado a campaña",
            "Comienza Atención Comercial",
            "Retornó en AC",
            "derivado asesoria medica",
            "Comienza Asesoría Médica",
            "Terminó Asesoría Médica",
            "Comienza Cotización",
            "Orden de venta Confirmada",
            "Venta exitosa",
        ),
    ),
    ExpectedLead(
        TEOFILO,
        "Teófilo Quispe",
        "Derivado Asesoría Médica",
        "Asignado a médico",
        "Facebook",
        ("Asignado a médico",),
    ),
    ExpectedLead(
        MILAGROS,
        "Milagros",
        "Comienza Atención Comercial",
        "Esperando resultados",
        "Instagram",
        ("Comienza Atención Comercial", "Esperando resultados"),
    ),
)
