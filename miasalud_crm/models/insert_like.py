"""Many rows of a foreign table in one statement, without knowing its columns."""

import json


def insert_like(record, rows):
    """Insert a copy of ``record`` for each dict of ``rows``, that dict's columns changed.

    What is in none of the dicts is as Odoo itself wrote it in ``record``, columns included that
    another module or series has. Values are the columns' own: nothing is checked, computed or
    overridden on the way.

    :return: the new ids, one a row
    """
    if not rows:
        return []
    record.flush_recordset()
    cr, table = record.env.cr, record._table
    cr.execute(
        "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)",
        (table, len(rows)),
    )
    ids = [row[0] for row in cr.fetchall()]
    copies = [{**row, "id": new_id} for row, new_id in zip(rows, ids, strict=True)]
    cr.execute(
        f"""INSERT INTO "{table}"
            SELECT made.* FROM "{table}" first, jsonb_array_elements(%s::jsonb) own,
                   LATERAL jsonb_populate_record(first, own) made
             WHERE first.id = %s""",
        (json.dumps(copies, default=str), record.id),
    )
    return ids


def create_alike(model, vals_list):
    """Create records whose dicts have the same keys, all but the first by one statement.

    For models of this addon alone: nothing is computed or checked for the others, so computed
    columns have to be among the keys.
    """
    if vals_list:
        insert_like(model.create(vals_list[0]), vals_list[1:])
