# The rights of the workflow that deploys, without a stored key.
locals {
  github_pool = "projects/${var.project_number}/locations/global/workloadIdentityPools/${local.name}-github-${var.name_suffix}"

  # The workflows of that repository that the provider below lets in.
  github_workflows = var.github == null ? null : "principalSet://iam.googleapis.com/${local.github_pool}/attribute.repository_id/${var.github.repository_id}"
}

resource "google_iam_workload_identity_pool" "github" {
  count = var.github == null ? 0 : 1

  project = var.project_id
  # Google keeps a deleted pool's ID for 30 days.
  workload_identity_pool_id = "${local.name}-github-${var.name_suffix}"
  display_name              = "EventFlow's workflows"

  depends_on = [google_project_service.api]
}

resource "google_iam_workload_identity_pool_provider" "github" {
  count = var.github == null ? 0 : 1

  project                            = var.project_id
  workload_identity_pool_id          = google_iam_workload_identity_pool.github[0].workload_identity_pool_id
  workload_identity_pool_provider_id = "github"

  # Numeric IDs, since names can be taken over; main alone, since whoever may push a branch could
  # otherwise deploy it; one environment alone, since what its reviewers approve would otherwise be
  # open to a job that names another environment.
  attribute_condition = join(" && ", [
    "assertion.repository_id == \"${var.github.repository_id}\"",
    "assertion.repository_owner_id == \"${var.github.owner_id}\"",
    "assertion.ref == \"refs/heads/main\"",
    "assertion.environment == \"${var.github.environment}\"",
  ])
  attribute_mapping = {
    "google.subject"          = "assertion.sub"
    "attribute.repository_id" = "assertion.repository_id"
  }

  oidc {
    issuer_uri = "https://token.actions.githubusercontent.com"
  }
}

resource "google_service_account" "deploy" {
  count = var.github == null ? 0 : 1

  project      = var.project_id
  account_id   = "${local.name}-deploy"
  display_name = "Deploys from GitHub"

  depends_on = [google_project_service.api]
}

# The workflow deploys as one account and tests as another, so that neither can do the other's work.
resource "google_service_account_iam_member" "github_deploys" {
  count = var.github == null ? 0 : 1

  service_account_id = google_service_account.deploy[0].name
  role               = "roles/iam.workloadIdentityUser"
  member             = local.github_workflows

  depends_on = [google_iam_workload_identity_pool.github]
}

resource "google_service_account_iam_member" "github_tests" {
  count = var.github == null ? 0 : 1

  service_account_id = google_service_account.account["smoke"].name
  role               = "roles/iam.workloadIdentityUser"
  member             = local.github_workflows

  depends_on = [google_iam_workload_identity_pool.github]
}

resource "google_artifact_registry_repository_iam_member" "deploy_pushes" {
  count = var.github == null ? 0 : 1

  project    = var.project_id
  location   = google_artifact_registry_repository.images.location
  repository = google_artifact_registry_repository.images.id
  role       = "roles/artifactregistry.writer"
  member     = google_service_account.deploy[0].member
}

# On each service and the job, not on the project: it can change what is there and make nothing new.
resource "google_cloud_run_v2_service_iam_member" "deploy_updates" {
  for_each = var.github == null ? [] : toset(keys(local.services))

  project  = var.project_id
  location = var.region
  name     = module.service[each.key].id
  role     = "roles/run.developer"
  member   = google_service_account.deploy[0].member
}

resource "google_cloud_run_v2_job_iam_member" "deploy_migrates" {
  count = var.github == null ? 0 : 1

  project  = var.project_id
  location = var.region
  name     = google_cloud_run_v2_job.migrate.id
  role     = "roles/run.developer"
  member   = google_service_account.deploy[0].member
}

# A deploy waits for its operation, and operations belong to the project.
resource "google_project_iam_member" "deploy_watches" {
  count = var.github == null ? 0 : 1

  project = var.project_id
  role    = "roles/run.viewer"
  member  = google_service_account.deploy[0].member
}

# A new revision runs as the service's account, which whoever deploys it must be allowed to use.
resource "google_service_account_iam_member" "deploy_acts_as" {
  for_each = var.github == null ? [] : toset(["ingest", "process-push", "admin", "bq-flush", "migrate"])

  service_account_id = google_service_account.account[each.key].name
  role               = "roles/iam.serviceAccountUser"
  member             = google_service_account.deploy[0].member
}
