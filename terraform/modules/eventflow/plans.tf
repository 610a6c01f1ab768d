# With `github.plans` the workflow `plan` shows on a pull request what it would change, and looks each
# night whether what is there is what was applied. It reads, and may change nothing.
locals {
  plans = try(var.github.plans, null)

  # The rights that a refresh needs. Each is for looking alone; `serviceUsageConsumer` has calls count against this project.
  plan_roles = local.plans == null ? [] : concat([
    "roles/artifactregistry.reader",
    "roles/bigquery.metadataViewer",
    "roles/browser",
    "roles/cloudscheduler.viewer",
    "roles/cloudsql.viewer",
    "roles/iam.securityReviewer",
    "roles/iam.serviceAccountViewer",
    "roles/iam.workloadIdentityPoolViewer",
    "roles/logging.viewer",
    "roles/monitoring.viewer",
    "roles/pubsub.viewer",
    "roles/run.viewer",
    "roles/secretmanager.viewer",
    "roles/serviceusage.serviceUsageConsumer",
    ], var.network == null && var.load_balancer == null ? [] : [
    "roles/compute.viewer",
    "roles/compute.networkViewer",
  ])
}

resource "google_service_account" "plan" {
  count = local.plans == null ? 0 : 1

  project      = var.project_id
  account_id   = "${local.name}-plan"
  display_name = "Plans from GitHub"

  depends_on = [google_project_service.api]
}

# A provider of its own, since a pull request is not on main. It gives no `repository_id`, which is
# what the deploying accounts ask for, so that nobody becomes one of them by this way.
resource "google_iam_workload_identity_pool_provider" "plans" {
  count = local.plans == null ? 0 : 1

  project                            = var.project_id
  workload_identity_pool_id          = google_iam_workload_identity_pool.github[0].workload_identity_pool_id
  workload_identity_pool_provider_id = "plans"

  attribute_condition = join(" && ", [
    "assertion.repository_id == \"${var.github.repository_id}\"",
    "assertion.repository_owner_id == \"${var.github.owner_id}\"",
    "assertion.event_name in [\"pull_request\", \"schedule\", \"workflow_dispatch\"]",
  ])
  attribute_mapping = {
    "google.subject"     = "assertion.sub"
    "attribute.plans_of" = "assertion.repository_id"
  }

  oidc {
    issuer_uri = "https://token.actions.githubusercontent.com"
  }
}

resource "google_service_account_iam_member" "github_plans" {
  count = local.plans == null ? 0 : 1

  service_account_id = google_service_account.plan[0].name
  role               = "roles/iam.workloadIdentityUser"
  member             = "principalSet://iam.googleapis.com/${local.github_pool}/attribute.plans_of/${var.github.repository_id}"

  depends_on = [google_iam_workload_identity_pool_provider.plans]
}

resource "google_project_iam_member" "plan_reads" {
  for_each = toset(local.plan_roles)

  project = var.project_id
  role    = each.key
  member  = google_service_account.plan[0].member
}

resource "google_storage_bucket_iam_member" "plan_reads_state" {
  count = local.plans == null ? 0 : 1

  bucket = local.plans.state_bucket
  role   = "roles/storage.objectViewer"
  member = google_service_account.plan[0].member
}

# Terraform reads the database's URL in each plan. It has a password and no way to the database, which wants the right to connect too.
resource "google_secret_manager_secret_iam_member" "plan_reads_database_url" {
  count = local.plans != null && local.own_database ? 1 : 0

  project   = var.project_id
  secret_id = google_secret_manager_secret.database_url[0].id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.plan[0].member
}

# Budgets belong to the billing account.
resource "google_billing_account_iam_member" "plan_reads_budget" {
  count = local.plans != null && var.budget != null ? 1 : 0

  billing_account_id = var.budget.billing_account
  role               = "roles/billing.viewer"
  member             = google_service_account.plan[0].member
}
