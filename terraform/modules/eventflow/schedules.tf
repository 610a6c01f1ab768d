# Each deadline lies within the request time-out of the service that is called.
locals {
  schedules = {
    relay    = { service = "process-push", schedule = "* * * * *", deadline = local.relay_deadline }
    maintain = { service = "process-push", schedule = "7 * * * *", deadline = 120 }
    flush    = { service = "bq-flush", schedule = "*/5 * * * *", deadline = local.flush_deadline }
  }
}

resource "google_cloud_scheduler_job" "call" {
  for_each = local.schedules

  project          = var.project_id
  name             = "${local.name}-${each.key}"
  region           = var.region
  schedule         = each.value.schedule
  time_zone        = "Etc/UTC"
  attempt_deadline = "${each.value.deadline}s"
  paused           = var.paused

  retry_config {
    retry_count          = 2
    min_backoff_duration = "5s"
    max_backoff_duration = "20s"
  }

  http_target {
    http_method = "POST"
    uri         = "${local.urls[each.value.service]}/${each.key}"
    oidc_token {
      service_account_email = google_service_account.account["scheduler"].email
      # Without it the audience is the whole URL, path and all.
      audience = local.urls[each.value.service]
    }
  }

  depends_on = [module.service]
}

# An internal service cannot be called from outside, so the smoke test has its flush run this way.
resource "google_project_iam_member" "smoke_runs_schedules" {
  project = var.project_id
  role    = "roles/cloudscheduler.jobRunner"
  member  = google_service_account.account["smoke"].member
}
