# Secret Manager is where the database's password comes from and where it stays: the secret is
# written once, database.tf reads it back for the database's user, and neither way leads through the
# state. So an apply that fails half-way cannot leave two different passwords.
locals {
  own_database = var.external_database_url_secret == null
  # sqlx wants a host in the URL even where `host=` names a folder with the socket; TLS ends in
  # Cloud Run's connector, on the other side of that socket. The address in a network is reached with
  # TLS, whose certificate is of Google's making for the address and of no authority that is known.
  database_place      = local.is_private ? "${google_sql_database_instance.postgres[0].private_ip_address}/${local.database_name}?sslmode=require" : "localhost/${local.database_name}?host=/cloudsql/${local.connection_name}&sslmode=disable"
  database_url_secret = local.own_database ? google_secret_manager_secret.database_url[0].id : "projects/${var.project_id}/secrets/${var.external_database_url_secret}"
}

resource "google_secret_manager_secret" "database_url" {
  count = local.own_database ? 1 : 0

  project   = var.project_id
  secret_id = "${local.name}-database-url"

  replication {
    auto {}
  }

  depends_on = [google_project_service.api]
}

resource "google_secret_manager_secret_version" "database_url" {
  count = local.own_database ? 1 : 0

  # The secret's name has the project.
  secret = google_secret_manager_secret.database_url[0].id

  # uuid() draws 122 random bits and needs no further provider. It differs in each run, and that
  # does not matter: a write-only argument is sent only when its version changes.
  secret_data_wo = "postgres://${local.database_user}:${uuid()}@${local.database_place}"
  # The database's place is in it too: one that moves into a network is a new version.
  secret_data_wo_version = var.database_password_version + (local.is_private ? 1000 : 0)

  # Revisions that are being replaced read the old version until they are gone.
  deletion_policy = "DISABLE"
  lifecycle {
    create_before_destroy = true
  }
}

resource "google_secret_manager_secret_iam_member" "reads_database_url" {
  for_each = toset(["ingest", "process-push", "admin", "bq-flush", "migrate"])

  project   = var.project_id
  secret_id = local.database_url_secret
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.account[each.key].member
}
