variable "alert_email" {
  description = "Who gets the alerts. Without it they are shown in Cloud Monitoring alone."
  type        = string
  default     = null
}

variable "notification_channels" {
  description = "Who gets the alerts beside alert_email: channels of Cloud Monitoring that exist, such as projects/my-project-123/notificationChannels/1234567890 for a pager or a chat room."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for channel in var.notification_channels : can(regex("^projects/[^/]+/notificationChannels/[^/]+$", channel))])
    error_message = "notification_channels are projects/PROJECT/notificationChannels/NUMBER: `gcloud beta monitoring channels list --format='value(name)'`."
  }
}

variable "uptime_check" {
  description = "Whether Google asks ingest from three continents every five minutes whether it is ready, and alerts where it is not. It starts an instance where none is."
  type        = bool
  default     = false
  nullable    = false

  validation {
    condition     = !var.uptime_check || var.ingest_access == "public"
    error_message = "An uptime check calls as nobody, whom ingest_access = \"iam\" does not let in."
  }
}

variable "slo" {
  description = "The share of requests to ingest that must not be answered with 5xx, over 28 days, such as { availability = 0.999 }. Two alerts say when the errors that it leaves are used up too fast."
  type = object({
    availability = number
  })
  default = null

  validation {
    condition     = var.slo == null || try(var.slo.availability > 0 && var.slo.availability < 1, false)
    error_message = "slo.availability is a share between 0 and 1, such as 0.999."
  }
}

variable "budget" {
  description = "A monthly budget for the project, in the billing account's currency, with mails to its administrators at 50, 90 and 100 %."
  type = object({
    billing_account = string
    amount          = number
  })
  default = null
}

variable "log_exclusions" {
  description = "What Cloud Logging does not keep and does not bill: `cloud_run_requests` is the line that Cloud Run writes for each request; `own_requests` is the share, from 0 to 1, of the lines that ingest and process-push write for each request that went well. docs/cost.md has the price of both."
  type = object({
    cloud_run_requests = optional(bool, false)
    own_requests       = optional(number, 0)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.log_exclusions.own_requests >= 0 && var.log_exclusions.own_requests <= 1
    error_message = "log_exclusions.own_requests is a share from 0 to 1."
  }
}
