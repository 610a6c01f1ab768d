# Built-in metrics alone: an alert on a log-based metric fails the first apply, since such a metric
# answers 404 until some minutes after it was made.
locals {
  worker_filter = "resource.type = \"pubsub_subscription\" AND resource.labels.subscription_id = \"${google_pubsub_subscription.worker.name}\""

  # process-push tells Pub/Sub with a 5xx to try again, and bq-flush has an alert of its own.
  answering_filter = "resource.type = \"cloud_run_revision\" AND resource.labels.service_name = one_of(\"${local.name}-ingest\", \"${local.name}-admin\")"
  flush_filter     = "resource.type = \"cloud_run_revision\" AND resource.labels.service_name = \"${local.name}-bq-flush\""
  database_filter  = "resource.type = \"cloudsql_database\" AND resource.labels.database_id = \"${var.project_id}:${local.instance_name}\""

  alerts = merge(
    {
      dead-letters = {
        title    = "Events were dead-lettered"
        advice   = "See GET /admin/events/failed for the reasons, and replay what is mended."
        filter   = "metric.type = \"pubsub.googleapis.com/subscription/dead_letter_message_count\" AND ${local.worker_filter}"
        aligner  = "ALIGN_DELTA"
        reducer  = "REDUCE_SUM"
        above    = 0
        duration = 0
      }
      backlog = {
        title    = "Events wait for longer than 15 minutes"
        advice   = "Look at the errors of process-push, at its instances, and at the database."
        filter   = "metric.type = \"pubsub.googleapis.com/subscription/oldest_unacked_message_age\" AND ${local.worker_filter}"
        aligner  = "ALIGN_MAX"
        reducer  = "REDUCE_MAX"
        above    = 900
        duration = 300
      }
      push-latency = {
        title    = "Pushes take nearly as long as they may"
        advice   = "Handlers are slow. Past ${var.timing.handler_limit} seconds they are ended, and their events are tried again."
        filter   = "metric.type = \"pubsub.googleapis.com/subscription/push_request_latencies\" AND ${local.worker_filter}"
        aligner  = "ALIGN_PERCENTILE_99"
        reducer  = "REDUCE_MAX"
        above    = var.timing.handler_limit * 0.8 * 1000000 # the metric is in microseconds
        duration = 300
      }
      server-errors = {
        title    = "A service answers with 5xx"
        advice   = "The service's log has the reason beside the request ID that the caller was told."
        filter   = "metric.type = \"run.googleapis.com/request_count\" AND metric.labels.response_code_class = \"5xx\" AND ${local.answering_filter}"
        aligner  = "ALIGN_DELTA"
        reducer  = "REDUCE_SUM"
        above    = 5
        duration = 0
      }
    },
    {
      for name, service in local.services : "instances-${name}" => {
        title    = "${name} has all the instances that it may have"
        advice   = "Calls wait. Raise services[\"${name}\"].max_instances, and with it the database's connections."
        filter   = "metric.type = \"run.googleapis.com/container/instance_count\" AND metric.labels.state = \"active\" AND resource.type = \"cloud_run_revision\" AND resource.labels.service_name = \"${local.name}-${name}\""
        aligner  = "ALIGN_MAX"
        reducer  = "REDUCE_SUM"
        above    = service.max_instances - 1
        duration = 900
        # One flusher works at a time, and admin is for a few people: one instance is all they need.
      } if service.max_instances > 1
    },
    local.own_database ? {
      database-cpu = {
        title    = "The database's CPU is busy"
        advice   = "Take a larger database.tier, or lower max_instances."
        filter   = "metric.type = \"cloudsql.googleapis.com/database/cpu/utilization\" AND ${local.database_filter}"
        aligner  = "ALIGN_MEAN"
        reducer  = "REDUCE_MAX"
        above    = 0.85
        duration = 900
      }
      database-disk = {
        title    = "The database's disk is nearly full"
        advice   = "It grows by itself; where it does not, look at the instance's storage limit."
        filter   = "metric.type = \"cloudsql.googleapis.com/database/disk/utilization\" AND ${local.database_filter}"
        aligner  = "ALIGN_MEAN"
        reducer  = "REDUCE_MAX"
        above    = 0.9
        duration = 900
      }
      database-connections = {
        title    = "The database's connections are nearly used up"
        advice   = "The services keep below the limit by construction: look for another client, or for revisions that are left running."
        filter   = "metric.type = \"cloudsql.googleapis.com/database/postgresql/num_backends\" AND ${local.database_filter}"
        aligner  = "ALIGN_MAX"
        reducer  = "REDUCE_SUM"
        above    = floor(local.connections.limit * 0.9)
        duration = 300
      }
    } : {},
  )

  channels = google_monitoring_notification_channel.email[*].id
}

resource "google_monitoring_notification_channel" "email" {
  count = var.alert_email == null ? 0 : 1

  project      = var.project_id
  display_name = "${local.name}'s alerts"
  type         = "email"
  labels       = { email_address = var.alert_email }

  depends_on = [google_project_service.api]
}

resource "google_monitoring_alert_policy" "alert" {
  for_each = local.alerts

  project               = var.project_id
  display_name          = "${local.name}: ${each.value.title}"
  combiner              = "OR"
  notification_channels = local.channels

  documentation {
    content = each.value.advice
  }

  conditions {
    display_name = each.value.title
    condition_threshold {
      filter          = each.value.filter
      comparison      = "COMPARISON_GT"
      threshold_value = each.value.above
      duration        = "${each.value.duration}s"
      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = each.value.aligner
        cross_series_reducer = each.value.reducer
      }
    }
  }

  # The metrics of a service appear with the service.
  depends_on = [module.service]
}

# A flush answers 2xx when everything that was due is loaded, or nothing was. It is called every
# five minutes, so its silence is as bad as its failure.
resource "google_monitoring_alert_policy" "no_flush" {
  project               = var.project_id
  display_name          = "${local.name}: nothing was loaded into BigQuery for two hours"
  combiner              = "OR"
  notification_channels = local.channels

  documentation {
    content = "bq-flush's log says what BigQuery answered; its Cloud Scheduler job says whether it was called."
  }

  conditions {
    display_name = "No flush succeeded"
    condition_absent {
      filter   = "metric.type = \"run.googleapis.com/request_count\" AND metric.labels.response_code_class = \"2xx\" AND ${local.flush_filter}"
      duration = "7200s"
      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }

  depends_on = [module.service]
}

locals {
  # Is it well? Left to right, an event's way: in, waiting, tried, dead, loaded, and what it stands on.
  charts = [
    { title = "Requests to ingest, by answer", filter = "metric.type = \"run.googleapis.com/request_count\" AND resource.type = \"cloud_run_revision\" AND resource.labels.service_name = \"${local.name}-ingest\"", aligner = "ALIGN_RATE", reducer = "REDUCE_SUM", by = ["metric.label.response_code_class"] },
    { title = "Latency of ingest, 99th percentile", filter = "metric.type = \"run.googleapis.com/request_latencies\" AND resource.type = \"cloud_run_revision\" AND resource.labels.service_name = \"${local.name}-ingest\"", aligner = "ALIGN_PERCENTILE_99", reducer = "REDUCE_MAX", by = [] },
    { title = "Age of the oldest event that waits", filter = "metric.type = \"pubsub.googleapis.com/subscription/oldest_unacked_message_age\" AND ${local.worker_filter}", aligner = "ALIGN_MAX", reducer = "REDUCE_MAX", by = [] },
    { title = "Pushes, by answer", filter = "metric.type = \"pubsub.googleapis.com/subscription/push_request_count\" AND ${local.worker_filter}", aligner = "ALIGN_RATE", reducer = "REDUCE_SUM", by = ["metric.label.response_class"] },
    { title = "Dead-lettered", filter = "metric.type = \"pubsub.googleapis.com/subscription/dead_letter_message_count\" AND ${local.worker_filter}", aligner = "ALIGN_DELTA", reducer = "REDUCE_SUM", by = [] },
    { title = "Flushes, by answer", filter = "metric.type = \"run.googleapis.com/request_count\" AND ${local.flush_filter}", aligner = "ALIGN_DELTA", reducer = "REDUCE_SUM", by = ["metric.label.response_code_class"] },
    { title = "Instances", filter = "metric.type = \"run.googleapis.com/container/instance_count\" AND resource.type = \"cloud_run_revision\" AND resource.labels.service_name = one_of(${join(", ", [for name in keys(local.services) : "\"${local.name}-${name}\""])})", aligner = "ALIGN_MAX", reducer = "REDUCE_SUM", by = ["resource.label.service_name"] },
    { title = "The database's CPU", filter = "metric.type = \"cloudsql.googleapis.com/database/cpu/utilization\" AND ${local.database_filter}", aligner = "ALIGN_MEAN", reducer = "REDUCE_MAX", by = [] },
    { title = "The database's connections", filter = "metric.type = \"cloudsql.googleapis.com/database/postgresql/num_backends\" AND ${local.database_filter}", aligner = "ALIGN_MAX", reducer = "REDUCE_SUM", by = [] },
  ]
}

resource "google_monitoring_dashboard" "eventflow" {
  project = var.project_id
  dashboard_json = jsonencode({
    displayName = local.name
    mosaicLayout = {
      columns = 12
      tiles = [for index, chart in local.charts : {
        xPos   = index % 3 * 4
        yPos   = floor(index / 3) * 4
        width  = 4
        height = 4
        widget = {
          title = chart.title
          xyChart = {
            dataSets = [{
              plotType = "LINE"
              timeSeriesQuery = {
                timeSeriesFilter = {
                  filter = chart.filter
                  aggregation = {
                    alignmentPeriod    = "60s"
                    perSeriesAligner   = chart.aligner
                    crossSeriesReducer = chart.reducer
                    groupByFields      = chart.by
                  }
                }
              }
            }]
          }
        }
      }]
    }
  })

  depends_on = [google_project_service.api]
}

resource "google_billing_budget" "project" {
  count = var.budget == null ? 0 : 1

  billing_account = var.budget.billing_account
  display_name    = "${local.name}, ${var.project_id}"

  budget_filter {
    projects = ["projects/${var.project_number}"]
  }
  amount {
    specified_amount {
      units = tostring(var.budget.amount)
    }
  }
  dynamic "threshold_rules" {
    for_each = [0.5, 0.9, 1]
    content {
      threshold_percent = threshold_rules.value
    }
  }

  depends_on = [google_project_service.api]
}
