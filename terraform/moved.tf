# Resources that were made before the module existed are kept, and not made anew.
moved {
  from = module.service
  to   = module.eventflow.module.service
}

moved {
  from = google_artifact_registry_repository.images
  to   = module.eventflow.google_artifact_registry_repository.images
}

moved {
  from = google_artifact_registry_repository_iam_member.deploy_pushes
  to   = module.eventflow.google_artifact_registry_repository_iam_member.deploy_pushes
}

moved {
  from = google_bigquery_dataset.eventflow
  to   = module.eventflow.google_bigquery_dataset.eventflow
}

moved {
  from = google_bigquery_table.events
  to   = module.eventflow.google_bigquery_table.events
}

moved {
  from = google_bigquery_table_iam_member.flusher_edits
  to   = module.eventflow.google_bigquery_table_iam_member.flusher_edits
}

moved {
  from = google_bigquery_table_iam_member.smoke_reads
  to   = module.eventflow.google_bigquery_table_iam_member.smoke_reads
}

moved {
  from = google_billing_budget.project
  to   = module.eventflow.google_billing_budget.project
}

moved {
  from = google_cloud_run_v2_job.migrate
  to   = module.eventflow.google_cloud_run_v2_job.migrate
}

moved {
  from = google_cloud_run_v2_job_iam_member.deploy_migrates
  to   = module.eventflow.google_cloud_run_v2_job_iam_member.deploy_migrates
}

moved {
  from = google_cloud_run_v2_service_iam_member.deploy_updates
  to   = module.eventflow.google_cloud_run_v2_service_iam_member.deploy_updates
}

moved {
  from = google_cloud_scheduler_job.call
  to   = module.eventflow.google_cloud_scheduler_job.call
}

moved {
  from = google_iam_workload_identity_pool.github
  to   = module.eventflow.google_iam_workload_identity_pool.github
}

moved {
  from = google_iam_workload_identity_pool_provider.github
  to   = module.eventflow.google_iam_workload_identity_pool_provider.github
}

moved {
  from = google_iap_web_cloud_run_service_iam_member.operates
  to   = module.eventflow.google_iap_web_cloud_run_service_iam_member.operates
}

moved {
  from = google_monitoring_alert_policy.alert
  to   = module.eventflow.google_monitoring_alert_policy.alert
}

moved {
  from = google_monitoring_alert_policy.no_flush
  to   = module.eventflow.google_monitoring_alert_policy.no_flush
}

moved {
  from = google_monitoring_dashboard.eventflow
  to   = module.eventflow.google_monitoring_dashboard.eventflow
}

moved {
  from = google_monitoring_notification_channel.email
  to   = module.eventflow.google_monitoring_notification_channel.email
}

moved {
  from = google_project_iam_member.connects_to_database
  to   = module.eventflow.google_project_iam_member.connects_to_database
}

moved {
  from = google_project_iam_member.deploy_watches
  to   = module.eventflow.google_project_iam_member.deploy_watches
}

moved {
  from = google_project_iam_member.flusher_makes_tables
  to   = module.eventflow.google_project_iam_member.flusher_makes_tables
}

moved {
  from = google_project_iam_member.flusher_runs_jobs
  to   = module.eventflow.google_project_iam_member.flusher_runs_jobs
}

moved {
  from = google_project_iam_member.smoke_runs_jobs
  to   = module.eventflow.google_project_iam_member.smoke_runs_jobs
}

moved {
  from = google_project_iam_member.smoke_runs_schedules
  to   = module.eventflow.google_project_iam_member.smoke_runs_schedules
}

moved {
  from = google_project_service.api
  to   = module.eventflow.google_project_service.api
}

moved {
  from = google_pubsub_subscription.dead_letter_worker
  to   = module.eventflow.google_pubsub_subscription.dead_letter_worker
}

moved {
  from = google_pubsub_subscription.worker
  to   = module.eventflow.google_pubsub_subscription.worker
}

moved {
  from = google_pubsub_subscription_iam_member.worker_acknowledged_by_agent
  to   = module.eventflow.google_pubsub_subscription_iam_member.worker_acknowledged_by_agent
}

moved {
  from = google_pubsub_topic.dead_letter
  to   = module.eventflow.google_pubsub_topic.dead_letter
}

moved {
  from = google_pubsub_topic.events
  to   = module.eventflow.google_pubsub_topic.events
}

moved {
  from = google_pubsub_topic_iam_member.dead_letter_published_by_agent
  to   = module.eventflow.google_pubsub_topic_iam_member.dead_letter_published_by_agent
}

moved {
  from = google_pubsub_topic_iam_member.publishes
  to   = module.eventflow.google_pubsub_topic_iam_member.publishes
}

moved {
  from = google_secret_manager_secret.database_url
  to   = module.eventflow.google_secret_manager_secret.database_url
}

moved {
  from = google_secret_manager_secret_iam_member.reads_database_url
  to   = module.eventflow.google_secret_manager_secret_iam_member.reads_database_url
}

moved {
  from = google_secret_manager_secret_version.database_url
  to   = module.eventflow.google_secret_manager_secret_version.database_url
}

moved {
  from = google_service_account.account
  to   = module.eventflow.google_service_account.account
}

moved {
  from = google_service_account.deploy
  to   = module.eventflow.google_service_account.deploy
}

moved {
  from = google_service_account_iam_member.admin_signs_as_smoke
  to   = module.eventflow.google_service_account_iam_member.admin_signs_as_smoke
}

moved {
  from = google_service_account_iam_member.deploy_acts_as
  to   = module.eventflow.google_service_account_iam_member.deploy_acts_as
}

moved {
  from = google_service_account_iam_member.github_deploys
  to   = module.eventflow.google_service_account_iam_member.github_deploys
}

moved {
  from = google_service_account_iam_member.github_tests
  to   = module.eventflow.google_service_account_iam_member.github_tests
}

moved {
  from = google_service_account_iam_member.pubsub_signs_as_pusher
  to   = module.eventflow.google_service_account_iam_member.pubsub_signs_as_pusher
}

moved {
  from = google_sql_database.eventflow
  to   = module.eventflow.google_sql_database.eventflow
}

moved {
  from = google_sql_database_instance.postgres
  to   = module.eventflow.google_sql_database_instance.postgres
}

moved {
  from = google_sql_user.eventflow
  to   = module.eventflow.google_sql_user.eventflow
}
