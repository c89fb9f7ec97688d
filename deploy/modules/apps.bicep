// The Container Apps: API, one app a worker, and the job that migrates the mirror.

param name string
param location string
param tags object
param apiImage string
param workersImage string
param registryServer string
param apiIdentityId string
param apiClientId string
param workersIdentityId string
param workersClientId string
param migrateIdentityId string
param migrateClientId string
param storageAccountName string
param queueUrl string
param sqlHost string
param sqlDatabase string
param vaultName string
param insightsConnectionString string
param workspaceName string
param odooUrl string
param odooDb string
param odooUsername string
param odooMaxCallsPerSecond string
param syncMode string
param apiMin int
param apiMax int
param queueWorkersMax int
param crmWorkersMax int

var apiPort = 8000
var healthPort = 8080
// A replica takes 32 messages at once: below some hundred, another one would find nothing to do.
var messagesAReplica = 200

var sqlQuery = 'driver=ODBC+Driver+18+for+SQL+Server&Encrypt=yes&Authentication=ActiveDirectoryMsi'
var registries = empty(registryServer) ? [] : [{ server: registryServer }]

var settings = [
  { name: 'AZURE_STORAGE_ACCOUNT_URL', value: queueUrl }
  { name: 'USE_KEY_VAULT', value: 'true' }
  { name: 'KEY_VAULT_NAME', value: vaultName }
  { name: 'ODOO_URL', value: odooUrl }
  { name: 'ODOO_DB', value: odooDb }
  { name: 'ODOO_USERNAME', value: odooUsername }
  { name: 'ODOO_MAX_CALLS_PER_SECOND', value: odooMaxCallsPerSecond }
  { name: 'SYNC_MODE', value: syncMode }
  { name: 'APPLICATIONINSIGHTS_CONNECTION_STRING', value: insightsConnectionString }
]
var apiSettings = concat(settings, [
  { name: 'AZURE_CLIENT_ID', value: apiClientId }
  { name: 'DATABASE_URL', value: 'mssql+pyodbc://${apiClientId}@${sqlHost}:1433/${sqlDatabase}?${sqlQuery}' }
  { name: 'DOCS_PUBLIC', value: 'false' }
  { name: 'PORT', value: string(apiPort) }
])
var workerSettings = concat(settings, [
  { name: 'AZURE_CLIENT_ID', value: workersClientId }
  { name: 'DATABASE_URL', value: 'mssql+pyodbc://${workersClientId}@${sqlHost}:1433/${sqlDatabase}?${sqlQuery}' }
  { name: 'WORKER_HEALTH_PORT', value: string(healthPort) }
])

var migrateSettings = concat(settings, [
  { name: 'AZURE_CLIENT_ID', value: migrateClientId }
  { name: 'DATABASE_URL', value: 'mssql+pyodbc://${migrateClientId}@${sqlHost}:1433/${sqlDatabase}?${sqlQuery}' }
])

var queueWorkers = [
  { worker: 'contact', queue: 'manychat-contact-queue' }
  { worker: 'campaign', queue: 'manychat-campaign-queue' }
]
// The outbox is no queue that KEDA could ask, and the schedule needs a process that always runs.
var steadyWorkers = [
  { worker: 'crm', max: crmWorkersMax }
  { worker: 'feedback', max: 1 }
]

var workerProbes = [
  {
    type: 'Liveness'
    httpGet: { path: '/health', port: healthPort }
    initialDelaySeconds: 20
    periodSeconds: 30
    timeoutSeconds: 5
    failureThreshold: 3
  }
]

resource workspace 'Microsoft.OperationalInsights/workspaces@2023-09-01' existing = {
  name: workspaceName
}

resource environment 'Microsoft.App/managedEnvironments@2025-01-01' = {
  name: '${name}-env'
  location: location
  tags: tags
  properties: {
    appLogsConfiguration: {
      destination: 'log-analytics'
      logAnalyticsConfiguration: {
        customerId: workspace.properties.customerId
        sharedKey: workspace.listKeys().primarySharedKey
      }
    }
  }
}

resource api 'Microsoft.App/containerApps@2025-01-01' = {
  name: '${name}-api'
  location: location
  tags: tags
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${apiIdentityId}': {} }
  }
  properties: {
    environmentId: environment.id
    configuration: {
      activeRevisionsMode: 'Single'
      registries: [for one in registries: { server: one.server, identity: apiIdentityId }]
      ingress: {
        external: true
        targetPort: apiPort
        transport: 'http'
        allowInsecure: false
      }
    }
    template: {
      terminationGracePeriodSeconds: 40
      containers: [
        {
          name: 'api'
          image: apiImage
          resources: { cpu: json('0.5'), memory: '1Gi' }
          env: apiSettings
          probes: [
            {
              type: 'Liveness'
              httpGet: { path: '/health', port: apiPort }
              initialDelaySeconds: 20
              periodSeconds: 30
              timeoutSeconds: 5
              failureThreshold: 3
            }
            {
              type: 'Startup'
              httpGet: { path: '/health', port: apiPort }
              periodSeconds: 3
              failureThreshold: 40
            }
          ]
        }
      ]
      scale: {
        minReplicas: apiMin
        maxReplicas: apiMax
        rules: [{ name: 'http', http: { metadata: { concurrentRequests: '50' } } }]
      }
    }
  }
}

resource queueApps 'Microsoft.App/containerApps@2025-01-01' = [for one in queueWorkers: {
  name: '${name}-${one.worker}'
  location: location
  tags: tags
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${workersIdentityId}': {} }
  }
  properties: {
    environmentId: environment.id
    configuration: {
      activeRevisionsMode: 'Single'
      registries: [for two in registries: { server: two.server, identity: workersIdentityId }]
    }
    template: {
      terminationGracePeriodSeconds: 40
      containers: [
        {
          name: 'worker'
          image: workersImage
          command: ['python', '-m', 'bridge', 'worker', one.worker]
          resources: { cpu: json('0.5'), memory: '1Gi' }
          env: workerSettings
          probes: workerProbes
        }
      ]
      scale: {
        minReplicas: 0
        maxReplicas: queueWorkersMax
        rules: [
          {
            name: 'queue'
            azureQueue: {
              accountName: storageAccountName
              queueName: one.queue
              queueLength: messagesAReplica
              identity: workersIdentityId
            }
          }
        ]
      }
    }
  }
}]

resource steadyApps 'Microsoft.App/containerApps@2025-01-01' = [for one in steadyWorkers: {
  name: '${name}-${one.worker}'
  location: location
  tags: tags
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${workersIdentityId}': {} }
  }
  properties: {
    environmentId: environment.id
    configuration: {
      activeRevisionsMode: 'Single'
      registries: [for two in registries: { server: two.server, identity: workersIdentityId }]
    }
    template: {
      terminationGracePeriodSeconds: 40
      containers: [
        {
          name: 'worker'
          image: workersImage
          command: ['python', '-m', 'bridge', 'worker', one.worker]
          resources: { cpu: json('0.5'), memory: '1Gi' }
          env: workerSettings
          probes: workerProbes
        }
      ]
      scale: {
        minReplicas: 1
        maxReplicas: one.max
        rules: one.max == 1 ? [] : [{ name: 'cpu', custom: { type: 'cpu', metadata: { type: 'Utilization', value: '70' } } }]
      }
    }
  }
}]

// Run by hand before the first start and before each upgrade: az containerapp job start. It has an
// identity of its own, so that API and workers need no right to change tables.
resource migrate 'Microsoft.App/jobs@2025-01-01' = {
  name: '${name}-migrate'
  location: location
  tags: tags
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${migrateIdentityId}': {} }
  }
  properties: {
    environmentId: environment.id
    configuration: {
      triggerType: 'Manual'
      replicaTimeout: 1800
      replicaRetryLimit: 0
      manualTriggerConfig: { parallelism: 1, replicaCompletionCount: 1 }
      registries: [for one in registries: { server: one.server, identity: migrateIdentityId }]
    }
    template: {
      containers: [
        {
          name: 'migrate'
          image: workersImage
          command: ['python', '-m', 'bridge', 'db', 'upgrade']
          resources: { cpu: json('0.5'), memory: '1Gi' }
          env: migrateSettings
        }
      ]
    }
  }
}

output apiUrl string = 'https://${api.properties.configuration.ingress.fqdn}'
