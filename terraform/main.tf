# The files variables*.tf are the module's own, so each variable is described once, and passed on here.
module "eventflow" {
  source = "./modules/eventflow"

  project_id           = var.project_id
  project_number       = var.project_number
  region               = var.region
  name_prefix          = var.name_prefix
  name_suffix          = var.name_suffix
  image_tag            = var.image_tag
  image_source         = var.image_source
  binary_authorization = var.binary_authorization
  deletion_protection  = var.deletion_protection
  github               = var.github

  ingest_access   = var.ingest_access
  ingest_callers  = var.ingest_callers
  admin_access    = var.admin_access
  admin_members   = var.admin_members
  admin_operators = var.admin_operators
  admin_viewers   = var.admin_viewers

  services       = var.services
  paused         = var.paused
  max_retries    = var.max_retries
  retention_days = var.retention_days
  timing         = var.timing

  database                     = var.database
  database_password_version    = var.database_password_version
  external_database_url_secret = var.external_database_url_secret
  bigquery_project_id          = var.bigquery_project_id
  bigquery_numbers             = var.bigquery_numbers
  bigquery_location            = var.bigquery_location

  network        = var.network
  load_balancer  = var.load_balancer
  ingest_ingress = var.ingest_ingress

  alert_email           = var.alert_email
  notification_channels = var.notification_channels
  uptime_check          = var.uptime_check
  slo                   = var.slo
  budget                = var.budget
  log_exclusions        = var.log_exclusions
}
