variable "services" {
  description = "What differs from the defaults in services.tf, by service. `billing` is \"request\" (CPU while a request is there, and each request) or \"instance\" (CPU as long as an instance lives, and no price for a request; docs/cost.md says from which rate on it is cheaper); `env` adds variables, such as LOG_LEVEL or those of your handlers."
  type = map(object({
    min_instances = optional(number)
    max_instances = optional(number)
    concurrency   = optional(number)
    cpu           = optional(string)
    memory        = optional(string)
    billing       = optional(string)
    env           = optional(map(string))
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for name in keys(var.services) : contains(["ingest", "process-push", "admin", "bq-flush"], name)])
    error_message = "services has the keys ingest, process-push, admin and bq-flush."
  }
  validation {
    condition     = try(var.services["bq-flush"].max_instances, null) == null || try(var.services["bq-flush"].max_instances, 1) == 1
    error_message = "One flusher works at a time, so a second instance of bq-flush has nothing to do."
  }
  validation {
    condition     = alltrue([for service in values(var.services) : contains(["request", "instance"], coalesce(service.billing, "request"))])
    error_message = "services[…].billing is \"request\" or \"instance\"."
  }
}

variable "paused" {
  description = "true has all services open no connection to the database and refuse each request with 503, and pauses the schedules. Clients try again, and Pub/Sub keeps what it could not push. For a restore (docs/restore.md)."
  type        = bool
  default     = false
  nullable    = false
}

variable "max_retries" {
  description = "How often an event is tried again before it is dead."
  type        = number
  default     = 3
  nullable    = false

  validation {
    condition     = var.max_retries >= 0 && var.max_retries <= 98 && floor(var.max_retries) == var.max_retries
    error_message = "max_retries is a whole number from 0 to 98: Pub/Sub delivers at most 100 times."
  }
}

variable "retention_days" {
  description = "How long a week of events is kept in the database after its end; BigQuery keeps them all."
  type        = number
  default     = 90
  nullable    = false

  validation {
    condition     = var.retention_days >= 7 && var.retention_days <= 366 && floor(var.retention_days) == var.retention_days
    error_message = "retention_days is a whole number from 7 to 366: each week that is kept takes locks of the database's."
  }
}

variable "timing" {
  description = "How long things may take, in seconds."
  type = object({
    handler_limit = optional(number, 60)
    lease         = optional(number, 75)
    ack_deadline  = optional(number, 90)
    retry_min     = optional(number, 10)
    retry_max     = optional(number, 600)
    first_due     = optional(number, 120)
    due_step      = optional(number, 720)
    flush_limit   = optional(number, 240)
    flush_lease   = optional(number, 60)
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for seconds in values(var.timing) : floor(seconds) == seconds])
    error_message = "timing is in whole seconds."
  }
  validation {
    condition     = var.timing.handler_limit < var.timing.lease
    error_message = "timing.handler_limit must be below timing.lease, or a handler outlives its claim."
  }
  validation {
    condition     = var.timing.lease < var.timing.ack_deadline
    error_message = "timing.lease must be below timing.ack_deadline, or Pub/Sub pushes again while the claim lives."
  }
  validation {
    condition     = var.timing.ack_deadline >= 10 && var.timing.ack_deadline <= 600
    error_message = "timing.ack_deadline is from 10 to 600 seconds in Pub/Sub."
  }
  validation {
    condition     = var.timing.retry_min >= 0 && var.timing.retry_min <= var.timing.retry_max && var.timing.retry_max <= 600
    error_message = "timing.retry_min and timing.retry_max are from 0 to 600 seconds in Pub/Sub, the first at most the second."
  }
  validation {
    condition     = var.timing.first_due > var.timing.lease
    error_message = "timing.first_due must be above timing.lease, or every claim moves an index entry."
  }
  validation {
    condition     = var.timing.due_step > var.timing.retry_max + var.timing.ack_deadline
    error_message = "timing.due_step must be above timing.retry_max and timing.ack_deadline together, or the relay publishes what Pub/Sub is about to push."
  }
  validation {
    condition     = var.timing.flush_limit >= 30 && var.timing.flush_limit <= 1700
    error_message = "timing.flush_limit is from 30 to 1700 seconds: Cloud Scheduler waits at most 30 minutes for an answer."
  }
  validation {
    condition     = var.timing.flush_lease < var.timing.flush_limit
    error_message = "timing.flush_lease must be below timing.flush_limit: it is renewed while the flush runs."
  }
}
