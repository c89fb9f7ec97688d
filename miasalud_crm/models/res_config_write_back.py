from odoo import fields, models

MODE_PARAM = "miasalud_crm.write_back"
FACTS = ("stage", "commercial", "medical", "lead_id")


class ResConfigSettings(models.TransientModel):
    """What ManyChat is told of its contacts' leads; the bridge reads it with the change feed."""

    _inherit = "res.config.settings"  # pylint: disable=consider-merging-classes-inherited

    manychat_write_back = fields.Selection(
        [
            ("off", "Off"),
            ("record", "Rehearse: the bridge notes what it would send, and sends nothing"),
            ("on", "On"),
        ],
        "Write Back to ManyChat",
        config_parameter=MODE_PARAM,
        default="off",
    )
    manychat_back_stage = fields.Char(
        "Field of the Stage", config_parameter="miasalud_crm.back_stage"
    )
    manychat_back_commercial = fields.Char(
        "Field of the Commercial Advisor", config_parameter="miasalud_crm.back_commercial"
    )
    manychat_back_medical = fields.Char(
        "Field of the Medical Advisor", config_parameter="miasalud_crm.back_medical"
    )
    manychat_back_lead_id = fields.Char(
        "Field of the Lead's ID", config_parameter="miasalud_crm.back_lead_id"
    )

    def _manychat_write_back(self):
        """Return ``{mode, fields}``: off, record or on, and ManyChat's field of each fact."""
        named = {fact: self._manychat_text(f"miasalud_crm.back_{fact}") or "" for fact in FACTS}
        return {
            "mode": self._manychat_text(MODE_PARAM) or "off",
            "fields": {fact: name.strip() for fact, name in named.items() if name.strip()},
        }
