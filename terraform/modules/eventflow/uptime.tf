# With `uptime_check`, Google asks ingest from three continents every five minutes whether it is ready,
# as nothing inside the project can.
resource "google_monitoring_uptime_check_config" "ingest" {
  count = var.uptime_check ? 1 : 0

  project          = var.project_id
  display_name     = "${local.name}: ingest"
  period           = "300s"
  timeout          = "30s" # an instance may have to start
  selected_regions = ["USA_VIRGINIA", "EUROPE", "ASIA_PACIFIC"]

  http_check {
    path         = "/ready"
    port         = 443
    use_ssl      = true
    validate_ssl = true
  }

  monitored_resource {
    type = "uptime_url"
    labels = {
      project_id = var.project_id
      host       = trimprefix(local.ingest_url, "https://")
    }
  }

  depends_on = [module.service]
}

resource "google_monitoring_alert_policy" "unreachable" {
  count = var.uptime_check ? 1 : 0

  project               = var.project_id
  display_name          = "${local.name}: ingest is not reachable"
  combiner              = "OR"
  notification_channels = local.channels

  alert_strategy {
    auto_close = local.auto_close
  }

  documentation {
    content = "It is asked for /ready from three continents, and at least two got no 200. Look at the service, at the database, and, where there is a load balancer, at the domain and its certificate."
  }

  conditions {
    display_name = "Checks that failed"
    condition_threshold {
      filter          = "metric.type = \"monitoring.googleapis.com/uptime_check/check_passed\" AND resource.type = \"uptime_url\" AND metric.labels.check_id = \"${google_monitoring_uptime_check_config.ingest[0].uptime_check_id}\""
      comparison      = "COMPARISON_GT"
      threshold_value = 1
      duration        = "300s"
      aggregations {
        alignment_period     = "600s"
        per_series_aligner   = "ALIGN_NEXT_OLDER"
        cross_series_reducer = "REDUCE_COUNT_FALSE"
        group_by_fields      = ["resource.label.host"]
      }
    }
  }
}
