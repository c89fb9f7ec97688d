// Logs, Application Insights, and the alerts that need nothing but Azure's own numbers. What the
// bridge itself measures is watched by Prometheus rules.

param name string
param location string
param tags object
param alertEmail string
param storageAccountName string
param sqlServerName string

resource workspace 'Microsoft.OperationalInsights/workspaces@2023-09-01' = {
  name: '${name}-logs'
  location: location
  tags: tags
  properties: {
    sku: { name: 'PerGB2018' }
    retentionInDays: 30
  }
}

resource insights 'Microsoft.Insights/components@2020-02-02' = {
  name: '${name}-insights'
  location: location
  tags: tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    WorkspaceResourceId: workspace.id
  }
}

resource people 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: '${name}-people'
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'miasalud'
    enabled: true
    emailReceivers: [{ name: 'on-call', emailAddress: alertEmail, useCommonAlertSchema: true }]
  }
}

resource account 'Microsoft.Storage/storageAccounts@2023-05-01' existing = {
  name: storageAccountName
}

resource database 'Microsoft.Sql/servers/databases@2021-11-01' existing = {
  name: '${sqlServerName}/miasalud'
}

resource queuesAway 'Microsoft.Insights/metricAlerts@2018-03-01' = {
  name: '${name}-queues-away'
  location: 'global'
  tags: tags
  properties: {
    description: 'The storage account answers less than 99 % of the calls: webhooks go to the inbox.'
    severity: 1
    enabled: true
    scopes: [account.id]
    evaluationFrequency: 'PT1M'
    windowSize: 'PT5M'
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          criterionType: 'StaticThresholdCriterion'
          name: 'availability'
          metricNamespace: 'Microsoft.Storage/storageAccounts'
          metricName: 'Availability'
          operator: 'LessThan'
          threshold: 99
          timeAggregation: 'Average'
        }
      ]
    }
    actions: [{ actionGroupId: people.id }]
  }
}

resource mirrorFull 'Microsoft.Insights/metricAlerts@2018-03-01' = {
  name: '${name}-mirror-full'
  location: 'global'
  tags: tags
  properties: {
    description: 'The mirror is at 80 % of its size: a larger tier, or fewer RETENTION_DAYS.'
    severity: 2
    enabled: true
    scopes: [database.id]
    evaluationFrequency: 'PT15M'
    windowSize: 'PT1H'
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          criterionType: 'StaticThresholdCriterion'
          name: 'storage'
          metricNamespace: 'Microsoft.Sql/servers/databases'
          metricName: 'storage_percent'
          operator: 'GreaterThan'
          threshold: 80
          timeAggregation: 'Maximum'
        }
      ]
    }
    actions: [{ actionGroupId: people.id }]
  }
}

resource mirrorBusy 'Microsoft.Insights/metricAlerts@2018-03-01' = {
  name: '${name}-mirror-busy'
  location: 'global'
  tags: tags
  properties: {
    description: 'The mirror works at its limit for a quarter of an hour: the queues will grow.'
    severity: 2
    enabled: true
    scopes: [database.id]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT15M'
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          criterionType: 'StaticThresholdCriterion'
          name: 'dtu'
          metricNamespace: 'Microsoft.Sql/servers/databases'
          metricName: 'dtu_consumption_percent'
          operator: 'GreaterThan'
          threshold: 90
          timeAggregation: 'Average'
        }
      ]
    }
    actions: [{ actionGroupId: people.id }]
  }
}

output workspaceName string = workspace.name
output insightsConnectionString string = insights.properties.ConnectionString
