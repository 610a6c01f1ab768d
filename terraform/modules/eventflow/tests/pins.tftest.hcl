# What must not change. The plans are the real provider's; a plan of what is not there yet calls
# nobody, so the token is never shown.
provider "google" {
  access_token = "none"
  project      = "eventflow-test"
  region       = "europe-west1"
}

variables {
  project_id     = "eventflow-test"
  project_number = "123456789012"
  region         = "europe-west1"
}

run "pushes" {
  command = plan

  assert {
    condition = alltrue([for subscription in [google_pubsub_subscription.worker, google_pubsub_subscription.dead_letter_worker] :
      subscription.push_config[0].oidc_token[0].audience == "https://eventflow-process-push-123456789012.europe-west1.run.app" &&
      subscription.push_config[0].oidc_token[0].service_account_email == "eventflow-pusher@eventflow-test.iam.gserviceaccount.com"
    ])
    error_message = "Every push carries a token of the pusher for process-push."
  }
  assert {
    condition = (
      google_pubsub_subscription.worker.push_config[0].push_endpoint == "https://eventflow-process-push-123456789012.europe-west1.run.app/push" &&
      google_pubsub_subscription.dead_letter_worker.push_config[0].push_endpoint == "https://eventflow-process-push-123456789012.europe-west1.run.app/dead-letter"
    )
    error_message = "Events go to /push and the dead to /dead-letter."
  }
  assert {
    condition     = google_pubsub_subscription.worker.expiration_policy[0].ttl == "" && google_pubsub_subscription.dead_letter_worker.expiration_policy[0].ttl == ""
    error_message = "No subscription expires."
  }
  assert {
    condition     = google_pubsub_subscription.dead_letter_worker.message_retention_duration == "2678400s"
    error_message = "Dead letters are kept for 31 days."
  }
  assert {
    condition     = google_pubsub_subscription.worker.dead_letter_policy[0].max_delivery_attempts == 5
    error_message = "Three retries are five deliveries."
  }
}

run "deliveries_follow_the_retries" {
  command = plan
  variables {
    max_retries = 9
  }

  assert {
    condition     = google_pubsub_subscription.worker.dead_letter_policy[0].max_delivery_attempts == 11
    error_message = "Pub/Sub gives up two deliveries after we do."
  }
}

run "schedules" {
  command = plan

  assert {
    condition = { for name, job in google_cloud_scheduler_job.call : name => "${job.schedule} ${job.http_target[0].uri}" } == {
      relay    = "* * * * * https://eventflow-process-push-123456789012.europe-west1.run.app/relay"
      maintain = "7 * * * * https://eventflow-process-push-123456789012.europe-west1.run.app/maintain"
      flush    = "*/5 * * * * https://eventflow-bq-flush-123456789012.europe-west1.run.app/flush"
    }
    error_message = "The relay runs each minute, the flush each five, the maintenance hourly."
  }
  assert {
    condition = alltrue([for job in google_cloud_scheduler_job.call :
      job.http_target[0].oidc_token[0].service_account_email == "eventflow-scheduler@eventflow-test.iam.gserviceaccount.com" &&
      startswith(job.http_target[0].uri, "${job.http_target[0].oidc_token[0].audience}/") && endswith(job.http_target[0].oidc_token[0].audience, ".run.app")
    ])
    error_message = "Every call carries a token of the scheduler, for the service and not for the path."
  }
}

run "deadlines_of_a_short_lease" {
  command = plan
  variables {
    timing = { handler_limit = 10, lease = 20, ack_deadline = 30 }
  }

  assert {
    condition     = alltrue([for schedule in local.schedules : schedule.deadline <= local.services[schedule.service].timeout])
    error_message = "Each deadline lies within the request time-out of the service that is called."
  }
}

run "database" {
  command = plan

  assert {
    condition = (
      google_sql_database_instance.postgres[0].database_version == "POSTGRES_17" &&
      google_sql_database_instance.postgres[0].settings[0].edition == "ENTERPRISE" &&
      google_sql_database_instance.postgres[0].settings[0].connector_enforcement == "REQUIRED" &&
      google_sql_database_instance.postgres[0].settings[0].ip_configuration[0].ssl_mode == "ENCRYPTED_ONLY" &&
      length(google_sql_database_instance.postgres[0].settings[0].ip_configuration[0].authorized_networks) == 0 &&
      google_sql_database_instance.postgres[0].settings[0].backup_configuration[0].enabled
    )
    error_message = "PostgreSQL 17, behind connectors, encrypted, backed up."
  }
  assert {
    condition = (
      google_sql_database_instance.postgres[0].deletion_protection &&
      google_sql_database_instance.postgres[0].settings[0].deletion_protection_enabled &&
      google_bigquery_table.events[0].deletion_protection
    )
    error_message = "What holds data is protected."
  }
  assert {
    condition     = google_sql_user.eventflow[0].deletion_policy == "ABANDON" && google_sql_database.eventflow[0].deletion_policy == "ABANDON"
    error_message = "A user and a database that own tables cannot be dropped."
  }
}

run "smallest_database" {
  command = plan
  variables {
    database = { tier = "db-g1-small" }
    services = {
      ingest       = { max_instances = 1 }
      process-push = { max_instances = 1, concurrency = 4 }
    }
  }

  assert {
    condition     = output.database_connections == 45
    error_message = "What terraform.tfvars.example says of the smallest database holds."
  }
}

run "github" {
  command = plan
  variables {
    github = { repository_id = "1001", owner_id = "2002" }
  }

  assert {
    condition     = google_iam_workload_identity_pool_provider.github[0].attribute_condition == "assertion.repository_id == \"1001\" && assertion.repository_owner_id == \"2002\" && assertion.ref == \"refs/heads/main\" && assertion.environment == \"production\""
    error_message = "Only that repository's main branch deploys, by its numeric IDs, and only once its environment lets it."
  }
}

run "bigquery" {
  command = plan

  assert {
    condition     = jsondecode(google_bigquery_table.events[0].schema)[0].name == "id" && google_bigquery_table.events[0].time_partitioning[0].field == "createdAt" && google_bigquery_table.events[0].clustering[0] == "eventType"
    error_message = "The table is what bq-flush would make."
  }
}

run "external_database" {
  command = plan
  variables {
    external_database_url_secret = "database-url"
    # Its connections are not ours to count.
    services = { ingest = { max_instances = 100 } }
  }

  assert {
    condition     = length(google_sql_database_instance.postgres) == 0 && length(google_secret_manager_secret.database_url) == 0 && length(google_project_iam_member.connects_to_database) == 0
    error_message = "Nothing of Cloud SQL is made."
  }
  assert {
    condition     = alltrue([for grant in google_secret_manager_secret_iam_member.reads_database_url : grant.secret_id == "projects/eventflow-test/secrets/database-url"])
    error_message = "Every service reads the given secret."
  }
}

run "sandbox" {
  command = plan
  variables {
    bigquery_project_id = "eventflow-sandbox"
  }

  assert {
    condition     = length(google_bigquery_dataset.eventflow) == 0 && length(google_bigquery_table.events) == 0
    error_message = "The flusher makes the Sandbox's table."
  }
  assert {
    condition     = google_project_iam_member.flusher_makes_tables[0].project == "eventflow-sandbox" && google_project_iam_member.flusher_runs_jobs.project == "eventflow-sandbox"
    error_message = "Its rights are in the Sandbox's project."
  }
}

run "iap" {
  command = plan
  variables {
    admin_access  = "iap"
    admin_members = ["group:operators@example.com"]
  }

  assert {
    condition     = local.env.admin.ADMIN_AUTH == "iap" && local.env.admin.IAP_AUDIENCE == "/projects/123456789012/locations/europe-west1/services/eventflow-admin"
    error_message = "admin checks IAP's assertion for its own service."
  }
  assert {
    condition     = tolist(values(local.doors.admin.invokers)) == tolist(["serviceAccount:service-123456789012@gcp-sa-iap.iam.gserviceaccount.com"])
    error_message = "IAP's agent alone calls admin."
  }
  assert {
    condition     = google_iap_web_cloud_run_service_iam_member.operates["group:operators@example.com"].role == "roles/iap.httpsResourceAccessor"
    error_message = "Operators pass IAP."
  }
  assert {
    condition     = contains(keys(google_project_service.api), "iap.googleapis.com")
    error_message = "IAP's API is enabled."
  }
}

run "ingest_takes_keys_by_default" {
  command = plan

  assert {
    condition     = local.env["ingest"].INGEST_AUTH == "keys"
    error_message = "Where Cloud Run lets everybody through, ingest wants a key."
  }
  assert {
    condition     = length(local.doors["ingest"].invokers) == 0
    error_message = "Nobody is let in by name where everybody comes through."
  }
}

run "ingest_takes_identities_on_request" {
  command = plan
  variables {
    ingest_access = "iam"
  }

  assert {
    condition     = local.env["ingest"].INGEST_AUTH == "iam" && length(local.doors["ingest"].invokers) == 1
    error_message = "With identities the invoker check is on, and the smoke account is let in."
  }
}
