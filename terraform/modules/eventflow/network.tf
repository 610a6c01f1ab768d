# With `network` the database has no public address. Services and jobs reach it through the network, by its
# address: Cloud Run's own connector knows the way to public addresses alone.
locals {
  makes_network = var.network != null && try(var.network.network, null) == null
  is_private    = var.network != null && local.own_database

  # Where what runs has a foot in the network; it asks Google and the internet past it.
  vpc = var.network == null ? null : {
    network    = local.makes_network ? google_compute_network.own[0].id : var.network.network
    subnetwork = local.makes_network ? google_compute_subnetwork.own[0].id : var.network.subnetwork
  }
}

resource "google_compute_network" "own" {
  count = local.makes_network ? 1 : 0

  project                 = var.project_id
  name                    = local.name
  auto_create_subnetworks = false

  depends_on = [google_project_service.api]
}

# Each instance takes addresses here, twice while one revision replaces another.
resource "google_compute_subnetwork" "own" {
  count = local.makes_network ? 1 : 0

  project                  = var.project_id
  name                     = local.name
  region                   = var.region
  network                  = google_compute_network.own[0].id
  ip_cidr_range            = "10.10.0.0/24"
  private_ip_google_access = true
}

# Private services access: Google's network with the database in it beside ours.
resource "google_compute_global_address" "services" {
  count = local.makes_network && local.own_database ? 1 : 0

  project       = var.project_id
  name          = "${local.name}-services"
  network       = google_compute_network.own[0].id
  purpose       = "VPC_PEERING"
  address_type  = "INTERNAL"
  prefix_length = 20
}

resource "google_service_networking_connection" "services" {
  count = local.makes_network && local.own_database ? 1 : 0

  network                 = google_compute_network.own[0].id
  service                 = "servicenetworking.googleapis.com"
  reserved_peering_ranges = [google_compute_global_address.services[0].name]

  depends_on = [google_project_service.api]
}
