# The first apply needs images, and they need a registry. So it is made in two steps
# (docs/deploy.md): this repository alone with -target, then, once the images are pushed, the rest.
# A placeholder image would spare the -target, and would do harm: it answers 200 to whatever is
# pushed to it, which tells Pub/Sub that the event was processed.
locals {
  registry = "${var.region}-docker.pkg.dev/${var.project_id}/${google_artifact_registry_repository.images.repository_id}"

  # A host and a path in it.
  source = var.image_source == null ? null : regex("^([^/]+)/(.+)$", var.image_source)
  images = { for name in keys(local.services) : name => var.image_source == null ? "${local.registry}/${name}:${var.image_tag}" : join("/", [
    "${var.region}-docker.pkg.dev/${var.project_id}/${google_artifact_registry_repository.released[0].repository_id}",
    local.source[1],
    "${name}:${var.image_tag}",
  ]) }
}

# Fetches a released image when it is asked for, and keeps it.
resource "google_artifact_registry_repository" "released" {
  count = var.image_source == null ? 0 : 1

  project       = var.project_id
  repository_id = "${local.name}-released"
  location      = var.region
  format        = "DOCKER"
  mode          = "REMOTE_REPOSITORY"
  description   = "EventFlow's released images"

  remote_repository_config {
    docker_repository {
      custom_repository {
        uri = "https://${local.source[0]}"
      }
    }
  }

  depends_on = [google_project_service.api]
}

resource "google_artifact_registry_repository" "images" {
  project       = var.project_id
  repository_id = local.name
  location      = var.region
  format        = "DOCKER"
  description   = "EventFlow's container images"

  # A rule to keep wins over a rule to delete, so the last 20 builds of each image are there to roll back
  # to. Versions are counted and not builds, and a build is several: its index, an image and an
  # attestation (SBOM and provenance) for each of two platforms, and a signature.
  cleanup_policies {
    id     = "delete-old"
    action = "DELETE"
    condition {
      older_than = "30d"
    }
  }
  cleanup_policies {
    id     = "keep-recent"
    action = "KEEP"
    most_recent_versions {
      keep_count = 20 * 6
    }
  }

  depends_on = [google_project_service.api]
}
