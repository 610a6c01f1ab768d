variable "database" {
  description = "The Cloud SQL instance. `instance` is its name where that is not the default one: a recovery to a point in time makes a new instance (docs/restore.md)."
  type = object({
    tier                   = optional(string, "db-custom-1-3840")
    highly_available       = optional(bool, false)
    point_in_time_recovery = optional(bool, false)
    backups_kept           = optional(number, 7)
    instance               = optional(string)
  })
  default  = {}
  nullable = false

  validation {
    condition     = can(regex("^db-(f1-micro|g1-small|custom-[0-9]+-[0-9]+)$", var.database.tier))
    error_message = "database.tier is db-f1-micro, db-g1-small or db-custom-CPUS-MEGABYTES: others are not of the edition ENTERPRISE."
  }
  validation {
    condition     = var.database.instance == null || can(regex("^[a-z][a-z0-9-]{0,96}[a-z0-9]$", var.database.instance))
    error_message = "database.instance is an instance's name alone, without the project."
  }
}

variable "database_password_version" {
  description = "Count this up to have the database's password changed."
  type        = number
  default     = 1
  nullable    = false
}

variable "external_database_url_secret" {
  description = "A secret of this project that holds the DATABASE_URL of a PostgreSQL elsewhere; no Cloud SQL instance is made then."
  type        = string
  default     = null

  validation {
    condition     = var.external_database_url_secret == null || can(regex("^[A-Za-z0-9_-]{1,255}$", var.external_database_url_secret))
    error_message = "external_database_url_secret is the secret's ID, not its value and not its resource name."
  }
}

variable "bigquery_project_id" {
  description = "Another project for the table, such as a Sandbox (a project without billing); bq-flush makes the table there. Default: this project."
  type        = string
  default     = null
}

variable "bigquery_numbers" {
  description = "How numbers go into BigQuery: exact as they were posted, and rounded where BigQuery refuses them; round rounds all."
  type        = string
  default     = "exact"
  nullable    = false

  validation {
    condition     = contains(["exact", "round"], var.bigquery_numbers)
    error_message = "bigquery_numbers is exact or round."
  }
}

variable "bigquery_location" {
  description = "BigQuery's location, a region or a multi-region (EU, US) around it. Default: region."
  type        = string
  default     = null

  validation {
    condition = (
      var.bigquery_location == null ? true
      : upper(var.bigquery_location) == "EU" ? startswith(var.region, "europe-")
      : upper(var.bigquery_location) == "US" ? startswith(var.region, "us-")
      : var.bigquery_location == var.region
    )
    error_message = "bigquery_location must be the region or hold it: EU around a region europe-…, US around one us-…."
  }
}
