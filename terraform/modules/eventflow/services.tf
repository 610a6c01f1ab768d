locals {
  name = var.name_prefix

  # Cloud Run's deterministic URLs. Known before the services are, they are what a service expects
  # as audience and what its callers put into their tokens, without a cycle between the two.
  urls = { for name in keys(local.services) : name => "https://${local.name}-${name}-${var.project_number}.${var.region}.run.app" }

  # The relay's call begins handlers for 20 seconds. One of them may wait for all others to end, and an attempt ends before its lease.
  relay_deadline = 30 + var.timing.handler_limit + var.timing.lease
  flush_deadline = var.timing.flush_limit + 20

  # The differences between the services. `pool` is how many connections to the database an
  # instance may open.
  #
  # The CPU is taken away between requests, and nothing of value stops then: whatever must happen is
  # done within a request, the relay's call each minute picks up what was left, and leases and
  # expiries are judged by the database's clock when they are used.
  defaults = {
    ingest = {
      min_instances = 0
      max_instances = 3
      # Requests that wait together share one commit.
      concurrency = 200
      cpu         = "1"
      memory      = "512Mi"
      billing     = "request"
      timeout     = 30
      env         = {}
    }
    process-push = {
      min_instances = 0
      max_instances = 2
      # As many requests as handlers, since a push that finds all of them busy is refused, and
      # Pub/Sub counts that. Those that arrive together share their claims and ends.
      concurrency = 80
      cpu         = "1"
      memory      = "512Mi"
      billing     = "request"
      timeout     = max(120, local.relay_deadline + 15, var.timing.ack_deadline)
      env         = {}
    }
    admin = {
      min_instances = 0
      max_instances = 1
      concurrency   = 40
      cpu           = "1"
      memory        = "512Mi"
      billing       = "request"
      timeout       = 60
      env           = {}
    }
    bq-flush = {
      min_instances = 0
      max_instances = 1
      concurrency   = 4
      cpu           = "1"
      memory        = "512Mi"
      billing       = "request"
      timeout       = local.flush_deadline + 20
      env           = {}
    }
  }

  sized = {
    for name, defaults in local.defaults : name => merge(
      defaults,
      { for key, value in try(var.services[name], {}) : key => value if value != null },
    )
  }

  pools = {
    ingest       = 4
    process-push = min(12, local.sized.process-push.concurrency + 4)
    admin        = 4
    bq-flush     = 3
  }

  services = { for name, service in local.sized : name => merge(service, { pool = local.pools[name] }) }

  # The callers of each service, and where they call from. Pub/Sub and Cloud Scheduler count as internal, at the
  # run.app URL alone.
  doors = {
    ingest = {
      ingress  = local.is_balanced ? "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER" : "INGRESS_TRAFFIC_ALL"
      invokers = var.ingest_access == "iam" ? merge({ smoke = local.members.smoke }, { for member in var.ingest_callers : member => member }) : {}
    }
    process-push = {
      ingress  = "INGRESS_TRAFFIC_INTERNAL_ONLY"
      invokers = { pusher = local.members.pusher, scheduler = local.members.scheduler }
    }
    admin = {
      ingress  = "INGRESS_TRAFFIC_ALL"
      invokers = var.admin_access == "iap" ? { iap = local.agents.iap } : merge({ smoke = local.members.smoke }, { for member in local.admins : member => member })
    }
    bq-flush = {
      ingress  = "INGRESS_TRAFFIC_INTERNAL_ONLY"
      invokers = { scheduler = local.members.scheduler }
    }
  }
  members = { for name, account in google_service_account.account : name => account.member }

  publisher_env = {
    PUBSUB_TOPIC_NAME = google_pubsub_topic.events.name
  }
  env = {
    ingest = merge(local.publisher_env, {
      INGEST_AUTH              = var.ingest_access == "iam" ? "iam" : "keys"
      DATABASE_MAX_CONNECTIONS = tostring(local.pools.ingest)
      FIRST_DUE_SECONDS        = tostring(var.timing.first_due)
    })
    process-push = merge(local.publisher_env, {
      DATABASE_MAX_CONNECTIONS = tostring(local.pools.process-push)
      PUSH_ACCOUNT             = google_service_account.account["pusher"].email
      SCHEDULER_ACCOUNT        = google_service_account.account["scheduler"].email
      MAX_RETRIES              = tostring(var.max_retries)
      RETENTION_DAYS           = tostring(var.retention_days)
      CONCURRENCY              = tostring(local.services.process-push.concurrency)
      HANDLER_LIMIT_SECONDS    = tostring(var.timing.handler_limit)
      LEASE_SECONDS            = tostring(var.timing.lease)
      ACK_DEADLINE_SECONDS     = tostring(var.timing.ack_deadline)
      RETRY_MIN_SECONDS        = tostring(var.timing.retry_min)
      RETRY_MAX_SECONDS        = tostring(var.timing.retry_max)
      FIRST_DUE_SECONDS        = tostring(var.timing.first_due)
      DUE_STEP_SECONDS         = tostring(var.timing.due_step)
    })
    admin = merge(local.publisher_env, local.admin_roles, local.admin_env)
    bq-flush = {
      SCHEDULER_ACCOUNT   = google_service_account.account["scheduler"].email
      BIGQUERY_PROJECT_ID = local.bigquery_project
      BIGQUERY_DATASET_ID = local.dataset_id
      BIGQUERY_TABLE_ID   = local.table_id
      BIGQUERY_LOCATION   = local.bigquery_location
      BIGQUERY_NUMBERS    = var.bigquery_numbers
      FLUSH_LIMIT_SECONDS = tostring(var.timing.flush_limit)
      FLUSH_LEASE_SECONDS = tostring(var.timing.flush_lease)
    }
  }
  # admin takes a token of the smoke account, which people sign with too.
  admin_env = {
    iam = {
      ADMIN_AUTH   = "google"
      ADMIN_OWNERS = join(",", concat([google_service_account.account["smoke"].email], local.emails.owners))
    }
    iap = {
      ADMIN_AUTH   = "iap"
      IAP_AUDIENCE = "/projects/${var.project_number}/locations/${var.region}/services/${local.name}-admin"
    }
  }[var.admin_access]
  admins = setunion(var.admin_members, var.admin_operators, var.admin_viewers)
  emails = { for role, members in { owners = var.admin_members, operators = var.admin_operators, viewers = var.admin_viewers } :
    role => [for member in members : split(":", member)[1]]
  }
  # With nobody named in them, whoever Identity-Aware Proxy lets in is an owner.
  admin_roles = { for name, emails in {
    ADMIN_OWNERS    = var.admin_access == "iap" && length(local.emails.operators) + length(local.emails.viewers) > 0 ? local.emails.owners : []
    ADMIN_OPERATORS = local.emails.operators
    ADMIN_VIEWERS   = local.emails.viewers
  } : name => join(",", emails) if length(emails) > 0 }
}

module "service" {
  source   = "../service"
  for_each = local.services

  name            = "${local.name}-${each.key}"
  project_id      = var.project_id
  region          = var.region
  url             = local.urls[each.key]
  image           = local.images[each.key]
  service_account = google_service_account.account[each.key].email

  binary_authorization = var.binary_authorization

  min_instances = each.value.min_instances
  max_instances = each.value.max_instances
  concurrency   = each.value.concurrency
  cpu           = each.value.cpu
  memory        = each.value.memory
  billing       = each.value.billing
  timeout       = each.value.timeout

  ingress  = local.doors[each.key].ingress
  invokers = local.doors[each.key].invokers
  # Every caller reaches ingest, which checks the API key itself.
  invoker_check = !(each.key == "ingest" && var.ingest_access == "public")
  iap           = each.key == "admin" && var.admin_access == "iap"

  env       = merge({ GOOGLE_CLOUD_PROJECT = var.project_id }, var.paused ? { PAUSED = "true" } : {}, local.env[each.key])
  extra_env = merge({ FORWARDED_HOPS = local.hops[each.key] }, each.value.env)
  database_url = {
    secret = local.database_url_secret
    # A new password is a new version, and so a new revision.
    version = local.own_database ? google_secret_manager_secret_version.database_url[0].version : "latest"
  }
  cloudsql_instances = local.is_private ? [] : google_sql_database_instance.postgres[*].connection_name
  vpc                = local.vpc

  # The grants must be there before the revision that needs them, and the tables before traffic.
  depends_on = [
    google_bigquery_table_iam_member.flusher_edits,
    google_cloud_run_v2_job.migrate,
    google_project_iam_member.connects_to_database,
    google_project_iam_member.flusher_runs_jobs,
    google_pubsub_topic_iam_member.publishes,
    google_secret_manager_secret_iam_member.reads_database_url,
  ]
}

# With IAP these may pass it; behind it the service sees IAP's agent and checks IAP's assertion.
resource "google_iap_web_cloud_run_service_iam_member" "operates" {
  for_each = var.admin_access == "iap" ? local.admins : []

  project                = var.project_id
  location               = var.region
  cloud_run_service_name = module.service["admin"].name
  role                   = "roles/iap.httpsResourceAccessor"
  member                 = each.key
}
