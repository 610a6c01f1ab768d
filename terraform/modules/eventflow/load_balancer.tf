# With `load_balancer`: a domain, an external Application Load Balancer and Cloud Armor before ingest.
# The domain's A record is to point to the output `load_balancer_address`; the certificate comes some
# minutes after that.
locals {
  # Nobody goes round a load balancer, who would otherwise choose the address that Cloud Armor and the log are told.
  is_balanced = var.load_balancer != null || var.ingest_ingress == "load_balancer"

  # Cloud Run's front end appends the address of whoever calls, and a load balancer one more.
  hops = { for name in keys(local.services) : name => name == "ingest" && local.is_balanced ? "2" : "1" }

  # Where clients send events. The audience of a Google identity stays the run.app URL.
  ingest_url = var.load_balancer == null ? local.urls["ingest"] : "https://${var.load_balancer.domain}"

  balancers = toset(var.load_balancer == null ? [] : ["ingest"])
}

resource "google_compute_global_address" "ingest" {
  for_each = local.balancers

  project = var.project_id
  name    = "${local.name}-ingest"

  depends_on = [google_project_service.api]
}

resource "google_compute_region_network_endpoint_group" "ingest" {
  for_each = local.balancers

  project               = var.project_id
  name                  = "${local.name}-ingest"
  region                = var.region
  network_endpoint_type = "SERVERLESS"

  cloud_run {
    service = module.service["ingest"].name
  }
}

# An address that sends more than its share is answered 429 until the minute is over.
resource "google_compute_security_policy" "ingest" {
  for_each = local.balancers

  project     = var.project_id
  name        = "${local.name}-ingest"
  description = "What one address may send to ingest"

  rule {
    action      = "throttle"
    priority    = 1000
    description = "Each address"
    match {
      versioned_expr = "SRC_IPS_V1"
      config {
        src_ip_ranges = ["*"]
      }
    }
    rate_limit_options {
      conform_action = "allow"
      exceed_action  = "deny(429)"
      enforce_on_key = "IP"
      rate_limit_threshold {
        count        = var.load_balancer.requests_per_minute
        interval_sec = 60
      }
    }
  }
  rule {
    action      = "allow"
    priority    = 2147483647
    description = "The default"
    match {
      versioned_expr = "SRC_IPS_V1"
      config {
        src_ip_ranges = ["*"]
      }
    }
  }

  depends_on = [google_project_service.api]
}

resource "google_compute_backend_service" "ingest" {
  for_each = local.balancers

  project               = var.project_id
  name                  = "${local.name}-ingest"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  protocol              = "HTTPS"
  security_policy       = google_compute_security_policy.ingest["ingest"].id

  backend {
    group = google_compute_region_network_endpoint_group.ingest["ingest"].id
  }
}

resource "google_compute_url_map" "ingest" {
  for_each = local.balancers

  project         = var.project_id
  name            = "${local.name}-ingest"
  default_service = google_compute_backend_service.ingest["ingest"].id
}

# Another domain is another certificate, which is there before the old one goes.
resource "google_compute_managed_ssl_certificate" "ingest" {
  for_each = local.balancers

  project = var.project_id
  name    = "${local.name}-ingest-${substr(sha256(var.load_balancer.domain), 0, 8)}"

  managed {
    domains = [var.load_balancer.domain]
  }

  lifecycle {
    create_before_destroy = true
  }

  depends_on = [google_project_service.api]
}

resource "google_compute_ssl_policy" "ingest" {
  for_each = local.balancers

  project         = var.project_id
  name            = "${local.name}-ingest"
  profile         = "MODERN"
  min_tls_version = "TLS_1_2"

  depends_on = [google_project_service.api]
}

resource "google_compute_target_https_proxy" "ingest" {
  for_each = local.balancers

  project          = var.project_id
  name             = "${local.name}-ingest"
  url_map          = google_compute_url_map.ingest["ingest"].id
  ssl_certificates = [google_compute_managed_ssl_certificate.ingest["ingest"].id]
  ssl_policy       = google_compute_ssl_policy.ingest["ingest"].id
}

# There is no port 80: a key that is sent in the clear is given away before any redirect.
resource "google_compute_global_forwarding_rule" "ingest" {
  for_each = local.balancers

  project               = var.project_id
  name                  = "${local.name}-ingest"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  ip_address            = google_compute_global_address.ingest["ingest"].id
  port_range            = "443"
  target                = google_compute_target_https_proxy.ingest["ingest"].id
}
