from odoo import api, models
from odoo.exceptions import UserError, ValidationError
from psycopg2 import IntegrityError
from psycopg2.errors import UniqueViolation

from ..const import MAX_ID, MAX_TEXT, PARTNER_PLACES, PARTNER_TEXTS
from ..sync.text import storable
from .lookups import Lookups
from .private_sql import private_sql_errors


class _Refused(Exception):
    """What the caller wants cannot be; the text is one word, for the bridge to put in words."""


class ResPartner(models.Model):
    """What the bridge does to a contact on somebody's behalf, one call a wish.

    The answer is ``{"partner": …}`` with the keys of ``_manychat_shown``, or ``{"refused": word}``:
    ``not_found``, ``manychat_id_taken``, ``is_user``, ``is_company``, ``no_manychat_id``,
    ``still_used``, ``unknown_country``, ``unknown_state``, ``refused_by_odoo``; nothing was
    written then.
    """

    _inherit = "res.partner"  # pylint: disable=consider-merging-classes-inherited

    @api.model
    def manychat_partner_create(self, values):
        """Make a contact; one with a ManyChat id is the customer of that contact's lead.

        :param dict values: ``name`` and any of ``manychat_id phone email street district city
            state country``; state and country by name or code.
        :raise AccessError: the caller is not the bridge.
        :raise ValidationError: unknown keys or wrong types.
        """
        partners = self._manychat_as_person()
        partners._manychat_check_values(values)
        if not values.get("name"):
            raise ValidationError(self.env._("A contact has to have a name."))
        return partners._manychat_answer(lambda: partners._manychat_make(values))

    @api.model
    def manychat_partner_write(self, partner_id, values):
        """Change the given values of a contact; ``False`` clears. As ``manychat_partner_create``.

        A contact without a ManyChat id may be given one; it keeps the one it has.
        """
        partners = self._manychat_as_person()
        partners._manychat_check_values(values)
        return partners._manychat_answer(
            lambda: partners._manychat_find(partner_id)._manychat_change(values)
        )

    @api.model
    def manychat_partner_remove(self, partner_id, hard=False):
        """Archive a contact; ``hard`` deletes it, if it is a ManyChat contact and no user."""
        partners = self._manychat_as_person()
        return partners._manychat_answer(
            lambda: partners._manychat_find(partner_id)._manychat_remove(hard)
        )

    def _manychat_answer(self, work):
        """Do ``work`` whole or not at all, and say what became of it."""
        try:
            with private_sql_errors(), self.env.cr.savepoint():
                partner = work()
                self.env.flush_all()
                return {"partner": partner and partner._manychat_shown()}
        except _Refused as refusal:
            return {"refused": str(refusal)}
        except UniqueViolation as violation:
            if violation.diag.constraint_name != "manychat_partner_uniq":
                raise
            # another caller was faster
            return {"refused": "manychat_id_taken"}
        except UserError:
            # a rule of another addon
            return {"refused": "refused_by_odoo"}

    def _manychat_check_values(self, values):
        known = {*PARTNER_TEXTS, *PARTNER_PLACES, "manychat_id"}
        texts = isinstance(values, dict) and all(
            key in known and (value is False or (isinstance(value, str) and len(value) <= MAX_TEXT))
            for key, value in values.items()
        )
        if not texts or len(values.get("manychat_id") or "") > MAX_ID:
            raise ValidationError(self.env._("The values of a contact cannot be read."))

    def _manychat_find(self, partner_id):
        """Return a contact that may be written: no user, no company of Odoo's own."""
        number = partner_id if type(partner_id) is int else 0
        found = self.with_context(active_test=False).search(
            [("id", "=", number), *self._manychat_here()]
        )
        if not found:
            raise _Refused("not_found")
        # Whoever writes a user's e-mail gets the mail with which its password is set anew.
        if found.user_ids:
            raise _Refused("is_user")
        if self.env["res.company"].search_count([("partner_id", "=", found.id)], limit=1):
            raise _Refused("is_company")
        return found

    def _manychat_make(self, values):
        several = self.env["res.company"].search_count([], limit=2) > 1
        own = {"company_id": self.env.company.id if several else False, "type": "contact"}
        partner = self.create({**own, **self._manychat_vals(values)})
        partner._manychat_be(values.get("manychat_id"))
        return partner

    def _manychat_change(self, values):
        vals = self._manychat_vals(values)
        if "name" in vals and not vals["name"]:
            vals.pop("name")
        self._manychat_be(values.get("manychat_id"))
        self.write(vals)
        return self

    def _manychat_be(self, manychat_id):
        """Become the customer of a contact's lead, or wait for it where there is none yet."""
        manychat_id = storable(manychat_id or "").strip()
        rows = self.env["manychat.partner"]
        ours = self._manychat_own_rows().mapped("manychat_id")
        if not manychat_id or manychat_id in ours:
            return
        lead = self.env["crm.lead"].with_context(active_test=False)
        lead = lead._manychat_of_contact(manychat_id, self.env.company)
        if ours or lead.partner_id or rows._of([manychat_id], self.env.company):
            raise _Refused("manychat_id_taken")
        rows._point({manychat_id: self}, self.env.company)
        lead.write({"partner_id": self.id})
        self._manychat_rows()._tell({"partner_id": self.id})

    def _manychat_remove(self, hard):
        if not hard:
            self.write({"active": False})
            return self
        if not self._manychat_own_rows():
            raise _Refused("no_manychat_id")
        try:
            with self.env.cr.savepoint():
                self.unlink()
        except (IntegrityError, UserError):
            raise _Refused("still_used") from None
        return None

    def _manychat_vals(self, values):
        """Return the fields of given values; a place that is no place here is refused."""
        vals = {
            name: values[key] and storable(values[key])
            for key, name in PARTNER_TEXTS.items()
            if key in values
        }
        settings = self.env["res.config.settings"]._manychat_settings()
        lookups = Lookups(self.env, settings, [])
        country = self.country_id
        if "country" in values:
            country = lookups.country(values["country"] or "")
            if values["country"] and not country:
                raise _Refused("unknown_country")
            vals.update({"country_id": country.id, "state_id": False})
        if "state" in values:
            home = country or self.env.company.country_id
            state = lookups.state(values["state"] or "", home) if values["state"] and home else None
            if values["state"] and not state:
                raise _Refused("unknown_state")
            vals["state_id"] = state.id if state else False
        return vals
