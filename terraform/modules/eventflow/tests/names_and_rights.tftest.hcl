# How what is made is called, what of it is kept, and who may use it.
provider "google" {
  access_token = "none"
}

variables {
  project_id     = "eventflow-test"
  project_number = "123456789012"
  region         = "europe-west1"
}

run "another_prefix" {
  command = plan
  variables {
    name_prefix = "eventflow-dev"
  }

  assert {
    condition     = google_pubsub_topic.events.name == "eventflow-dev-events" && google_pubsub_subscription.worker.name == "eventflow-dev-events-worker" && google_bigquery_dataset.eventflow[0].dataset_id == "eventflow_dev"
    error_message = "What is not called eventflow by default has the prefix too."
  }
  assert {
    condition     = alltrue([for account in google_service_account.account : startswith(account.account_id, "eventflow-dev-")])
    error_message = "So have the accounts."
  }
}

run "twenty_builds_are_kept" {
  command = plan

  assert {
    condition     = one([for policy in google_artifact_registry_repository.images.cleanup_policies : policy if policy.action == "KEEP"]).most_recent_versions[0].keep_count == 120
    error_message = "A build is an index, two images with an attestation each, and a signature."
  }
}

run "who_calls_the_services" {
  command = plan
  variables {
    admin_members = ["user:operator@example.com"]
  }

  assert {
    condition     = google_service_account_iam_member.admin_signs_as_smoke["user:operator@example.com"].role == "roles/iam.serviceAccountTokenCreator"
    error_message = "gcloud fetches an access token before it fetches an identity token."
  }
}

run "a_workflow_before_a_proxy_that_it_cannot_pass" {
  command         = plan
  expect_failures = [var.admin_access]
  variables {
    admin_access = "iap"
    github       = { repository_id = "1001", owner_id = "2002" }
  }
}

run "a_prefix_too_long_for_an_account" {
  command         = plan
  expect_failures = [var.name_prefix]
  variables {
    name_prefix = "eventflow-in-test"
  }
}
