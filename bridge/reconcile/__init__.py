"""Whether mirror and Odoo say the same: found, told, and mended by the ways there are."""
