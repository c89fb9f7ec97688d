# ruff: noqa: F401 (importing is what makes Odoo know the tests)
from . import (
    test_chatter,
    test_controller,
    test_events_read,
    test_history_fold,
    test_install,
    test_lead_values,
    test_mapping,
    test_merge,
    test_order,
    test_people,
    test_rights,
    test_settings,
    test_sync,
    test_sync_failures,
    test_translations,
    test_views,
)
