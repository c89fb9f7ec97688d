// A small installation to try things on: one replica of the API, the smallest database.
using 'main.bicep'

param name = readEnvironmentVariable('NAME', 'miasaluddev')
param apiImage = readEnvironmentVariable('API_IMAGE')
param workersImage = readEnvironmentVariable('WORKERS_IMAGE')
param registryName = readEnvironmentVariable('REGISTRY_NAME', '')
param odooUrl = readEnvironmentVariable('ODOO_URL')
param odooDb = readEnvironmentVariable('ODOO_DB')
param odooUsername = readEnvironmentVariable('ODOO_USERNAME')
param syncMode = readEnvironmentVariable('SYNC_MODE', 'opportunities')
param sqlAdminName = readEnvironmentVariable('SQL_ADMIN_NAME')
param sqlAdminObjectId = readEnvironmentVariable('SQL_ADMIN_OBJECT_ID')
param alertEmail = readEnvironmentVariable('ALERT_EMAIL')
param sqlSku = 'Basic'
param apiMin = 1
param apiMax = 1
param queueWorkersMax = 2
param crmWorkersMax = 1
