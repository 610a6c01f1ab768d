output "ingest_url" {
  description = "Where events go."
  value       = local.ingest_url
}

output "load_balancer_address" {
  description = "Where the A record of load_balancer.domain is to point."
  value       = one(values(google_compute_global_address.ingest)[*].address)
}

output "admin_url" {
  description = "Where operators look."
  value       = local.urls["admin"]
}

output "registry" {
  description = "Where images are pushed."
  value       = local.registry
}

output "smoke_account" {
  description = "The account that tests a deployment, and that people call the services with."
  value       = google_service_account.account["smoke"].email
}

output "database_connections" {
  description = "Connections that the services may open at most, with a rollout running; an external database must grant them."
  value       = local.connections.needed
}

output "github_variables" {
  description = "The variables of the repository's environment, which the workflow `deploy` reads."
  value = var.github == null ? null : merge(var.load_balancer == null ? {} : { EVENTFLOW_INGEST_URL = local.ingest_url }, {
    GCP_PROJECT_ID     = var.project_id
    GCP_REGION         = var.region
    EVENTFLOW_NAME     = local.name
    GCP_WIF_PROVIDER   = "${local.github_pool}/providers/github"
    GCP_DEPLOY_ACCOUNT = google_service_account.deploy[0].email
    GCP_SMOKE_ACCOUNT  = google_service_account.account["smoke"].email
  })
}

output "github_plans" {
  description = "The element of the repository's variable TERRAFORM_PLANS that stands for this deployment; `directory` is where its configuration is."
  value = local.plans == null ? null : {
    environment = var.github.environment
    directory   = "terraform"
    bucket      = local.plans.state_bucket
    project     = var.project_id
    provider    = "${local.github_pool}/providers/plans"
    account     = google_service_account.plan[0].email
  }
}

output "next" {
  description = "A few commands that show that it works."
  value       = <<-SH
    ${local.shell.token}
    ${join("\n", local.shell.key)}
    curl ${local.ingest_url}/events -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" -d '{"eventType":"hello","payload":{"first":true}}'
    curl ${local.urls["admin"]}/admin/events -H "Authorization: Bearer $(token ${local.urls["admin"]})"
  SH
}

output "smoke" {
  description = "What `make smoke` reads."
  value = join("\n", concat(
    [local.shell.token],
    [for name, value in local.smoke : "export ${name}=${value}"],
    ["export ADMIN_TOKEN=$(token ${local.urls["admin"]})"],
    var.ingest_access == "iam" ? ["export INGEST_TOKEN=$(token ${local.urls["ingest"]})"] : [],
    [""],
  ))
}

locals {
  shell = {
    token = "token() { gcloud auth print-identity-token --impersonate-service-account=${google_service_account.account["smoke"].email} --include-email --audiences=\"$1\"; }"
    key = var.ingest_access == "iam" ? ["KEY=$(token ${local.urls["ingest"]})"] : [
      "key() { curl -fsS ${local.urls["admin"]}/admin/keys -H \"Authorization: Bearer $(token ${local.urls["admin"]})\" -H \"Content-Type: application/json\" -d \"{\\\"name\\\":\\\"$1\\\"}\" | sed 's/.*\"key\":\"\\([^\"]*\\)\".*/\\1/'; }",
      "KEY=$(key first)",
    ]
  }

  smoke = merge({ for name in keys(local.services) : "${upper(replace(name, "-", "_"))}_URL" => name == "ingest" ? local.ingest_url : local.urls[name] }, {
    GOOGLE_CLOUD_PROJECT = var.project_id
    CLOUDSDK_RUN_REGION  = var.region
    EVENTFLOW_NAME       = local.name
    BIGQUERY_PROJECT_ID  = local.bigquery_project
  })
}
