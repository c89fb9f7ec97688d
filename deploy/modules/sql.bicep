// Azure SQL: a server that knows Entra logins only, and the mirror's database. Its users and their
// rights are made by deploy/sql/ (a template cannot run SQL).

param name string
param location string
param tags object
param adminName string
param adminObjectId string
param sku string

var databaseName = 'miasalud'

resource server 'Microsoft.Sql/servers@2021-11-01' = {
  name: '${name}-sql'
  location: location
  tags: tags
  properties: {
    minimalTlsVersion: '1.2'
    publicNetworkAccess: 'Enabled'
    administrators: {
      administratorType: 'ActiveDirectory'
      principalType: 'Group'
      login: adminName
      sid: adminObjectId
      tenantId: subscription().tenantId
      azureADOnlyAuthentication: true
    }
  }
}

// The range 0.0.0.0 stands for Azure's own services. Who they are is then decided by the login; a
// network of one's own (private endpoint) is narrower and needs a Container Apps environment in it.
resource azureOnly 'Microsoft.Sql/servers/firewallRules@2021-11-01' = {
  parent: server
  name: 'AllowAllWindowsAzureIps'
  properties: {
    startIpAddress: '0.0.0.0'
    endIpAddress: '0.0.0.0'
  }
}

// READ_COMMITTED_SNAPSHOT, which the bridge counts on, is on in every new Azure SQL database.
resource database 'Microsoft.Sql/servers/databases@2021-11-01' = {
  parent: server
  name: databaseName
  location: location
  tags: tags
  sku: { name: sku }
  properties: {
    requestedBackupStorageRedundancy: 'Geo'
  }
}

resource shortTerm 'Microsoft.Sql/servers/databases/backupShortTermRetentionPolicies@2021-11-01' = {
  parent: database
  name: 'default'
  properties: { retentionDays: 14 }
}

output serverName string = server.name
output host string = server.properties.fullyQualifiedDomainName
output databaseName string = databaseName
