# What is watched, and who is told.
provider "google" {
  access_token = "none"
}

variables {
  project_id     = "eventflow-test"
  project_number = "123456789012"
  region         = "europe-west1"
}

run "by_default" {
  command = plan

  assert {
    condition     = length(google_monitoring_uptime_check_config.ingest) == 0 && length(google_monitoring_slo.availability) == 0 && length(google_monitoring_notification_channel.email) == 0
    error_message = "What costs or needs somebody's address is off."
  }
  assert {
    condition     = length(setsubtract(["relay-silent", "relay-not-publishing", "oldest-due", "flush-lag", "schedules-failing"], keys(google_monitoring_alert_policy.logged))) == 0
    error_message = "A stuck outbox, a flush that lags, and calls that fail alert somebody."
  }
  assert {
    condition     = alltrue([for alert in google_monitoring_alert_policy.logged : alert.conditions[0].condition_prometheus_query_language[0].disable_metric_validation])
    error_message = "The first apply makes the metric and its alert at once, and the metric answers 404 for minutes."
  }
  assert {
    condition     = google_monitoring_alert_policy.logged["relay-silent"].conditions[0].condition_prometheus_query_language[0].query == "(sum(increase(logging_googleapis_com:user_eventflow_relay_silent{monitored_resource=\"cloud_run_revision\"}[900s])) or vector(0)) < 1"
    error_message = "A relay that is silent has no line, and so no value."
  }
  assert {
    condition     = google_monitoring_alert_policy.alert["push-errors"].conditions[0].condition_threshold[0].denominator_filter == "metric.type = \"run.googleapis.com/request_count\" AND resource.type = \"cloud_run_revision\" AND resource.labels.service_name = \"eventflow-process-push\""
    error_message = "The errors of process-push count as a share, since each is a delivery that comes again."
  }
}

run "somebody_is_told" {
  command = plan
  variables {
    notification_channels = ["projects/eventflow-test/notificationChannels/1"]
  }

  assert {
    condition     = alltrue([for alert in merge(google_monitoring_alert_policy.alert, google_monitoring_alert_policy.logged, { none = google_monitoring_alert_policy.no_flush }) : alert.notification_channels == tolist(["projects/eventflow-test/notificationChannels/1"])])
    error_message = "Each alert goes to the channels that are given."
  }
}

run "paused" {
  command = plan
  variables {
    paused = true
  }

  assert {
    condition     = !google_monitoring_alert_policy.logged["relay-silent"].enabled && !google_monitoring_alert_policy.no_flush.enabled
    error_message = "What is paused on purpose wakes nobody up."
  }
}

run "an_slo" {
  command = plan
  variables {
    slo = { availability = 0.995 }
  }

  assert {
    condition     = google_monitoring_slo.availability[0].goal == 0.995 && { for name, alert in google_monitoring_alert_policy.burn : name => alert.conditions[0].condition_threshold[0].threshold_value } == { fast = 14.4, slow = 6 }
    error_message = "Two alerts tell that its errors are used up too fast."
  }
}

run "an_uptime_check" {
  command = plan
  variables {
    uptime_check  = true
    load_balancer = { domain = "events.example.com" }
  }

  assert {
    condition     = google_monitoring_uptime_check_config.ingest[0].monitored_resource[0].labels.host == "events.example.com" && google_monitoring_uptime_check_config.ingest[0].http_check[0].path == "/ready"
    error_message = "It takes the way of the clients."
  }
}

run "an_uptime_check_that_is_not_let_in" {
  command         = plan
  expect_failures = [var.uptime_check]
  variables {
    uptime_check  = true
    ingest_access = "iam"
  }
}

run "more_than_all_requests" {
  command         = plan
  expect_failures = [var.slo]
  variables {
    slo = { availability = 99.9 }
  }
}

run "an_address_in_place_of_a_channel" {
  command         = plan
  expect_failures = [var.notification_channels]
  variables {
    notification_channels = ["me@example.com"]
  }
}
