locals {
  # Is it well? Left to right, an event's way: in, waiting, tried, dead, loaded, and what it stands on.
  charts = [
    { title = "Requests to ingest, by answer", filter = "metric.type = \"run.googleapis.com/request_count\" AND resource.type = \"cloud_run_revision\" AND resource.labels.service_name = \"${local.name}-ingest\"", aligner = "ALIGN_RATE", reducer = "REDUCE_SUM", by = ["metric.label.response_code_class"] },
    { title = "Latency of ingest, 99th percentile", filter = "metric.type = \"run.googleapis.com/request_latencies\" AND resource.type = \"cloud_run_revision\" AND resource.labels.service_name = \"${local.name}-ingest\"", aligner = "ALIGN_PERCENTILE_99", reducer = "REDUCE_MAX", by = [] },
    { title = "Age of the oldest event that waits", filter = "metric.type = \"pubsub.googleapis.com/subscription/oldest_unacked_message_age\" AND ${local.worker_filter}", aligner = "ALIGN_MAX", reducer = "REDUCE_MAX", by = [] },
    { title = "Pushes, by answer", filter = "metric.type = \"pubsub.googleapis.com/subscription/push_request_count\" AND ${local.worker_filter}", aligner = "ALIGN_RATE", reducer = "REDUCE_SUM", by = ["metric.label.response_class"] },
    { title = "Dead-lettered", filter = "metric.type = \"pubsub.googleapis.com/subscription/dead_letter_message_count\" AND ${local.worker_filter}", aligner = "ALIGN_DELTA", reducer = "REDUCE_SUM", by = [] },
    { title = "Flushes, by answer", filter = "metric.type = \"run.googleapis.com/request_count\" AND ${local.flush_filter}", aligner = "ALIGN_DELTA", reducer = "REDUCE_SUM", by = ["metric.label.response_code_class"] },
    { title = "Instances", filter = "metric.type = \"run.googleapis.com/container/instance_count\" AND resource.type = \"cloud_run_revision\" AND resource.labels.service_name = one_of(${join(", ", [for name in keys(local.services) : "\"${local.name}-${name}\""])})", aligner = "ALIGN_MAX", reducer = "REDUCE_SUM", by = ["resource.label.service_name"] },
    { title = "The database's CPU", filter = "metric.type = \"cloudsql.googleapis.com/database/cpu/utilization\" AND ${local.database_filter}", aligner = "ALIGN_MEAN", reducer = "REDUCE_MAX", by = [] },
    { title = "The database's connections", filter = "metric.type = \"cloudsql.googleapis.com/database/postgresql/num_backends\" AND ${local.database_filter}", aligner = "ALIGN_MAX", reducer = "REDUCE_SUM", by = [] },
  ]
}

resource "google_monitoring_dashboard" "eventflow" {
  project = var.project_id
  dashboard_json = jsonencode({
    displayName = local.name
    mosaicLayout = {
      columns = 12
      # Google leaves out of its answer what is zero or empty, and so must we, or each plan would differ.
      tiles = [for index, chart in local.charts : merge(index % 3 > 0 ? { xPos = index % 3 * 4 } : {}, index >= 3 ? { yPos = floor(index / 3) * 4 } : {}, {
        width  = 4
        height = 4
        widget = {
          title = chart.title
          xyChart = {
            dataSets = [{
              plotType = "LINE"
              timeSeriesQuery = {
                timeSeriesFilter = {
                  filter = chart.filter
                  aggregation = merge(length(chart.by) > 0 ? { groupByFields = chart.by } : {}, {
                    alignmentPeriod    = "60s"
                    perSeriesAligner   = chart.aligner
                    crossSeriesReducer = chart.reducer
                  })
                }
              }
            }]
          }
        }
      })]
    }
  })

  depends_on = [google_project_service.api]
}
