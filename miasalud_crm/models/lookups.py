"""Finds the Odoo records that ManyChat names, each kind read once a batch."""

from odoo.tools import escape_psql

from ..sync.text import fold, name_key

ADVISORS = ("commercial", "medical")


class Lookups:
    """Users, UTM sources and campaigns, countries and states of one company's batch."""

    def __init__(self, env, settings, contacts):
        self.env = env
        self.settings = settings
        self._aliases = env["manychat.alias"]._by_value(env.company, _named_values(contacts))
        self._users = self._read_users([c.value(k) for c in contacts for k in ADVISORS])
        self._sources = self._read_names(
            "utm.source", "name", [c.value("channel") for c in contacts]
        )
        self._campaigns = self._read_names(
            "utm.campaign", "title", [_campaign_name(c.value("campaign")) for c in contacts]
        )
        self._countries = None

    def user(self, advisor):
        """Return whom an advisor's Odoo id, else e-mail, else an alias names; else nobody."""
        by_id, by_email = self._users
        found = advisor and (
            by_id.get(advisor.get("odoo_id")) or by_email.get(advisor.get("email", "").lower())
        )
        return found or self._alias("advisor", advisor) or self.env["res.users"]

    def source(self, channel):
        if alias := self._alias("source", channel):
            return alias
        return self._named("utm.source", "name", self._sources, channel)

    def campaign(self, campaign):
        if alias := self._alias("campaign", campaign):
            return alias
        name = _campaign_name(campaign)
        return self._named("utm.campaign", "title", self._campaigns, name)

    def country(self, name):
        """Return the country of that name in any installed language, or of that code."""
        if self._countries is None:
            self._countries = self._read_countries()
        return self._countries.get(fold(name), self.env["res.country"])

    def state(self, name, country):
        """Return the state or region of that name or code in a country."""
        wanted = fold(name)
        states = self.env["res.country.state"].search([("country_id", "=", country.id)])
        return states.filtered(lambda s: wanted in (fold(s.name), fold(s.code)))[:1]

    def _alias(self, kind, value):
        """Return the record that an alias gives to a value, None where none does."""
        found = (self._aliases.get((kind, name_key(text))) for text in _texts(value))
        return next((record for record in found if record), None)

    def _read_users(self, advisors):
        ids = [a["odoo_id"] for a in advisors if a and "odoo_id" in a]
        emails = [a["email"].lower() for a in advisors if a and "email" in a]
        if not ids and not emails:
            return {}, {}
        users = self.env["res.users"].search(
            [
                ("share", "=", False),
                ("company_ids", "in", self.env.company.id),
                "|",
                ("id", "in", ids),
                "|",
                ("login", "in", emails),
                ("email_normalized", "in", emails),
            ],
            order="id desc",
        )
        by_email = {user.email_normalized: user for user in users if user.email_normalized}
        return {user.id: user for user in users}, {
            **by_email,
            **{user.login.lower(): user for user in users},
        }

    def _read_names(self, model, field, names):
        """Return ``folded name -> record``, the oldest where several fold alike."""
        wanted = {name_key(name): name for name in names if name}
        if not wanted:
            return {}
        alike = ["|"] * (len(wanted) - 1)
        alike += [(field, "=ilike", escape_psql(name)) for name in wanted.values()]
        found = self._by_key(self._model(model).search(alike, order="id desc"), field)
        if wanted.keys() - found.keys():
            # Other accents or punctuation: rare enough to read every name.
            found = {**self._by_key(self._model(model).search([], order="id desc"), field), **found}
        return found

    def _named(self, model, field, found, name):
        if not name:
            return self.env[model]
        if name_key(name) not in found:
            found[name_key(name)] = self._model(model).create(self._new_vals(model, field, name))
        return found[name_key(name)]

    def _new_vals(self, model, field, name):
        if model == "utm.source":
            return {field: name}
        # The bridge's own user is no responsible person.
        responsible = self.settings.user or self.env.ref("base.user_root")
        return {field: name, "user_id": responsible.id, "is_auto_campaign": True}

    def _model(self, model):
        return self.env[model].with_context(active_test=False)

    def _by_key(self, records, field):
        return {name_key(record[field]): record for record in records}

    def _read_countries(self):
        countries = self.env["res.country"].search([])
        found = {}
        for lang, _name in self.env["res.lang"].get_installed():
            found.update((fold(c.name), c) for c in countries.with_context(lang=lang))
        return {**{fold(country.code): country for country in countries}, **found}


def _named_values(contacts):
    """Return every text by which these contacts name an advisor, a channel or a campaign."""
    keys = (*ADVISORS, "channel", "campaign")
    return [text for contact in contacts for key in keys for text in _texts(contact.value(key))]


def _texts(value):
    """Return the texts of a plain value or of a reference's parts: name and e-mail first."""
    if isinstance(value, dict):
        parts = sorted(value.items(), key=lambda item: isinstance(item[1], int))
        return [str(part) for _name, part in parts if part]
    return [value] if value else []


def _campaign_name(campaign):
    """Return the name under which a campaign is known here, "" for none."""
    if not campaign:
        return ""
    return campaign.get("name") or f"ManyChat {campaign['id']}"
