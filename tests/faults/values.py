"""Invented people and odd values: how each is written, and what it is to become (None: absent)."""

from __future__ import annotations

from tests.faults.story import State

ABSENT = None
FIRST_NAMES = (
    ("Rosa", "Rosa"), ("Teófilo", "Teófilo"), ("  Milagros  ", "Milagros"), ("", ABSENT),
    ("José  Luis", "José Luis"), ("Ana {{last_name}}", "Ana"), ("{{first_name}}", ABSENT),
    ("????", ABSENT), ("Zoë 🌸", "Zoë 🌸"), ("O'Higgins", "O'Higgins"), (None, ABSENT),
    ("María\u0007 José", "María José"), ("null", ABSENT), ("Ñusta", "Ñusta"),
    ("Jose\u0301", "José"), (True, ABSENT), ("Robert'); --", "Robert'); --"),
)  # fmt: skip
LAST_NAMES = (
    ("Huamán", "Huamán"), ("Quispe Mamani", "Quispe Mamani"), ("{{cuf_10234567}}", ABSENT),
    ("-", ABSENT), ("", ABSENT), ("de la Cruz", "de la Cruz"), ("VERDADERO", ABSENT),
    ("Flores\tRojas", "Flores Rojas"), ("<b>Díaz</b>", "<b>Díaz</b>"), ("李", "李"),
)  # fmt: skip
PHONES = (
    ("+51 987 654 3{n:02d}", "+519876543{n:02d}"), ("9876543{n:02d}", "+519876543{n:02d}"),
    ("519876543{n:02d}", "+519876543{n:02d}"), ("+1 (202) 555-01{n:02d}", "+120255501{n:02d}"),
    ("whatsapp: +519876543{n:02d}", "+519876543{n:02d}"), ("0", ABSENT), ("no tiene", ABSENT),
    ("{{wa_id}}", ABSENT), ("", ABSENT),
)  # fmt: skip
EMAILS = (
    ("rosa.{n}@example.com", "rosa.{n}@example.com"), ("sin correo", ABSENT), ("", ABSENT),
    ("Teo.{n}@EXAMPLE.com", "Teo.{n}@example.com"), ("noespecificado@email.com", ABSENT),
    ("{{email}}", ABSENT),
    (" ana{n}@example.org ", "ana{n}@example.org"), ("dos@@example.com", ABSENT),
)  # fmt: skip
CHANNELS = (
    ("WhatsApp", "WhatsApp"), ("wa", "WhatsApp"), ("FB", "Facebook"), ("TickTock", "TikTok"),
    ("ig", "Instagram"), ("instagram", "Instagram"), ("{{cuf_9}}", ABSENT), ("", ABSENT),
    ("MESSENGER", "Messenger"),
    ("Feria de salud", "Feria de salud"), ("Facebook Ads", "Facebook Ads"),
)  # fmt: skip
GENDERS = (("female", "female"), ("male", "male"), ("", ABSENT), ("{{gender}}", ABSENT))
SUMMARIES = (
    ("Pregunta por el chequeo.", "Pregunta por el chequeo."), ("💊 llamar", "💊 llamar"),
    ("Dos líneas:\nla segunda", "Dos líneas:\nla segunda"), ("{{cuf_1}}", ABSENT), ("", ABSENT),
    ("Quiere {{cuf_2}} cita", "Quiere cita"),
)  # fmt: skip
CAMPAIGNS = ("Chequeo preventivo", "Control prenatal", "Salud visual", "Vacunas 2026")
COMMERCIALS = ("ventas@demo.example", "Nadie Conocido", "asesora.uno@example.com")
MEDICALS = ("jefa@demo.example", "Doctor Desconocido", "doctor.uno@example.com")
ODOO_USERS = {"ventas@demo.example": "Lucía Ventas", "jefa@demo.example": "Marta Jefa"}
DISTRICTS = (("Lince", "Lince"), ("Jesús María", "Jesús María"), ("Surco", "Surco"))

NEW = "Recién Suscrito (Sin Asignar)"
"""The stage of a lead that no state has moved."""

MEDICAL_ASSIGNED = "Derivado Asesoría Médica"
WAITING = "Recién suscrito Pendiente de AC"
NO_SESSION = "No terminó Asesoría especializada Derivado a Comercial"
_STATES = (
    State("Recién Suscrito (Sin Asignar)", NEW),
    State("Nuevo Lead", NEW),
    State("Nuevo", NEW),
    State(WAITING, WAITING, "commercial_assignment_date"),
    State("Asignado a campaña", WAITING, "commercial_assignment_date"),
    State("Retornó en AC", "Retornó en AC"),
    State(
        "Comienza Atención Comercial",
        "Comienza Atención Comercial",
        "commercial_process_start_date",
    ),
    State("Retornó a Asesoría especializada", "Retornó a Asesoría especializada"),
    State(MEDICAL_ASSIGNED, MEDICAL_ASSIGNED, "medical_assignment_date"),
    State("Asignado a médico", MEDICAL_ASSIGNED, "medical_assignment_date"),
    State("Comienza Asesoría Médica", "Comienza Asesoría Médica", "medical_process_start_date"),
    State("Terminó Asesoría Médica", "Terminó Asesoría Médica", "medical_process_end_date"),
    State(NO_SESSION, NO_SESSION),
    State("Comienza Cotización", "Comienza Cotización", "quotation_start_date"),
    State("Orden de venta Confirmada", "Orden de venta Confirmada", "sale_order_date"),
    State("Venta exitosa", "Venta exitosa", "successful_sale_date", won=True),
    State("Conversación cerrada", None, "conversation_closed_date"),
    State("Esperando resultados", None, mapped=False),
    State("Pide descuento", None, mapped=False),
)
MOVES = tuple(dict.fromkeys(s.stage for s in _STATES if s.stage and not s.won))
"""Where people move leads to."""
STATES = {state.name: state for state in _STATES}
INITIAL = (STATES["Nuevo"], STATES["Nuevo Lead"], STATES["Retornó en AC"], STATES["Pide descuento"])

SPELLINGS = (
    *((state.name, state.name, state) for state in _STATES),
    (" derivado asesoria medica ", "derivado asesoria medica", STATES[MEDICAL_ASSIGNED]),
    ("DERIVADO  ASESORÍA MÉDICA!", "DERIVADO ASESORÍA MÉDICA!", STATES[MEDICAL_ASSIGNED]),
    ("comienza atencion comercial", "comienza atencion comercial",
     STATES["Comienza Atención Comercial"]),
    ("Comienza  cotización.", "Comienza cotización.", STATES["Comienza Cotización"]),
    ("conversación CERRADA", "conversación CERRADA", STATES["Conversación cerrada"]),
    ("esperando resultados…", "esperando resultados…", STATES["Esperando resultados"]),
)  # fmt: skip
"""(as written, as kept, the state)."""
