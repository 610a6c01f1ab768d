# A freshly enabled API refuses calls for up to some minutes, although it is reported as enabled.
# The first apply is therefore made in two steps (docs/deploy.md): the APIs and the registry, then,
# once the images are pushed, everything else.
resource "google_project_service" "api" {
  for_each = toset(concat(
    [
      "artifactregistry.googleapis.com",
      "bigquery.googleapis.com",
      "cloudresourcemanager.googleapis.com",
      "cloudscheduler.googleapis.com",
      "iam.googleapis.com",
      "iamcredentials.googleapis.com",
      "monitoring.googleapis.com",
      "pubsub.googleapis.com",
      "run.googleapis.com",
      "secretmanager.googleapis.com",
      "sqladmin.googleapis.com",
    ],
    var.binary_authorization ? ["binaryauthorization.googleapis.com"] : [],
    length(local.exclusions) == 0 ? [] : ["logging.googleapis.com"],
    var.admin_access == "iap" ? ["iap.googleapis.com"] : [],
    var.github == null ? [] : ["sts.googleapis.com"],
    var.network == null ? [] : ["compute.googleapis.com", "servicenetworking.googleapis.com"],
    var.load_balancer == null ? [] : ["compute.googleapis.com"],
    var.budget == null ? [] : ["billingbudgets.googleapis.com"],
  ))

  project = var.project_id
  service = each.key

  # Others in the project may use it.
  disable_on_destroy = false
}
