/** @odoo-module **/

import { CrmKanbanModel } from "@crm/views/crm_kanban/crm_kanban_model";

// The ManyChat team has twelve stages and Odoo 18 opens ten columns, which would fold the last
// ones: orders and sales. From Odoo 19 on the action's own context says it.
CrmKanbanModel.MAX_NUMBER_OPENED_GROUPS = 20;
