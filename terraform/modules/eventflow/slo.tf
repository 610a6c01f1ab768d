# With `slo`, how much of what ingest is sent it must take, and an alert when the errors that this
# leaves are used up too fast.
locals {
  # How long the alert looks back, and how many times as fast as would just do the errors are made: in
  # the first case 2 % of a month's are gone in an hour, in the second 5 % in six.
  burns = var.slo == null ? {} : {
    fast = { seconds = 3600, above = 14.4 }
    slow = { seconds = 21600, above = 6 }
  }
}

resource "google_monitoring_service" "ingest" {
  count = var.slo == null ? 0 : 1

  project      = var.project_id
  service_id   = "${local.name}-ingest"
  display_name = "${local.name}: ingest"

  basic_service {
    service_type = "CLOUD_RUN"
    service_labels = {
      service_name = module.service["ingest"].name
      location     = var.region
    }
  }
}

resource "google_monitoring_slo" "availability" {
  count = var.slo == null ? 0 : 1

  project             = var.project_id
  service             = google_monitoring_service.ingest[0].service_id
  slo_id              = "availability"
  display_name        = "Requests that are not answered with 5xx"
  goal                = var.slo.availability
  rolling_period_days = 28

  request_based_sli {
    good_total_ratio {
      bad_service_filter   = "metric.type = \"run.googleapis.com/request_count\" AND metric.labels.response_code_class = \"5xx\" AND ${local.ingest_filter}"
      total_service_filter = "metric.type = \"run.googleapis.com/request_count\" AND ${local.ingest_filter}"
    }
  }
}

resource "google_monitoring_alert_policy" "burn" {
  for_each = local.burns

  project               = var.project_id
  display_name          = "${local.name}: ingest uses up its errors too fast (${each.key})"
  combiner              = "OR"
  notification_channels = local.channels

  alert_strategy {
    auto_close = local.auto_close
  }

  documentation {
    content = "Of the requests to ingest more end with 5xx than slo.availability lets. Its log has the reasons; look at the database first."
  }

  conditions {
    display_name = "Errors, over ${each.value.seconds / 3600} h"
    condition_threshold {
      filter          = "select_slo_burn_rate(\"${google_monitoring_slo.availability[0].id}\", \"${each.value.seconds}s\")"
      comparison      = "COMPARISON_GT"
      threshold_value = each.value.above
      duration        = "0s"
    }
  }
}
