"""What a record says of a person, and how it stops saying it; the callers have all rights."""

TEXTS = frozenset({"char", "html", "json", "properties", "text"})
PLACES = frozenset({"country_id", "industry_id", "state_id", "tag_ids", "category_id", "title"})
KEPT = frozenset({"access_token"})


def cleared(record):
    """Return the values that empty every text of a record, custom fields and place included."""
    vals = {}
    for name, field in record._fields.items():
        fixed = field.related or (field.compute and field.readonly) or name in KEPT
        told = field.store and (field.type in TEXTS or name in PLACES)
        pictured = field.type in ("binary", "image") and field.attachment
        if (told or pictured) and not fixed:
            vals[name] = [(5,)] if field.type == "many2many" else False
    return vals | {"name": record.env._("Erased contact %s", record.id)}


def erase_trail(records):
    """Delete messages with their tracked values, activities, files and followers of records."""
    env = records.env
    of_them = [("model", "=", records._name), ("res_id", "in", records.ids)]
    messages = env["mail.message"].search(of_them)
    if "sms.sms" in env:
        env["sms.sms"].search([("mail_message_id", "in", messages.ids)]).unlink()
    messages.unlink()
    of_them = [("res_model", "=", records._name), ("res_id", "in", records.ids)]
    for model in ("mail.activity", "ir.attachment", "mail.followers"):
        found = env[model].with_context(active_test=False).search(of_them)
        if model == "mail.followers":
            found = found.filtered(lambda follower: not follower.partner_id.user_ids)
        found.unlink()


def received_at(clock):
    """Return the arrival as ISO text out of a clock; a row without one is from before."""
    return clock.split("|")[1] if clock else ""
