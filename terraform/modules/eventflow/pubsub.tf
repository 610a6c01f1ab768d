locals {
  # The default prefix leaves the names as short as they are on a laptop.
  events = local.name == "eventflow" ? "events" : "${local.name}-events"
}

resource "google_pubsub_topic" "events" {
  project = var.project_id
  name    = local.events

  depends_on = [google_project_service.api]
}

resource "google_pubsub_topic_iam_member" "publishes" {
  # process-push publishes as the relay, admin for replays.
  for_each = toset(["ingest", "process-push", "admin"])

  project = var.project_id
  topic   = google_pubsub_topic.events.id
  role    = "roles/pubsub.publisher"
  member  = google_service_account.account[each.key].member
}

resource "google_pubsub_subscription" "worker" {
  project                    = var.project_id
  name                       = "${local.events}-worker"
  topic                      = google_pubsub_topic.events.id
  ack_deadline_seconds       = var.timing.ack_deadline
  message_retention_duration = "604800s"

  push_config {
    push_endpoint = "${local.urls["process-push"]}/push"
    oidc_token {
      service_account_email = google_service_account.account["pusher"].email
      # Without it the audience is the whole URL, path and all.
      audience = local.urls["process-push"]
    }
  }

  retry_policy {
    minimum_backoff = "${var.timing.retry_min}s"
    maximum_backoff = "${var.timing.retry_max}s"
  }

  # Our own count, in PostgreSQL, ends an event. Pub/Sub's comes after it, since it counts outages
  # too; 5 is the least that Pub/Sub takes.
  dead_letter_policy {
    dead_letter_topic     = google_pubsub_topic.dead_letter.id
    max_delivery_attempts = max(5, var.max_retries + 2)
  }

  # Without it a subscription is deleted after 31 quiet days.
  expiration_policy {
    ttl = ""
  }

  # Pushes begin at once, so whoever receives them and every grant they need comes first; and what
  # is published to a dead-letter topic that nobody subscribes to is lost.
  depends_on = [
    google_pubsub_subscription.dead_letter_worker,
    google_pubsub_topic_iam_member.dead_letter_published_by_agent,
    google_service_account_iam_member.pubsub_signs_as_pusher,
    module.service,
  ]
}

# Without this grant and the next one the dead-letter policy does nothing, and nobody says so.
resource "google_pubsub_topic_iam_member" "dead_letter_published_by_agent" {
  project = var.project_id
  topic   = google_pubsub_topic.dead_letter.id
  role    = "roles/pubsub.publisher"
  member  = local.agents.pubsub
}

resource "google_pubsub_subscription_iam_member" "worker_acknowledged_by_agent" {
  project = var.project_id
  # By its ID, as with every grant here: a target that is made anew under the same name comes
  # without its grants, and its ID, unlike its name, is unknown until then, so they are renewed.
  subscription = google_pubsub_subscription.worker.id
  role         = "roles/pubsub.subscriber"
  member       = local.agents.pubsub
}

resource "google_pubsub_topic" "dead_letter" {
  project = var.project_id
  name    = "${local.events}-dead-letter"

  depends_on = [google_project_service.api]
}

resource "google_pubsub_subscription" "dead_letter_worker" {
  project              = var.project_id
  name                 = "${local.events}-dead-letter-worker"
  topic                = google_pubsub_topic.dead_letter.id
  ack_deadline_seconds = var.timing.ack_deadline

  # The longest that Pub/Sub keeps: what nobody could take in is there for a month.
  message_retention_duration = "2678400s"

  push_config {
    push_endpoint = "${local.urls["process-push"]}/dead-letter"
    oidc_token {
      service_account_email = google_service_account.account["pusher"].email
      audience              = local.urls["process-push"]
    }
  }

  retry_policy {
    minimum_backoff = "${var.timing.retry_min}s"
    maximum_backoff = "${var.timing.retry_max}s"
  }

  expiration_policy {
    ttl = ""
  }

  depends_on = [
    google_service_account_iam_member.pubsub_signs_as_pusher,
    module.service,
  ]
}
