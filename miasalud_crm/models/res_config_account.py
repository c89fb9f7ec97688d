import re

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from .manychat_advisor_activity import TELL_PARAM

ACCOUNT_PARAM = "miasalud_crm.account"


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"  # pylint: disable=consider-merging-classes-inherited

    manychat_account = fields.Char(
        "ManyChat Account",
        config_parameter=ACCOUNT_PARAM,
        help="Number of the account in the addresses of ManyChat's own pages.",
    )

    manychat_tell_advisors = fields.Boolean(
        "Tell New Advisors",
        config_parameter=TELL_PARAM,
        help="An activity for the advisor whom ManyChat newly gives a lead; no e-mail is sent.",
    )

    @api.constrains("manychat_account")
    def _check_manychat_account(self):
        for settings in self:
            if settings.manychat_account and not account_number(settings.manychat_account):
                raise ValidationError(
                    self.env._("The ManyChat account is a number, as in “fb123456789”.")
                )

    def _manychat_account(self):
        """Return the account's number as text, "" where none is set."""
        return account_number(self._manychat_text(ACCOUNT_PARAM) or "")


def account_number(text):
    """Return the digits of an account or of an address that holds it, "" for anything else.

    >>> account_number("https://app.manychat.com/fb123/chat")
    '123'
    """
    found = re.fullmatch(r"(?:https://[a-z.]*manychat\.com/)?(?:fb)?([0-9]+)(?:/.*)?", text.strip())
    return found[1] if found else ""
