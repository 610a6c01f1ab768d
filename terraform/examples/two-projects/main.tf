# Development and production, each in a project of its own, by one apply. Where each is to have a
# state of its own, apply the folder terraform/ twice instead (docs/deploy.md).
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

# Calls count against the project of what they are about.
provider "google" {
  user_project_override = true
}

locals {
  environments = {
    dev = {
      project_id          = "eventflow-dev"
      project_number      = "100000000001"
      database            = { tier = "db-g1-small" }
      deletion_protection = false
      services = {
        ingest       = { max_instances = 1 }
        process-push = { max_instances = 1, concurrency = 4 }
      }
    }
    prod = {
      project_id          = "eventflow-prod"
      project_number      = "100000000002"
      database            = { highly_available = true, point_in_time_recovery = true }
      deletion_protection = true
      services            = {}
    }
  }
}

module "eventflow" {
  source   = "../../modules/eventflow"
  for_each = local.environments

  project_id          = each.value.project_id
  project_number      = each.value.project_number
  region              = "europe-west1"
  admin_members       = ["user:me@example.com"]
  database            = each.value.database
  services            = each.value.services
  deletion_protection = each.value.deletion_protection
}

output "ingest_urls" {
  description = "Where events go."
  value       = { for name, environment in module.eventflow : name => environment.ingest_url }
}
