// The storage account, its three queues, and who may do what with each.

param name string
param location string
param tags object
param apiPrincipalId string
param workersPrincipalId string

var eventQueues = ['manychat-contact-queue', 'manychat-campaign-queue']
var deadLetterQueue = 'dead-letter-queue'

// Built-in roles of Azure, by their ids.
var sender = 'c6a89b2d-59bc-44d0-9896-0f6e12d7b80a' // Storage Queue Data Message Sender
var reader = '19e7f393-937e-4f77-808e-94535e297925' // Storage Queue Data Reader
var contributor = '974c5e8b-45b9-4653-ba55-5f855dd0fb88' // Storage Queue Data Contributor

resource account 'Microsoft.Storage/storageAccounts@2023-05-01' = {
  name: '${name}queues'
  location: location
  tags: tags
  sku: { name: 'Standard_ZRS' }
  kind: 'StorageV2'
  properties: {
    allowBlobPublicAccess: false
    allowSharedKeyAccess: false
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
  }
}

resource service 'Microsoft.Storage/storageAccounts/queueServices@2023-05-01' = {
  parent: account
  name: 'default'
}

resource events 'Microsoft.Storage/storageAccounts/queueServices/queues@2023-05-01' = [for queue in eventQueues: {
  parent: service
  name: queue
}]

resource deadLetters 'Microsoft.Storage/storageAccounts/queueServices/queues@2023-05-01' = {
  parent: service
  name: deadLetterQueue
}

// The API sends events, and reads depth and age for its reports. It takes nothing out.
resource apiSends 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for (queue, index) in eventQueues: {
  name: guid(account.id, queue, apiPrincipalId, sender)
  scope: events[index]
  properties: {
    principalId: apiPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', sender)
  }
}]

resource apiSendsDeadLetters 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(account.id, deadLetterQueue, apiPrincipalId, sender)
  scope: deadLetters
  properties: {
    principalId: apiPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', sender)
  }
}

resource apiReads 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(account.id, apiPrincipalId, reader)
  scope: account
  properties: {
    principalId: apiPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', reader)
  }
}

// The workers take, delay and put back. Message Processor with Message Sender would not do: neither
// may update a message, which is how a lease is renewed and a retry delayed. So Contributor, on the
// three queues only.
resource workersTake 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for (queue, index) in eventQueues: {
  name: guid(account.id, queue, workersPrincipalId, contributor)
  scope: events[index]
  properties: {
    principalId: workersPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', contributor)
  }
}]

resource workersTakeDeadLetters 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(account.id, deadLetterQueue, workersPrincipalId, contributor)
  scope: deadLetters
  properties: {
    principalId: workersPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', contributor)
  }
}

output accountName string = account.name
output queueUrl string = account.properties.primaryEndpoints.queue
