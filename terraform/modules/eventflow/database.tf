locals {
  database_name   = "eventflow"
  database_user   = "eventflow"
  instance_name   = coalesce(var.database.instance, "${local.name}-${var.name_suffix}")
  connection_name = "${var.project_id}:${var.region}:${local.instance_name}"

  # Cloud SQL's default max_connections, by memory.
  tier_memory = try(tonumber(split("-", var.database.tier)[3]), 0)
  tier_connections = (
    var.database.tier == "db-f1-micro" ? 25
    : var.database.tier == "db-g1-small" ? 50
    : local.tier_memory < 6144 ? 100
    : local.tier_memory < 7680 ? 200
    : local.tier_memory < 15360 ? 400
    : local.tier_memory < 30720 ? 500
    : local.tier_memory < 61440 ? 600
    : local.tier_memory < 122880 ? 800
    : 1000
  )

  # Twice, since while a new revision is rolled out or waits under a tag the old one's instances
  # live on; 2 are the migrations', 3 PostgreSQL keeps for superusers, 2 are for people.
  connections = {
    needed = 2 * sum([for service in local.services : service.max_instances * service.pool]) + 2 + 3 + 2
    limit  = local.tier_connections
  }

  # A statement that reads all weeks at once (admin's lists, the flush, the counts, the upkeep) holds 8 locks for each, of
  # which PostgreSQL has 64 a connection. Some weeks are there before they are needed.
  locks = {
    needed = 8 * (ceil(var.retention_days / 7) + 6) * (local.services.admin.max_instances * local.pools.admin + local.pools.bq-flush + 2)
    limit  = 64 * local.tier_connections
  }
}

resource "google_sql_database_instance" "postgres" {
  count = local.own_database ? 1 : 0

  project          = var.project_id
  name             = local.instance_name
  region           = var.region
  database_version = "POSTGRES_17"

  # Against `terraform destroy`; in settings, against everybody else.
  deletion_protection = var.deletion_protection

  settings {
    # The default edition, ENTERPRISE_PLUS, refuses small tiers.
    edition                     = "ENTERPRISE"
    tier                        = var.database.tier
    availability_type           = var.database.highly_available ? "REGIONAL" : "ZONAL"
    deletion_protection_enabled = var.deletion_protection

    # No disk_size: autoresize would make it differ, and Terraform would want to shrink the disk.
    disk_autoresize = true

    # Either it has a public address, no network is let in, and who is not a connector is refused, so
    # that the IAM right to connect counts; or it has an address in a network, and nobody else gets to it.
    connector_enforcement = local.is_private ? "NOT_REQUIRED" : "REQUIRED"
    ip_configuration {
      ipv4_enabled    = !local.is_private
      private_network = local.is_private ? local.vpc.network : null
      ssl_mode        = "ENCRYPTED_ONLY"
    }

    backup_configuration {
      enabled                        = true
      point_in_time_recovery_enabled = var.database.point_in_time_recovery
      backup_retention_settings {
        retained_backups = var.database.backups_kept
      }
    }

    maintenance_window {
      day          = 7
      hour         = 3
      update_track = "stable"
    }

    insights_config {
      query_insights_enabled = true
    }
  }

  lifecycle {
    precondition {
      condition     = local.connections.needed < local.connections.limit
      error_message = "The services may open ${local.connections.needed} connections and ${var.database.tier} has ${local.connections.limit}: lower max_instances or process-push's concurrency, or take a larger database.tier."
    }
    precondition {
      condition     = local.locks.needed <= local.locks.limit
      error_message = "With retention_days = ${var.retention_days} the services may hold ${local.locks.needed} locks and ${var.database.tier} has ${local.locks.limit}: lower it, or admin's max_instances, or take a larger database.tier."
    }
  }

  depends_on = [google_project_service.api, google_service_networking_connection.services]
}

# A database and a user that own tables cannot be dropped; they go with their instance.
resource "google_sql_database" "eventflow" {
  count = local.own_database ? 1 : 0

  project         = var.project_id
  name            = local.database_name
  instance        = google_sql_database_instance.postgres[0].name
  deletion_policy = "ABANDON"
}

ephemeral "google_secret_manager_secret_version" "database_url" {
  count = local.own_database ? 1 : 0

  project = var.project_id
  secret  = google_secret_manager_secret.database_url[0].id
  version = google_secret_manager_secret_version.database_url[0].version
}

resource "google_sql_user" "eventflow" {
  count = local.own_database ? 1 : 0

  project             = var.project_id
  name                = local.database_user
  instance            = google_sql_database_instance.postgres[0].name
  password_wo         = regex("^postgres://[^:]+:([^@]+)@", ephemeral.google_secret_manager_secret_version.database_url[0].secret_data)[0]
  password_wo_version = google_secret_manager_secret_version.database_url[0].version
  deletion_policy     = "ABANDON"
}

resource "google_project_iam_member" "connects_to_database" {
  for_each = local.own_database && !local.is_private ? toset(["ingest", "process-push", "admin", "bq-flush", "migrate"]) : []

  project = var.project_id
  role    = "roles/cloudsql.client"
  member  = google_service_account.account[each.key].member
}

# Brings the tables up to date. Its first execution is part of its creation, and services wait for
# it; afterwards the deploy workflow updates and executes it.
resource "google_cloud_run_v2_job" "migrate" {
  project             = var.project_id
  name                = "${local.name}-migrate"
  location            = var.region
  deletion_protection = false

  # Google forgets the token as soon as anybody else executes the job; without ignore_changes every
  # later plan would want it back.
  run_execution_token = "first"

  dynamic "binary_authorization" {
    for_each = var.binary_authorization ? ["default"] : []
    content {
      use_default = true
    }
  }

  template {
    template {
      service_account = google_service_account.account["migrate"].email
      timeout         = "900s"
      max_retries     = 1

      dynamic "vpc_access" {
        for_each = local.vpc[*]
        content {
          egress = "PRIVATE_RANGES_ONLY"
          network_interfaces {
            network    = vpc_access.value.network
            subnetwork = vpc_access.value.subnetwork
          }
        }
      }

      containers {
        image = local.images.admin
        args  = ["migrate"]

        env {
          name = "DATABASE_URL"
          value_source {
            secret_key_ref {
              secret = local.database_url_secret
              # An execution reads it when it starts, so a changed password changes nothing here.
              version = "latest"
            }
          }
        }

        dynamic "volume_mounts" {
          for_each = local.own_database && !local.is_private ? ["cloudsql"] : []
          content {
            name       = volume_mounts.value
            mount_path = "/cloudsql"
          }
        }
      }

      dynamic "volumes" {
        for_each = local.is_private ? [] : google_sql_database_instance.postgres
        content {
          name = "cloudsql"
          cloud_sql_instance {
            instances = [volumes.value.connection_name]
          }
        }
      }
    }
  }

  lifecycle {
    ignore_changes = [
      client,
      client_version,
      run_execution_token,
      template[0].labels,
      template[0].template[0].containers[0].image,
    ]
  }

  # The grants must be there before the execution that needs them.
  depends_on = [
    google_project_iam_member.connects_to_database,
    google_project_service.api,
    google_secret_manager_secret_iam_member.reads_database_url,
    google_sql_database.eventflow,
    google_sql_user.eventflow,
  ]
}
