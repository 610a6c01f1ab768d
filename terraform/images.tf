# The first apply needs images, and they need a registry. So it is made in two steps
# (docs/deploy.md): this repository alone with -target, then, once the images are pushed, the rest.
# A placeholder image would spare the -target, and would do harm: it answers 200 to whatever is
# pushed to it, which tells Pub/Sub that the event was processed.
locals {
  registry = "${var.region}-docker.pkg.dev/${var.project_id}/${google_artifact_registry_repository.images.repository_id}"
}

resource "google_artifact_registry_repository" "images" {
  repository_id = local.name
  location      = var.region
  format        = "DOCKER"
  description   = "EventFlow's container images"

  # What is kept wins over what is deleted, so the last 20 of each image are there to roll back to.
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
      keep_count = 20
    }
  }

  depends_on = [google_project_service.api]
}
