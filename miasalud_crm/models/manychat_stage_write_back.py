from odoo import fields, models


class ManychatStageMapping(models.Model):
    """What ManyChat is told when a person moves a lead into a rule's stage."""

    _inherit = "manychat.stage.mapping"  # pylint: disable=consider-merging-classes-inherited

    back_field = fields.Char(
        "Set Field", help="Name of a custom field of ManyChat, of the type text."
    )
    back_value = fields.Char("To", help="Empty: the name of the stage.")
    back_tag = fields.Char("Add Tag", help="Name of a tag that ManyChat has.")
    back_untag = fields.Char("Remove Tags", help="Names of tags, separated by commas.")
    back_flow = fields.Char(
        "Start Flow",
        help="What stands in the address of the flow's page, as in “content20250101…”."
        " It is started once a move, and the client gets its messages.",
    )

    def _entry(self, company, stage, team):
        """Return ``{fields, add, remove, flows}`` of the entry into ``stage``, {} for nothing.

        Of the rules of that stage every one counts; of two that set one field, the first.
        """
        rules = self.sudo().search(
            [
                ("action", "=", "stage"),
                ("stage_id", "=", stage.id),
                ("company_id", "in", (company.id, False)),
                ("team_id", "in", (team.id, False)),
            ]
        )
        entry = {
            "fields": {},
            "add": _distinct(rule.back_tag for rule in rules),
            "remove": _distinct(
                name for rule in rules for name in (rule.back_untag or "").split(",")
            ),
            "flows": _distinct(rule.back_flow for rule in rules),
        }
        for rule in rules.filtered("back_field"):
            entry["fields"].setdefault(rule.back_field.strip(), rule.back_value or stage.name)
        # A tag that one rule adds and another removes is added.
        entry["remove"] = [name for name in entry["remove"] if name not in entry["add"]]
        return entry if any(entry.values()) else {}


def _distinct(names):
    """Return the names that say something, each once, in their order."""
    return list(dict.fromkeys(name.strip() for name in names if name and name.strip()))
