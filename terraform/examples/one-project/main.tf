# Development and production beside each other in one project: they differ in name_prefix, which
# begins the name of everything. A right on the whole project is a right on both, so
# two projects keep them apart better.
#
# From another repository the source is
#   git::https://github.com/OWNER/REPOSITORY.git//terraform/modules/eventflow?ref=v1.2.3
terraform {
  required_version = ">= 1.11"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 7.45"
    }
  }

  backend "gcs" {
    prefix = "eventflow"
  }
}

provider "google" {
  user_project_override = true
}

locals {
  shared = {
    project_id     = "eventflow-test"
    project_number = "123456789012"
    region         = "europe-west1"
    admin_members  = ["user:me@example.com"]
  }
}

module "dev" {
  source = "../../modules/eventflow"

  name_prefix         = "eventflow-dev"
  project_id          = local.shared.project_id
  project_number      = local.shared.project_number
  region              = local.shared.region
  admin_members       = local.shared.admin_members
  database            = { tier = "db-g1-small" }
  deletion_protection = false
  services = {
    ingest       = { max_instances = 1 }
    process-push = { max_instances = 1, concurrency = 4 }
  }
}

module "prod" {
  source = "../../modules/eventflow"

  name_prefix    = "eventflow-prod"
  project_id     = local.shared.project_id
  project_number = local.shared.project_number
  region         = local.shared.region
  admin_members  = local.shared.admin_members
  database       = { highly_available = true, point_in_time_recovery = true }
}

output "ingest_urls" {
  description = "Where events go."
  value       = { dev = module.dev.ingest_url, prod = module.prod.ingest_url }
}
