output "name" {
  description = "The service's name, once it and its callers' grants are there."
  value       = google_cloud_run_v2_service.service.name
  depends_on  = [google_cloud_run_v2_service_iam_member.invokes]
}

output "id" {
  description = "The service's resource name."
  value       = google_cloud_run_v2_service.service.id
}
