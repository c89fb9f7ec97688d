"""The bodies to paste into ManyChat's External Request, one a kind.

`{{cuf_…}}` stands for a custom field of the page: left as it is, it counts as absent. States are
written out, as flows do: each step of a flow stands for one. README shows the same bodies.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bridge.events.event import EventType

USER_ID = "{{user_id}}"

TEMPLATES: Mapping[EventType, Mapping[str, Any]] = {
    EventType.CONTACT: {
        "manychat_id": USER_ID,
        "nombre_lead": "{{first_name}}",
        "apellido_lead": "{{last_name}}",
        "whatsapp": "{{whatsapp_phone}}",
        "email_lead": "{{email}}",
        "canal_entrada": "WhatsApp",
        "estado_inicial": "Nuevo",
        "ultimo_estado": "Nuevo Lead",
    },
    EventType.ASSIGNMENT: {
        "manychat_id": USER_ID,
        "campaign_id": "Chequeo preventivo",
        "comercial_id": "{{cuf_comercial_id}}",
        "medico_id": "{{cuf_medico_id}}",
        "tipo_asignacion": "comercial",
        "ultimo_estado": "Asignado a campaña",
        "summary": "{{cuf_summary}}",
    },
    EventType.STAGE: {
        "manychat_id": USER_ID,
        "stage_manychat": "Comienza Cotización",
        "advisor_id": "{{cuf_advisor_id}}",
        "summary": "{{cuf_summary}}",
    },
    EventType.ADDRESS: {
        "manychat_id": USER_ID,
        "street": "{{cuf_street}}",
        "district": "{{cuf_district}}",
        "city": "{{cuf_city}}",
        "state": "{{cuf_state}}",
        "country": "{{cuf_country}}",
    },
    EventType.LEAD: {
        "manychat_id": USER_ID,
        "first_name": "{{first_name}}",
        "last_name": "{{last_name}}",
        "phone": "{{whatsapp_phone}}",
        "channel": "WhatsApp",
        "entry_date": "{{cuf_entry_date}}",
        "commercial_advisor_id": "{{cuf_comercial_id}}",
        "medical_advisor_id": "{{cuf_medico_id}}",
        "state": {"stage": "Comienza Cotización", "summary": "{{cuf_summary}}"},
    },
}
