# The log lines that Cloud Logging is sent and does not keep. Metrics that count log lines count these too.
locals {
  own_lines = "resource.type = \"cloud_run_revision\" AND resource.labels.service_name = (\"${local.name}-ingest\" OR \"${local.name}-process-push\") AND log_id(\"run.googleapis.com/stdout\")"

  exclusions = merge(
    var.log_exclusions.cloud_run_requests ? {
      cloud-run-requests = {
        about  = "The line that Cloud Run writes for each request"
        filter = "resource.type = \"cloud_run_revision\" AND resource.labels.service_name = (${join(" OR ", [for name in keys(local.services) : "\"${local.name}-${name}\""])}) AND log_id(\"run.googleapis.com/requests\")"
      }
    } : {},
    # A failure has a line of its own level, and stays.
    var.log_exclusions.own_requests > 0 ? {
      own-requests = {
        about  = "A share of our own lines for requests that went well"
        filter = "${local.own_lines} AND severity <= INFO AND httpRequest.status < 400 AND sample(insertId, ${var.log_exclusions.own_requests})"
      }
    } : {},
  )
}

resource "google_logging_project_exclusion" "requests" {
  for_each = local.exclusions

  project     = var.project_id
  name        = "${local.name}-${each.key}"
  description = each.value.about
  filter      = each.value.filter

  depends_on = [google_project_service.api]
}
