# From where what can be reached.
provider "google" {
  access_token = "none"
}

variables {
  project_id     = "eventflow-test"
  project_number = "123456789012"
  region         = "europe-west1"
}

run "open_by_default" {
  command = plan

  assert {
    condition     = length(google_compute_network.own) == 0 && length(google_compute_backend_service.ingest) == 0 && !contains(keys(google_project_service.api), "compute.googleapis.com")
    error_message = "Neither a network nor a load balancer is made."
  }
  assert {
    condition     = google_sql_database_instance.postgres[0].settings[0].ip_configuration[0].ipv4_enabled && google_sql_database_instance.postgres[0].settings[0].connector_enforcement == "REQUIRED"
    error_message = "The database has a public address, which takes connectors alone."
  }
  assert {
    condition     = local.doors.ingest.ingress == "INGRESS_TRAFFIC_ALL" && local.hops.ingest == "1"
    error_message = "Clients call ingest at its run.app URL, and Cloud Run alone appends an address."
  }
}

run "a_network_of_its_own" {
  command = plan
  variables {
    network = {}
  }

  assert {
    condition     = !google_sql_database_instance.postgres[0].settings[0].ip_configuration[0].ipv4_enabled
    error_message = "The database has no public address, which sql.restrictPublicIp would refuse."
  }
  assert {
    condition     = google_compute_global_address.services[0].purpose == "VPC_PEERING" && google_service_networking_connection.services[0].service == "servicenetworking.googleapis.com"
    error_message = "Google's network with the database is beside ours."
  }
  assert {
    condition     = length(google_project_iam_member.connects_to_database) == 0
    error_message = "Nobody needs the right to connect where there is no connector."
  }
  assert {
    condition     = google_cloud_run_v2_job.migrate.template[0].template[0].vpc_access[0].egress == "PRIVATE_RANGES_ONLY" && length(google_cloud_run_v2_job.migrate.template[0].template[0].volumes) == 0
    error_message = "The migrations have a foot in the network, and no socket."
  }
  assert {
    condition     = length(setintersection(["compute.googleapis.com", "servicenetworking.googleapis.com"], keys(google_project_service.api))) == 2
    error_message = "The APIs of networks are enabled."
  }
}

run "a_network_that_is_there" {
  command = plan
  variables {
    network = {
      network    = "projects/host/global/networks/shared"
      subnetwork = "projects/host/regions/europe-west1/subnetworks/run"
    }
  }

  assert {
    condition     = length(google_compute_network.own) == 0 && length(google_service_networking_connection.services) == 0
    error_message = "Nothing is made in a network of others."
  }
  assert {
    condition     = google_sql_database_instance.postgres[0].settings[0].ip_configuration[0].private_network == "projects/host/global/networks/shared" && local.vpc.subnetwork == "projects/host/regions/europe-west1/subnetworks/run"
    error_message = "The database and the services are in it."
  }
}

run "a_network_for_a_database_elsewhere" {
  command = plan
  variables {
    network                      = {}
    external_database_url_secret = "database-url"
  }

  assert {
    condition     = length(google_service_networking_connection.services) == 0 && length(google_compute_network.own) == 1
    error_message = "What runs is in the network, and no network of Google's is beside it."
  }
}

run "a_load_balancer" {
  command = plan
  variables {
    load_balancer = { domain = "events.example.com", requests_per_minute = 60 }
  }

  assert {
    condition     = local.doors.ingest.ingress == "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER" && local.hops == { ingest = "2", process-push = "1", admin = "1", bq-flush = "1" }
    error_message = "Nobody goes round it, so two entries of X-Forwarded-For are believed, by ingest alone."
  }
  assert {
    condition     = one([for rule in google_compute_security_policy.ingest["ingest"].rule : rule if rule.action == "throttle"]).rate_limit_options[0].rate_limit_threshold[0].count == 60
    error_message = "Cloud Armor keeps each address to its share."
  }
  assert {
    condition     = google_compute_global_forwarding_rule.ingest["ingest"].port_range == "443" && google_compute_ssl_policy.ingest["ingest"].min_tls_version == "TLS_1_2"
    error_message = "It is reached over TLS alone."
  }
  assert {
    condition     = output.ingest_url == "https://events.example.com" && local.urls.ingest == "https://eventflow-ingest-123456789012.europe-west1.run.app"
    error_message = "Clients call the domain; the audience stays the run.app URL."
  }
}

run "a_load_balancer_of_others" {
  command = plan
  variables {
    ingest_ingress = "load_balancer"
    services       = { ingest = { env = { FORWARDED_HOPS = "3" } } }
  }

  assert {
    condition     = local.doors.ingest.ingress == "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER" && length(google_compute_backend_service.ingest) == 0
    error_message = "Ingest is closed beside it, and none is made."
  }
}

run "hops_that_nobody_appends" {
  command         = plan
  expect_failures = [var.ingest_ingress]
  variables {
    services = { ingest = { env = { FORWARDED_HOPS = "2" } } }
  }
}

run "hops_before_a_service_without_a_load_balancer" {
  command         = plan
  expect_failures = [var.ingest_ingress]
  variables {
    load_balancer = { domain = "events.example.com" }
    services      = { admin = { env = { FORWARDED_HOPS = "2" } } }
  }
}

run "half_a_network" {
  command         = plan
  expect_failures = [var.network]
  variables {
    network = { network = "projects/host/global/networks/shared" }
  }
}

run "a_subnetwork_elsewhere" {
  command         = plan
  expect_failures = [var.network]
  variables {
    network = {
      network    = "projects/host/global/networks/shared"
      subnetwork = "projects/host/regions/us-central1/subnetworks/run"
    }
  }
}

run "a_domain_with_a_scheme" {
  command         = plan
  expect_failures = [var.load_balancer]
  variables {
    load_balancer = { domain = "https://events.example.com" }
  }
}

run "no_requests_at_all" {
  command         = plan
  expect_failures = [var.load_balancer]
  variables {
    load_balancer = { domain = "events.example.com", requests_per_minute = 0 }
  }
}
