{
    "name": "MiaSalud CRM",
    "summary": "ManyChat conversations become leads in the right stage of the pipeline",
    # Without a series, so that one source installs on 18.0 and 19.0.
    "version": "1.0.0",  # pylint: disable=manifest-version-format
    "category": "Sales/CRM",
    "author": "MiaSalud CRM contributors",  # pylint: disable=manifest-required-author
    "website": "https://miasalud-crm.example",
    "license": "LGPL-3",
    "application": True,
    "depends": ["crm", "mail", "phone_validation", "utm"],
    "data": [
        "security/manychat_groups.xml",
        "security/ir.model.access.csv",
        "security/manychat_rules.xml",
        "security/manychat_advisor_rules.xml",
        "data/crm_team_data.xml",
        "data/ir_cron_data.xml",
        "data/mail_activity_type_data.xml",
        "views/manychat_stage_mapping_views.xml",
        "views/manychat_stage_history_views.xml",
        "views/manychat_unmapped_state_views.xml",
        "wizards/manychat_map_state_views.xml",
        "wizards/manychat_test_state_views.xml",
        "views/manychat_event_views.xml",
        "views/manychat_alias_views.xml",
        "views/manychat_unknown_advisor_views.xml",
        "views/manychat_merged_contact_views.xml",
        "views/manychat_take_over_views.xml",
        "views/manychat_reconciliation_views.xml",
        "views/crm_lead_views.xml",
        "views/manychat_lead_links_views.xml",
        "views/manychat_funnel_report_views.xml",
        "views/res_config_settings_views.xml",
        "views/res_config_cockpit_views.xml",
        "views/manychat_menus.xml",
    ],
    "demo": ["demo/manychat_demo.xml"],
    "assets": {
        "web.assets_backend": [
            "miasalud_crm/static/src/channel_badge.scss",
            "miasalud_crm/static/src/pipeline_columns.js",
        ]
    },
    "post_init_hook": "post_init_hook",
    "uninstall_hook": "uninstall_hook",
}
