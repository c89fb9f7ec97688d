from odoo import models


class MergePartners(models.TransientModel):
    _inherit = "base.partner.merge.automatic.wizard"

    def _merge(self, partner_ids, *args, **kwargs):
        """Tell of each contact whose partner went into another one."""
        rows = self.env["res.partner"].browse(partner_ids)._manychat_rows()
        before = {row: row.partner_id.id for row in rows}
        result = super()._merge(partner_ids, *args, **kwargs)
        rows.invalidate_recordset(["partner_id"])
        for row in rows.filtered(lambda row: row.partner_id.id != before[row]):
            row._tell({"partner_id": row.partner_id.id})
        return result
