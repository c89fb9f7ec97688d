// The clinic's installation. Images by digest, so that a restart never brings another version.
using 'main.bicep'

param name = readEnvironmentVariable('NAME', 'miasalud')
param apiImage = readEnvironmentVariable('API_IMAGE')
param workersImage = readEnvironmentVariable('WORKERS_IMAGE')
param registryName = readEnvironmentVariable('REGISTRY_NAME', '')
param odooUrl = readEnvironmentVariable('ODOO_URL')
param odooDb = readEnvironmentVariable('ODOO_DB')
param odooUsername = readEnvironmentVariable('ODOO_USERNAME')
param syncMode = readEnvironmentVariable('SYNC_MODE', 'opportunities')
param odooMaxCallsPerSecond = '10'
param sqlAdminName = readEnvironmentVariable('SQL_ADMIN_NAME')
param sqlAdminObjectId = readEnvironmentVariable('SQL_ADMIN_OBJECT_ID')
param alertEmail = readEnvironmentVariable('ALERT_EMAIL')
param sqlSku = 'S1'
param apiMin = 2
param apiMax = 5
param queueWorkersMax = 20
param crmWorkersMax = 2
