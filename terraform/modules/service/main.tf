terraform {
  required_version = ">= 1.11"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = ">= 7.45"
    }
  }
}

locals {
  env = merge(
    {
      # Cloud Run checks the caller and takes the signature off the token that it passes on, so the
      # service is told to rely on that check exactly where there is one.
      IDENTITY          = var.invoker_check ? "cloud-run" : "verify"
      IDENTITY_AUDIENCE = var.url
    },
    var.env,
  )
}

resource "google_cloud_run_v2_service" "service" {
  project              = var.project_id
  name                 = var.name
  location             = var.region
  ingress              = var.ingress
  invoker_iam_disabled = !var.invoker_check
  iap_enabled          = var.iap

  # It holds no data.
  deletion_protection = false

  dynamic "binary_authorization" {
    for_each = var.binary_authorization ? ["default"] : []
    content {
      use_default = true
    }
  }

  # For the whole service, whichever of its revisions the instances are of.
  scaling {
    min_instance_count = var.min_instances
    max_instance_count = var.max_instances
  }

  template {
    # Beside that of the service, which does not count a revision that has a tag and no traffic: one that
    # is tried out must keep to its share of the database's connections too.
    scaling {
      max_instance_count = var.max_instances
    }

    dynamic "vpc_access" {
      for_each = var.vpc[*]
      content {
        egress = "PRIVATE_RANGES_ONLY"
        network_interfaces {
          network    = vpc_access.value.network
          subnetwork = vpc_access.value.subnetwork
        }
      }
    }

    service_account                  = var.service_account
    timeout                          = "${var.timeout}s"
    max_instance_request_concurrency = var.concurrency

    containers {
      image = var.image

      resources {
        limits = {
          cpu    = var.cpu
          memory = var.memory
        }
        # Said explicitly: with `resources` set and this not, the CPU is always on, and billed.
        cpu_idle          = var.billing == "request"
        startup_cpu_boost = true
      }

      dynamic "env" {
        for_each = merge(var.extra_env, local.env)
        content {
          name  = env.key
          value = env.value
        }
      }
      env {
        name = "DATABASE_URL"
        value_source {
          secret_key_ref {
            secret  = var.database_url.secret
            version = var.database_url.version
          }
        }
      }

      # Traffic comes once the database has been reached, for which a minute must do.
      startup_probe {
        period_seconds    = 2
        timeout_seconds   = 2
        failure_threshold = 30
        http_get {
          path = "/ready"
        }
      }
      # An outage of the database must not restart what waits for it, so this one asks for less.
      liveness_probe {
        period_seconds    = 15
        timeout_seconds   = 5
        failure_threshold = 4
        http_get {
          path = "/health"
        }
      }

      dynamic "volume_mounts" {
        for_each = var.cloudsql_instances
        content {
          name       = "cloudsql"
          mount_path = "/cloudsql"
        }
      }
    }

    dynamic "volumes" {
      for_each = length(var.cloudsql_instances) > 0 ? ["cloudsql"] : []
      content {
        name = volumes.value
        cloud_sql_instance {
          instances = var.cloudsql_instances
        }
      }
    }
  }

  # Stated, and not ignored: were traffic pinned to a revision, what a later apply changes would
  # come into a revision that nobody calls. The plan shows such a pin, and an apply ends it.
  traffic {
    type    = "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST"
    percent = 100
  }

  lifecycle {
    # A deploy by the workflow is no drift.
    ignore_changes = [
      client,
      client_version,
      template[0].containers[0].image,
      template[0].labels,
    ]

    precondition {
      condition     = length(setintersection(keys(var.extra_env), concat(keys(local.env), ["DATABASE_URL"]))) == 0
      error_message = "Of the extra environment of ${var.name}, ${join(", ", setintersection(keys(var.extra_env), concat(keys(local.env), ["DATABASE_URL"])))} is set here already."
    }
    precondition {
      # A tag of up to 12 characters and three hyphens come before it while a revision is tried out.
      condition     = length("${var.name}-${regex("-([0-9]+)\\.", var.url)[0]}") + 15 <= 63
      error_message = "The name ${var.name} is too long for a deterministic URL, whose first part has 63 characters at most."
    }
    postcondition {
      condition     = contains(self.urls, var.url)
      error_message = "Cloud Run did not give ${var.name} the URL ${var.url}: is project_number right?"
    }
  }
}

# By its ID, so that the grants follow a service that is made anew.
resource "google_cloud_run_v2_service_iam_member" "invokes" {
  for_each = var.invokers

  project  = var.project_id
  location = var.region
  name     = google_cloud_run_v2_service.service.id
  role     = "roles/run.invoker"
  member   = each.value
}
