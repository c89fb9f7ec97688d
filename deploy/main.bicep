// The bridge on Azure: queues, Azure SQL, Key Vault, Application Insights, API and workers on
// Container Apps.
//
//   az deployment group create --resource-group GROUP --template-file deploy/main.bicep \
//     --parameters deploy/prod.bicepparam
//
// Nothing secret is a parameter: the secrets are put into the vault by a person (docs/deploy.md),
// and everything else is reached by managed identity.

targetScope = 'resourceGroup'

@description('First part of every name: lower-case letters and digits.')
@minLength(3)
@maxLength(11)
param name string

param location string = resourceGroup().location

@description('Image of the API, such as registry.azurecr.io/miasalud/api@sha256:…')
param apiImage string

@description('Image of the workers.')
param workersImage string

@description('Name of the container registry in this resource group; empty: the images are public.')
param registryName string = ''

@description('Address of Odoo, such as https://odoo.example.com')
param odooUrl string

@description('Name of its database.')
param odooDb string

@description('Login of the bridge user in Odoo.')
param odooUsername string

@description('Most calls a second to Odoo; empty: unlimited.')
param odooMaxCallsPerSecond string = ''

@description('Whether Odoo keeps leads only, or a contact for each of them too (SYNC_MODE).')
@allowed(['opportunities', 'contacts'])
param syncMode string = 'opportunities'

@description('Name of the Entra group that administers the SQL server.')
param sqlAdminName string

@description('Its object id.')
param sqlAdminObjectId string

@description('SQL database tier.')
param sqlSku string = 'S1'

@description('Mail address that alerts go to.')
param alertEmail string

@description('API replicas that always run: two, so that one can be replaced under load.')
@minValue(1)
param apiMin int = 2

@minValue(1)
param apiMax int = 5

// A queue worker takes 0.95 to 1.2 ms of processor an event (docs/performance.md), so one replica
// of half a core does about 400 events a second, more than the mirror's tier S1 can write. More
// replicas only make a backlog pass faster where the mirror has room.
@minValue(1)
@maxValue(20)
param queueWorkersMax int = 20

// Odoo takes 1.3 ms of processor an event, the crm worker 0.35 ms (docs/performance.md): one worker
// can feed four Odoo processes, and Odoo is what limits. The second is for the time in which the
// first is replaced; contacts are claimed, so two never push the same one.
@minValue(1)
@maxValue(4)
param crmWorkersMax int = 2

var tags = { application: 'miasalud-crm' }

resource apiIdentity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: '${name}-api'
  location: location
  tags: tags
}

resource workersIdentity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: '${name}-workers'
  location: location
  tags: tags
}

resource migrateIdentity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: '${name}-migrate'
  location: location
  tags: tags
}

module queues 'modules/queues.bicep' = {
  name: 'queues'
  params: {
    name: name
    location: location
    tags: tags
    apiPrincipalId: apiIdentity.properties.principalId
    workersPrincipalId: workersIdentity.properties.principalId
  }
}

module sql 'modules/sql.bicep' = {
  name: 'sql'
  params: {
    name: name
    location: location
    tags: tags
    adminName: sqlAdminName
    adminObjectId: sqlAdminObjectId
    sku: sqlSku
  }
}

module vault 'modules/vault.bicep' = {
  name: 'vault'
  params: {
    name: name
    location: location
    tags: tags
    readerPrincipalIds: [
      apiIdentity.properties.principalId
      workersIdentity.properties.principalId
      migrateIdentity.properties.principalId
    ]
  }
}

module watch 'modules/watch.bicep' = {
  name: 'watch'
  params: {
    name: name
    location: location
    tags: tags
    alertEmail: alertEmail
    storageAccountName: queues.outputs.accountName
    sqlServerName: sql.outputs.serverName
  }
}

module registry 'modules/registry.bicep' = if (!empty(registryName)) {
  name: 'registry'
  params: {
    registryName: registryName
    pullerPrincipalIds: [
      apiIdentity.properties.principalId
      workersIdentity.properties.principalId
      migrateIdentity.properties.principalId
    ]
  }
}

module apps 'modules/apps.bicep' = {
  name: 'apps'
  params: {
    name: name
    location: location
    tags: tags
    apiImage: apiImage
    workersImage: workersImage
    registryServer: empty(registryName) ? '' : '${registryName}.azurecr.io'
    apiIdentityId: apiIdentity.id
    apiClientId: apiIdentity.properties.clientId
    workersIdentityId: workersIdentity.id
    workersClientId: workersIdentity.properties.clientId
    migrateIdentityId: migrateIdentity.id
    migrateClientId: migrateIdentity.properties.clientId
    storageAccountName: queues.outputs.accountName
    queueUrl: queues.outputs.queueUrl
    sqlHost: sql.outputs.host
    sqlDatabase: sql.outputs.databaseName
    vaultName: vault.outputs.vaultName
    insightsConnectionString: watch.outputs.insightsConnectionString
    workspaceName: watch.outputs.workspaceName
    odooUrl: odooUrl
    odooDb: odooDb
    odooUsername: odooUsername
    odooMaxCallsPerSecond: odooMaxCallsPerSecond
    syncMode: syncMode
    apiMin: apiMin
    apiMax: apiMax
    queueWorkersMax: queueWorkersMax
    crmWorkersMax: crmWorkersMax
  }
}

output apiUrl string = apps.outputs.apiUrl
output vaultName string = vault.outputs.vaultName
output sqlHost string = sql.outputs.host
output apiIdentityName string = apiIdentity.name
output workersIdentityName string = workersIdentity.name
output migrateIdentityName string = migrateIdentity.name
