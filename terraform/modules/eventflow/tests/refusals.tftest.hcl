# Wrong configurations are refused at plan time.
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

run "identities_where_keys_open" {
  command         = plan
  expect_failures = [var.ingest_callers]
  variables {
    ingest_access  = "public"
    ingest_callers = ["serviceAccount:shop@shop-test.iam.gserviceaccount.com"]
  }
}

run "everybody_as_caller" {
  command         = plan
  expect_failures = [var.ingest_callers]
  variables {
    ingest_access  = "iam"
    ingest_callers = ["allUsers"]
  }
}

run "a_group_without_iap" {
  command         = plan
  expect_failures = [var.admin_members]
  variables {
    admin_members = ["group:operators@example.com"]
  }
}

run "more_connections_than_the_tier_has" {
  command         = plan
  expect_failures = [google_sql_database_instance.postgres]
  variables {
    database = { tier = "db-g1-small" }
  }
}

run "more_instances_than_connections" {
  command         = plan
  expect_failures = [google_sql_database_instance.postgres]
  variables {
    services = { ingest = { max_instances = 20 } }
  }
}

run "a_second_flusher" {
  command         = plan
  expect_failures = [var.services]
  variables {
    services = { bq-flush = { max_instances = 2 } }
  }
}

run "an_unknown_service" {
  command         = plan
  expect_failures = [var.services]
  variables {
    services = { worker = {} }
  }
}

run "handler_outlives_its_lease" {
  command         = plan
  expect_failures = [var.timing]
  variables {
    timing = { handler_limit = 75 }
  }
}

run "lease_outlives_the_deadline" {
  command         = plan
  expect_failures = [var.timing]
  variables {
    timing = { lease = 90 }
  }
}

run "due_before_the_lease_ends" {
  command         = plan
  expect_failures = [var.timing]
  variables {
    timing = { first_due = 75 }
  }
}

run "due_before_pubsub_pushes_again" {
  command         = plan
  expect_failures = [var.timing]
  variables {
    timing = { due_step = 690 }
  }
}

run "flush_beyond_the_scheduler" {
  command         = plan
  expect_failures = [var.timing]
  variables {
    timing = { flush_limit = 1800 }
  }
}

run "bigquery_elsewhere" {
  command         = plan
  expect_failures = [var.bigquery_location]
  variables {
    bigquery_location = "US"
  }
}

run "numbers_in_an_unknown_form" {
  command         = plan
  expect_failures = [var.bigquery_numbers]
  variables {
    bigquery_numbers = "rounded"
  }
}

run "a_tier_of_another_edition" {
  command         = plan
  expect_failures = [var.database]
  variables {
    database = { tier = "db-perf-optimized-N-2" }
  }
}

run "a_way_of_billing_that_is_none" {
  command         = plan
  expect_failures = [var.services]
  variables {
    services = { ingest = { billing = "always" } }
  }
}

run "a_share_above_all" {
  command         = plan
  expect_failures = [var.log_exclusions]
  variables {
    log_exclusions = { own_requests = 99 }
  }
}

run "a_release_without_its_tag" {
  command         = plan
  expect_failures = [var.image_source]
  variables {
    image_source = "ghcr.io/acme/eventflow"
  }
}

run "an_image_in_place_of_a_source" {
  command         = plan
  expect_failures = [var.image_source]
  variables {
    image_source = "https://ghcr.io/acme/eventflow"
    image_tag    = "v1.2.3"
  }
}

run "an_instance_with_its_project" {
  command         = plan
  expect_failures = [var.database]
  variables {
    database = { instance = "eventflow-test:europe-west1:eventflow-a" }
  }
}

run "an_environment_that_ends_the_condition" {
  command         = plan
  expect_failures = [var.github]
  variables {
    github = { repository_id = "1001", owner_id = "2002", environment = "a\" || true || \"" }
  }
}

run "too_many_retries" {
  command         = plan
  expect_failures = [var.max_retries]
  variables {
    max_retries = 99
  }
}

run "too_many_weeks" {
  command         = plan
  expect_failures = [var.retention_days]
  variables {
    retention_days = 367
  }
}

run "more_locks_than_the_database_has" {
  command         = plan
  expect_failures = [google_sql_database_instance.postgres]
  variables {
    retention_days = 366
    database       = { tier = "db-g1-small" }
    services       = { ingest = { max_instances = 1 }, process-push = { max_instances = 1, concurrency = 4 } }
  }
}

run "a_repository_by_name" {
  command         = plan
  expect_failures = [var.github]
  variables {
    github = { repository_id = "acme/eventflow", owner_id = "2002" }
  }
}

run "a_name_too_long_for_its_url" {
  command         = plan
  expect_failures = [google_cloud_run_v2_service.service]
  module {
    source = "../service"
  }
  variables {
    name                 = "eventflow-a-service-with-a-rather-long-name"
    url                  = "https://eventflow-a-service-with-a-rather-long-name-123456789012.europe-west1.run.app"
    image                = "image"
    service_account      = "runs@eventflow-test.iam.gserviceaccount.com"
    binary_authorization = false
    min_instances        = 0
    max_instances        = 1
    concurrency          = 1
    cpu                  = "1"
    memory               = "512Mi"
    billing              = "request"
    timeout              = 30
    ingress              = "INGRESS_TRAFFIC_ALL"
    invoker_check        = true
    invokers             = {}
    iap                  = false
    env                  = {}
    extra_env            = {}
    database_url         = { secret = "secret", version = "1" }
    cloudsql_instances   = []
  }
}

run "a_setting_of_our_own_changed" {
  command         = plan
  expect_failures = [google_cloud_run_v2_service.service]
  module {
    source = "../service"
  }
  variables {
    name                 = "eventflow-worker"
    url                  = "https://eventflow-worker-123456789012.europe-west1.run.app"
    image                = "image"
    service_account      = "runs@eventflow-test.iam.gserviceaccount.com"
    binary_authorization = false
    min_instances        = 0
    max_instances        = 1
    concurrency          = 1
    cpu                  = "1"
    memory               = "512Mi"
    billing              = "request"
    timeout              = 30
    ingress              = "INGRESS_TRAFFIC_ALL"
    invoker_check        = true
    invokers             = {}
    iap                  = false
    env                  = {}
    extra_env            = { IDENTITY = "verify" }
    database_url         = { secret = "secret", version = "1" }
    cloudsql_instances   = []
  }
}

run "a_group_beside_viewers" {
  command         = plan
  expect_failures = [var.admin_viewers]
  variables {
    admin_access  = "iap"
    admin_members = ["group:operators@example.com"]
    admin_viewers = ["user:viewer@example.com"]
  }
}
