# Alerts on Google's own metrics, which are there before anything is made. alerts_logs.tf has those on our logs.
locals {
  worker_filter = "resource.type = \"pubsub_subscription\" AND resource.labels.subscription_id = \"${google_pubsub_subscription.worker.name}\""

  # process-push tells Pub/Sub with a 5xx to try again, so its share counts, and bq-flush has an alert of its own.
  push_filter      = "resource.type = \"cloud_run_revision\" AND resource.labels.service_name = \"${local.name}-process-push\""
  answering_filter = "resource.type = \"cloud_run_revision\" AND resource.labels.service_name = one_of(\"${local.name}-ingest\", \"${local.name}-admin\")"
  ingest_filter    = "resource.type = \"cloud_run_revision\" AND resource.labels.service_name = \"${local.name}-ingest\""
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
      push-errors = {
        title    = "More than half of what process-push answers are errors"
        advice   = "A 5xx has Pub/Sub deliver again. One handler that fails is seen in the failed events, and all that fail in the log of process-push: look for the database there."
        filter   = "metric.type = \"run.googleapis.com/request_count\" AND metric.labels.response_code_class = \"5xx\" AND ${local.push_filter}"
        of       = "metric.type = \"run.googleapis.com/request_count\" AND ${local.push_filter}"
        aligner  = "ALIGN_DELTA"
        reducer  = "REDUCE_SUM"
        above    = 0.5
        duration = 900
      }
      push-service-latency = {
        title    = "process-push takes nearly as long as a handler may"
        advice   = "Handlers, or the database that they wait for, are slow. More instances help where each has its CPU busy."
        filter   = "metric.type = \"run.googleapis.com/request_latencies\" AND ${local.push_filter}"
        aligner  = "ALIGN_PERCENTILE_95"
        reducer  = "REDUCE_MAX"
        above    = var.timing.handler_limit * 0.8 * 1000 # the metric is in milliseconds
        duration = 900
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

  channels = concat(google_monitoring_notification_channel.email[*].id, tolist(var.notification_channels))

  # An incident ends so long after the last value that its metric had; otherwise one of a metric that
  # has values only when something is wrong would stay open for a week. It is the least that Google takes.
  auto_close = "1800s"
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

  alert_strategy {
    auto_close = local.auto_close
  }

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

      # Where it is a share, of what.
      denominator_filter = try(each.value.of, null)
      dynamic "denominator_aggregations" {
        for_each = can(each.value.of) ? [each.value.of] : []
        content {
          alignment_period     = "300s"
          per_series_aligner   = each.value.aligner
          cross_series_reducer = each.value.reducer
        }
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
  enabled               = !var.paused
  notification_channels = local.channels

  alert_strategy {
    auto_close = local.auto_close
  }

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
