# Alerts on what our logs and Cloud Scheduler's say: nobody else sees an outbox that is stuck, since a
# queue that nothing is published to is short. Excluded lines are counted too.
#
# A log-based metric answers 404 until some minutes after it was made. Conditions in PromQL can be told
# not to ask for it, so the first apply does not fail.
locals {
  relay_line = "resource.labels.service_name = \"${local.name}-process-push\" AND jsonPayload.message = \"relayed what was overdue\""
  flush_line = "resource.labels.service_name = \"${local.name}-bq-flush\" AND jsonPayload.message = \"flushed\""

  # `within` seconds at least `least` such lines are too many; with `least = 0`, none is too few.
  log_alerts = {
    relay-silent = {
      title    = "The relay has not run for 15 minutes"
      advice   = "It brings back what was not published or not delivered. Look at its Cloud Scheduler job, which may be paused, and at the log of process-push."
      resource = "cloud_run_revision"
      filter   = "log_id(\"run.googleapis.com/requests\") AND resource.labels.service_name = \"${local.name}-process-push\" AND httpRequest.requestUrl =~ \"/relay$\" AND httpRequest.status = 200"
      within   = 900
      least    = 0
    }
    relay-not-publishing = {
      title    = "Events are stored and cannot be published"
      advice   = "Pub/Sub refuses what the relay publishes. The log of process-push has its answer; look at the topic, and at the role roles/pubsub.publisher."
      resource = "cloud_run_revision"
      filter   = "${local.relay_line} AND jsonPayload.not_published > 0"
      within   = 900
      least    = 5
    }
    oldest-due = {
      title    = "An event has been due for half an hour, and nothing has happened to it"
      advice   = "Look at the log of process-push and its instances. Such events are PENDING or FAILED in GET /admin/events."
      resource = "cloud_run_revision"
      filter   = "${local.relay_line} AND jsonPayload.longest_wait >= ${max(1800, 2 * var.timing.due_step)}"
      within   = 900
      least    = 1
    }
    flush-lag = {
      title    = "An event has waited for BigQuery for an hour"
      advice   = "The answer of POST /flush says what it waits for: a load that backs off, a transaction that holds it back, or the count of load jobs. So does the log of bq-flush."
      resource = "cloud_run_revision"
      filter   = "${local.flush_line} AND jsonPayload.longest_wait >= 3600"
      within   = 900
      least    = 1
    }
    schedules-failing = {
      title    = "Cloud Scheduler's calls fail"
      advice   = "The log of its jobs says which, and what was answered."
      resource = "cloud_scheduler_job"
      filter   = "severity >= ERROR AND resource.labels.job_id = (${join(" OR ", [for job in keys(local.schedules) : "\"${local.name}-${job}\""])})"
      within   = 900
      # A call and its two tries.
      least = 3
    }
  }
}

resource "google_logging_metric" "lines" {
  for_each = local.log_alerts

  project     = var.project_id
  name        = "${local.name}-${each.key}"
  description = each.value.title
  filter      = "resource.type = \"${each.value.resource}\" AND ${each.value.filter}"

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
  }

  depends_on = [google_project_service.api]
}

resource "google_monitoring_alert_policy" "logged" {
  for_each = local.log_alerts

  project               = var.project_id
  display_name          = "${local.name}: ${each.value.title}"
  combiner              = "OR"
  enabled               = !var.paused
  notification_channels = local.channels

  alert_strategy {
    auto_close = local.auto_close
  }

  documentation {
    content = each.value.advice
  }

  conditions {
    display_name = each.value.title
    condition_prometheus_query_language {
      # The metric by its name in PromQL. Without a line it has no value at all, which is zero.
      query = format("(sum(increase(logging_googleapis_com:user_%s{monitored_resource=\"%s\"}[%ds])) or vector(0)) %s",
        replace(google_logging_metric.lines[each.key].name, "-", "_"), each.value.resource, each.value.within,
        each.value.least == 0 ? "< 1" : ">= ${each.value.least}",
      )
      duration                  = each.value.least == 0 ? "300s" : "0s"
      evaluation_interval       = "60s"
      disable_metric_validation = true
    }
  }
}
