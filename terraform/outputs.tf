output "ingest_url" {
  description = "Where events go."
  value       = module.eventflow.ingest_url
}

output "load_balancer_address" {
  description = "Where the A record of load_balancer.domain is to point."
  value       = module.eventflow.load_balancer_address
}

output "admin_url" {
  description = "Where operators look."
  value       = module.eventflow.admin_url
}

output "registry" {
  description = "Where images are pushed."
  value       = module.eventflow.registry
}

output "smoke_account" {
  description = "The account that tests a deployment, and that people call the services with."
  value       = module.eventflow.smoke_account
}

output "database_connections" {
  description = "Connections that the services may open at most, with a rollout running; an external database must grant them."
  value       = module.eventflow.database_connections
}

output "github_variables" {
  description = "The variables of the repository's environment, which the workflow `deploy` reads."
  value       = module.eventflow.github_variables
}

output "github_plans" {
  description = "The element of the repository's variable TERRAFORM_PLANS that stands for this deployment; `directory` is where its configuration is."
  value       = module.eventflow.github_plans
}

output "next" {
  description = "A few commands that show that it works."
  value       = module.eventflow.next
}

output "smoke" {
  description = "What `make smoke` reads."
  value       = module.eventflow.smoke
}
