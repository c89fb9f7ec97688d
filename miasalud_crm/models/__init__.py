# ruff: noqa: F401 (importing is what makes Odoo know the models)
from . import (
    crm_lead,
    crm_lead_apply,
    crm_lead_mail,
    crm_lead_merge,
    crm_lead_person,
    crm_lead_refold,
    crm_lead_sync,
    crm_lead_write,
    crm_stage,
    crm_team,
    manychat_event,
    manychat_refold,
    manychat_stage_history,
    manychat_stage_mapping,
    manychat_unmapped_state,
    res_config_settings,
)
