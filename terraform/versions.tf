# The deployment itself is modules/eventflow, which other configurations can use too (examples/). This
# file has the parts of one configuration that no module may have: the place of the state, and the provider.
#
# Terraform 1.11 brought write-only arguments, which keep the database's password out of the state.
#
# .terraform.lock.hcl is not in git: written on a machine that has the provider from a local
# mirror, it would hold one platform's hash and break `terraform init` everywhere else.
terraform {
  required_version = ">= 1.11"

  # The modules state the least that they need. The versions that are allowed are stated here alone.
  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 7.45"
    }
  }

  # The state lives in a bucket that is made before anything else, with versioning on, and is named
  # at init, since a backend takes no variables:
  #   terraform init -backend-config="bucket=$PROJECT_ID-terraform"
  backend "gcs" {
    prefix = "eventflow"
  }
}

provider "google" {
  # The module names its project everywhere. The state of what was made before it did does not.
  project = var.project_id
  region  = var.region

  # Calls count against this project's quota. With a person's own credentials some APIs, that of
  # budgets among them, refuse calls that belong to no project.
  billing_project       = var.project_id
  user_project_override = true
}
