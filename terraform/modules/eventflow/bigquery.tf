# A Sandbox is a project without billing, so it is never this one. There bq-flush makes dataset and
# table, whose partitions expire after 60 days.
locals {
  bigquery_project  = coalesce(var.bigquery_project_id, var.project_id)
  bigquery_location = coalesce(var.bigquery_location, var.region)
  own_bigquery      = local.bigquery_project == var.project_id
  # A dataset's ID has no hyphens.
  dataset_id = replace(local.name, "-", "_")
  table_id   = "events"
}

resource "google_bigquery_dataset" "eventflow" {
  count = local.own_bigquery ? 1 : 0

  project     = var.project_id
  dataset_id  = local.dataset_id
  location    = local.bigquery_location
  description = "EventFlow's events"

  depends_on = [google_project_service.api]
}

# Loads say CREATE_NEVER, so the table is Terraform's, from the schema file that bq-flush compares it
# with. New nullable columns are added in place. A changed type or a lost column replaces the table
# and its rows; deletion_protection refuses that.
resource "google_bigquery_table" "events" {
  count = local.own_bigquery ? 1 : 0

  project             = var.project_id
  dataset_id          = google_bigquery_dataset.eventflow[0].dataset_id
  table_id            = local.table_id
  description         = "Each accepted event, once"
  schema              = file("${path.module}/../../../shared/gcp/src/bigquery/schema.json")
  clustering          = ["eventType"]
  deletion_protection = var.deletion_protection

  time_partitioning {
    type  = "DAY"
    field = "createdAt"
  }
}

resource "google_bigquery_table_iam_member" "flusher_edits" {
  count = local.own_bigquery ? 1 : 0

  project    = var.project_id
  dataset_id = google_bigquery_dataset.eventflow[0].dataset_id
  table_id   = google_bigquery_table.events[0].id
  role       = "roles/bigquery.dataEditor"
  member     = google_service_account.account["bq-flush"].member
}

resource "google_bigquery_table_iam_member" "smoke_reads" {
  count = local.own_bigquery ? 1 : 0

  project    = var.project_id
  dataset_id = google_bigquery_dataset.eventflow[0].dataset_id
  table_id   = google_bigquery_table.events[0].id
  role       = "roles/bigquery.dataViewer"
  member     = google_service_account.account["smoke"].member
}

resource "google_project_iam_member" "flusher_runs_jobs" {
  project = local.bigquery_project
  role    = "roles/bigquery.jobUser"
  member  = google_service_account.account["bq-flush"].member
}

# Reading the rows of one event is a query, and a query is a job.
resource "google_project_iam_member" "smoke_runs_jobs" {
  project = local.bigquery_project
  role    = "roles/bigquery.jobUser"
  member  = google_service_account.account["smoke"].member
}

resource "google_project_iam_member" "flusher_makes_tables" {
  count = local.own_bigquery ? 0 : 1

  project = local.bigquery_project
  role    = "roles/bigquery.dataEditor"
  member  = google_service_account.account["bq-flush"].member
}
