# What runs, how it is billed, and what it leaves in the log.
provider "google" {
  access_token = "none"
}

variables {
  project_id     = "eventflow-test"
  project_number = "123456789012"
  region         = "europe-west1"
}

run "another_environment" {
  command = plan
  variables {
    github = { repository_id = "1001", owner_id = "2002", environment = "staging" }
  }

  assert {
    condition     = endswith(google_iam_workload_identity_pool_provider.github[0].attribute_condition, "assertion.environment == \"staging\"")
    error_message = "Only a job of that environment deploys."
  }
  assert {
    condition     = length(google_service_account.plan) == 0 && length(google_iam_workload_identity_pool_provider.plans) == 0
    error_message = "Nobody plans where that is not asked for."
  }
}

run "nothing_is_left_out_of_the_logs_by_default" {
  command = plan

  assert {
    condition     = length(google_logging_project_exclusion.requests) == 0 && !contains(keys(google_project_service.api), "logging.googleapis.com")
    error_message = "Every line is kept."
  }
}

run "released_images" {
  command = plan
  variables {
    image_source = "ghcr.io/acme/eventflow"
    image_tag    = "v1.2.3"
  }

  assert {
    condition     = google_artifact_registry_repository.released[0].remote_repository_config[0].docker_repository[0].custom_repository[0].uri == "https://ghcr.io"
    error_message = "They are fetched from where they were released."
  }
  assert {
    condition     = local.images.admin == "europe-west1-docker.pkg.dev/eventflow-test/eventflow-released/acme/eventflow/admin:v1.2.3" && google_cloud_run_v2_job.migrate.template[0].template[0].containers[0].image == local.images.admin
    error_message = "Services and migrations start with the release."
  }
}

run "images_that_the_policy_lets_in" {
  command = plan
  variables {
    binary_authorization = true
  }

  assert {
    condition     = google_cloud_run_v2_job.migrate.binary_authorization[0].use_default && contains(keys(google_project_service.api), "binaryauthorization.googleapis.com")
    error_message = "The migrations' image is asked for too."
  }
}

run "images_of_your_own" {
  command = plan

  assert {
    condition     = length(google_artifact_registry_repository.released) == 0 && local.images.ingest == "europe-west1-docker.pkg.dev/eventflow-test/eventflow/ingest:latest"
    error_message = "Without image_source they come out of the registry that you push to."
  }
}

run "paused" {
  command = plan
  variables {
    paused = true
  }

  assert {
    condition     = alltrue([for job in google_cloud_scheduler_job.call : job.paused])
    error_message = "No schedule calls."
  }
}

run "a_service_that_is_billed_by_instance" {
  command = plan
  module {
    source = "../service"
  }
  variables {
    name                 = "eventflow-worker"
    url                  = "https://eventflow-worker-123456789012.europe-west1.run.app"
    image                = "image"
    service_account      = "runs@eventflow-test.iam.gserviceaccount.com"
    binary_authorization = true
    min_instances        = 1
    max_instances        = 2
    concurrency          = 1
    cpu                  = "1"
    memory               = "512Mi"
    billing              = "instance"
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

  assert {
    condition     = google_cloud_run_v2_service.service.binary_authorization[0].use_default
    error_message = "The project's policy is asked."
  }
  assert {
    condition     = !google_cloud_run_v2_service.service.template[0].containers[0].resources[0].cpu_idle
    error_message = "Billing by instance leaves the CPU on."
  }
}

run "a_recovered_database" {
  command = plan
  variables {
    database = { instance = "eventflow-recovered" }
  }

  assert {
    condition     = google_sql_database_instance.postgres[0].name == "eventflow-recovered" && local.connection_name == "eventflow-test:europe-west1:eventflow-recovered"
    error_message = "The instance's name is changed alone."
  }
}
