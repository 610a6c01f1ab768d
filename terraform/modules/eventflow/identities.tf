# One account for each thing that runs or calls, so that each gets only what it needs. A right
# stands beside the thing that it is on.
locals {
  accounts = {
    ingest       = "Runs ingest"
    process-push = "Runs process-push"
    admin        = "Runs admin"
    bq-flush     = "Runs bq-flush"
    migrate      = "Runs the migrations"
    pusher       = "Pub/Sub pushes with it"
    scheduler    = "Cloud Scheduler calls with it"
    smoke        = "Tests a deployment from end to end"
  }

  # Google makes a service agent when its identity is first asked for, which the google provider
  # cannot do (google_project_service_identity is in google-beta alone). docs/deploy.md asks for it
  # with gcloud, before the first apply. Without that, the first grant below that names an agent
  # fails and says so; nothing is made that would silently lack it, since subscriptions wait for
  # their grants.
  agents = {
    pubsub = "serviceAccount:service-${var.project_number}@gcp-sa-pubsub.iam.gserviceaccount.com"
    iap    = "serviceAccount:service-${var.project_number}@gcp-sa-iap.iam.gserviceaccount.com"
  }
}

resource "google_service_account" "account" {
  for_each = local.accounts

  project      = var.project_id
  account_id   = "${local.name}-${each.key}"
  display_name = each.value

  depends_on = [google_project_service.api]
}

# Pub/Sub signs its pushes as the pusher, and may sign as nobody else. Cloud Scheduler's agent has
# its right from Google, project-wide.
resource "google_service_account_iam_member" "pubsub_signs_as_pusher" {
  service_account_id = google_service_account.account["pusher"].name
  role               = "roles/iam.serviceAccountOpenIdTokenCreator"
  member             = local.agents.pubsub
}

# A person's own token from gcloud has gcloud's audience, which the services refuse, so people
# call them with a token of this account. gcloud fetches an access token before an identity token,
# which serviceAccountOpenIdTokenCreator does not let it. Neither lets anybody do more than this
# account may.
resource "google_service_account_iam_member" "admin_signs_as_smoke" {
  for_each = var.admin_members

  service_account_id = google_service_account.account["smoke"].name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = each.key
}
