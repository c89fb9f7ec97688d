"""What ManyChat and the bridge say, as tables: nothing here knows the database."""

from typing import NamedTuple


class ShippedState(NamedTuple):
    """One row of the mapping that the addon ships with.

    ``key`` makes the XML ids, ``also`` are other names of the same state, ``date_field`` is the
    funnel date that the state fills, ``action`` is ``stage`` or ``ignore``.
    """

    key: str
    name: str
    also: tuple[str, ...] = ()
    date_field: str | None = None
    action: str = "stage"
    won: bool = False


SHIPPED_STATES = (
    ShippedState("subscribed", "Recién Suscrito (Sin Asignar)", ("Nuevo Lead", "Nuevo")),
    ShippedState(
        "waiting",
        "Recién suscrito Pendiente de AC",
        ("Asignado a campaña",),
        "commercial_assignment_date",
    ),
    ShippedState("returned_commercial", "Retornó en AC"),
    ShippedState(
        "commercial_started",
        "Comienza Atención Comercial",
        date_field="commercial_process_start_date",
    ),
    ShippedState("returned_specialist", "Retornó a Asesoría especializada"),
    ShippedState(
        "medical_assigned",
        "Derivado Asesoría Médica",
        ("Asignado a médico",),
        "medical_assignment_date",
    ),
    ShippedState(
        "medical_started",
        "Comienza Asesoría Médica",
        date_field="medical_process_start_date",
    ),
    ShippedState(
        "medical_finished",
        "Terminó Asesoría Médica",
        date_field="medical_process_end_date",
    ),
    ShippedState(
        "medical_unfinished",
        "No terminó Asesoría especializada Derivado a Comercial",
    ),
    ShippedState("quotation_started", "Comienza Cotización", date_field="quotation_start_date"),
    ShippedState("order_confirmed", "Orden de venta Confirmada", date_field="sale_order_date"),
    ShippedState("sale_won", "Venta exitosa", date_field="successful_sale_date", won=True),
    ShippedState(
        "conversation_closed",
        "Conversación cerrada",
        date_field="conversation_closed_date",
        action="ignore",
    ),
)

FUNNEL_DATES = (
    ("commercial_assignment_date", "Commercial Assignment"),
    ("commercial_process_start_date", "Commercial Attention Started"),
    ("medical_assignment_date", "Medical Assignment"),
    ("medical_process_start_date", "Medical Advice Started"),
    ("medical_process_end_date", "Medical Advice Finished"),
    ("quotation_start_date", "Quotation Started"),
    ("sale_order_date", "Order Confirmed"),
    ("successful_sale_date", "Successful Sale"),
    ("conversation_closed_date", "Conversation Closed"),
)

# The classes that draw a channel, by the folded name of its UTM source.
CHANNEL_ICONS = {
    "whatsapp": "fa fa-whatsapp",
    "facebook": "fa fa-facebook-square",
    "facebook ads": "fa fa-bullhorn",
    "instagram": "fa fa-instagram",
    "messenger": "fa fa-commenting",
    "telegram": "fa fa-telegram",
    "tiktok": "o_manychat_tiktok",
    "website": "fa fa-globe",
}
OTHER_CHANNEL_ICON = "fa fa-comments-o"
# Funnel dates that say: from now on somebody has to take care of the lead.
ASSIGNMENT_DATES = ("commercial_assignment_date", "medical_assignment_date")

EVENT_KINDS = [
    ("contact", "Contact"),
    ("lead", "Lead"),
    ("assignment", "Assignment"),
    ("stage", "State change"),
    ("address", "Address"),
    ("update", "Correction"),
]

TEXT_KEYS = frozenset(
    {
        "first_name",
        "last_name",
        "phone",
        "email",
        "gender",
        "channel",
        "state",
        "initial_state",
        "summary",
        "category",
    }
)
TIME_KEYS = frozenset({"subscribed_at", "entry_date"})
GUESSED = "guessed."
ADVISOR_KEYS = frozenset({"commercial", "medical"})
ADDRESS_PARTS = ("street", "district", "city", "state", "country")

MAX_EVENTS = 500
MAX_LEADS = 200
MAX_CHANGES = 500
MAX_INDEXED = 5000
LEAD_FILTERS = {
    "lead_id": int,
    "manychat_id": list,
    "phone": list,
    "email": list,
    "state": list,
    "active": bool,
}
PARTNER_FILTERS = {
    "partner_id": int,
    "manychat_id": list,
    "phone": list,
    "email": list,
    "search": str,
    "active": bool,
}
PARTNER_ORDERS = {"id": "id", "name": "name", "email": "email", "updated_at": "write_date"}
# Keys of a partner's values that are its field as they are.
PARTNER_TEXTS = {
    "name": "name",
    "phone": "phone",
    "email": "email",
    "street": "street",
    "district": "street2",
    "city": "city",
}
PARTNER_PLACES = ("state", "country")
MAX_BODY_BYTES = 8 * 1024 * 1024
MAX_TEXT = 20_000
MAX_ID = 255

# Only this process can hold the token, so no RPC context can pass itself off as the sync.
SYNC_KEY = "manychat_sync_token"
SYNC_TOKEN = object()

VERIFY_PATH = "/api/v1/manychat/webhook/verify"
TEST_TIMEOUT_SECONDS = 5
HINT_PATH = "/api/v1/odoo/webhook"
HINT_TIMEOUT_SECONDS = 2
