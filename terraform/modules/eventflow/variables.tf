variable "project_id" {
  description = "The project that everything is made in."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project_id))
    error_message = "project_id is the project's ID, such as my-project-123, not its name or number."
  }
}

variable "project_number" {
  description = "The project's number: `gcloud projects describe PROJECT_ID --format='value(projectNumber)'`."
  type        = string

  validation {
    condition     = can(regex("^[1-9][0-9]{5,15}$", var.project_number))
    error_message = "project_number is the number that Google gave the project, digits alone."
  }
}

variable "region" {
  description = "Where everything runs; a region that has Cloud Scheduler too."
  type        = string

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "region is a region such as europe-west1, not a zone or a multi-region."
  }
}

variable "image_tag" {
  description = "The tag of the images that new services start with. Later deploys are the workflow's, and Terraform leaves them alone."
  type        = string
  default     = "latest"
  nullable    = false
}

variable "image_source" {
  description = "Released images that new services start with, such as ghcr.io/OWNER/REPOSITORY, in place of images that you build and push; `image_tag` is the release, such as v1.2.3. They come through a repository that fetches them from there, since Cloud Run takes images from Google's registry alone."
  type        = string
  default     = null

  validation {
    condition     = var.image_source == null || can(regex("^[a-z0-9.-]+\\.[a-z]+(/[a-z0-9._-]+)+$", var.image_source))
    error_message = "image_source is a registry and a path in lower case, such as ghcr.io/owner/repository, without a scheme and a tag."
  }
  validation {
    condition     = var.image_source == null || var.image_tag != "latest"
    error_message = "With image_source, image_tag names the release: releases have no tag `latest`."
  }
}

variable "binary_authorization" {
  description = "Whether Cloud Run asks the project's policy of Binary Authorization before it runs an image (docs/images.md)."
  type        = bool
  default     = false
  nullable    = false
}

variable "ingest_access" {
  description = "Who may send events: `public` (whoever has an API key) or `iam` (callers with a Google identity that Cloud Run lets in)."
  type        = string
  default     = "public"
  nullable    = false

  validation {
    condition     = contains(["iam", "public"], var.ingest_access)
    error_message = "ingest_access is \"public\" or \"iam\"."
  }
}

variable "ingest_callers" {
  description = "With ingest_access = \"iam\": who may send events, as IAM members such as serviceAccount:shop@my-project.iam.gserviceaccount.com."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for member in var.ingest_callers : can(regex("^(user|serviceAccount|group|domain|principal|principalSet):.+$", member))])
    error_message = "ingest_callers are IAM members, such as serviceAccount:NAME@PROJECT.iam.gserviceaccount.com; allUsers and allAuthenticatedUsers are everybody, and refused."
  }
  validation {
    condition     = var.ingest_access == "iam" || length(var.ingest_callers) == 0
    error_message = "ingest_callers are Google identities, and come in with ingest_access = \"iam\" alone: otherwise ingest takes API keys."
  }
}

variable "admin_access" {
  description = "How operators reach admin: `iam` (a Google identity token) or `iap` (a browser, through Identity-Aware Proxy; needs an organisation)."
  type        = string
  default     = "iam"
  nullable    = false

  validation {
    condition     = contains(["iam", "iap"], var.admin_access)
    error_message = "admin_access is \"iam\" or \"iap\"."
  }
  validation {
    condition     = var.admin_access == "iam" || var.github == null
    error_message = "Each deploy of the workflow tries admin with a token of an account, which Identity-Aware Proxy does not take, and would roll back: with github set, admin_access is \"iam\", and people come through `gcloud run services proxy`."
  }
}

variable "admin_members" {
  description = "The owners of admin, who may do all, as IAM members: user:…, serviceAccount:…, and with admin_access = \"iap\" also group:…."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for member in var.admin_members : can(regex("^(user|serviceAccount|group):[^@,]+@[^@,]+$", member))])
    error_message = "admin_members are user:, serviceAccount: or group: members with an e-mail address."
  }
  validation {
    condition     = var.admin_access == "iap" || alltrue([for member in var.admin_members : !startswith(member, "group:")])
    error_message = "With admin_access = \"iam\" admin compares e-mail addresses, and no token has a group's: name its members."
  }
}

variable "admin_operators" {
  description = "Who may look, replay events and retry rejects in admin, as IAM members: serviceAccount:…, and with admin_access = \"iap\" also user:…, since a person's own token has gcloud's audience."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for member in var.admin_operators : can(regex("^(user|serviceAccount):[^@,]+@[^@,]+$", member))])
    error_message = "admin_operators are user: or serviceAccount: members: admin compares e-mail addresses, and no token has a group's."
  }
}

variable "admin_viewers" {
  description = "Who may look in admin and change nothing, as IAM members: as admin_operators."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for member in var.admin_viewers : can(regex("^(user|serviceAccount):[^@,]+@[^@,]+$", member))])
    error_message = "admin_viewers are user: or serviceAccount: members: admin compares e-mail addresses, and no token has a group's."
  }
  validation {
    condition     = length(setunion(var.admin_operators, var.admin_viewers)) == 0 || alltrue([for member in var.admin_members : !startswith(member, "group:")])
    error_message = "With operators or viewers named, admin must know its owners by their e-mail addresses, and no token has a group's: name its members in admin_members."
  }
}

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
  description = "How long things may take, in seconds;."
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

variable "deletion_protection" {
  description = "Whether what holds data (the database, the table in BigQuery) refuses to be destroyed. Set it to false and apply before `terraform destroy`."
  type        = bool
  default     = true
  nullable    = false
}

variable "name_prefix" {
  description = "Begins the names of all that is made, so that several deployments can be in one project. It cannot be changed later without making everything anew."
  type        = string
  default     = "eventflow"
  nullable    = false

  validation {
    # The longest account's name, PREFIX-process-push, has 30 characters at most.
    condition     = can(regex("^[a-z][a-z0-9-]{0,14}[a-z0-9]$", var.name_prefix))
    error_message = "name_prefix is 2 to 16 lower-case letters, digits and hyphens; it begins with a letter and does not end with a hyphen."
  }
}

variable "name_suffix" {
  description = "Ends the names that Google keeps reserved after a delete (a Cloud SQL instance for a week, an identity pool for 30 days): take another one to apply again after a destroy."
  type        = string
  default     = "a"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9]{1,8}$", var.name_suffix))
    error_message = "name_suffix is 1 to 8 lower-case letters or digits."
  }
}

variable "alert_email" {
  description = "Who gets the alerts. Without it they are shown in Cloud Monitoring alone."
  type        = string
  default     = null
}

variable "budget" {
  description = "A monthly budget for the project, in the billing account's currency, with mails to its administrators at 50, 90 and 100 %."
  type = object({
    billing_account = string
    amount          = number
  })
  default = null
}

variable "github" {
  description = "The repository that may deploy, by its numeric IDs (`gh api repos/OWNER/NAME --jq '.id, .owner.id'`): a name can be given up and taken by somebody else. `environment` is the GitHub environment whose jobs may, so that what its reviewers have not approved cannot. With `plans`, the bucket that has Terraform's state, the workflow `plan` may read what is there."
  type = object({
    repository_id = string
    owner_id      = string
    environment   = optional(string, "production")
    plans = optional(object({
      state_bucket = string
    }))
  })
  default = null

  validation {
    condition     = var.github == null || can(regex("^[0-9]+ [0-9]+$", "${var.github.repository_id} ${var.github.owner_id}"))
    error_message = "github.repository_id and github.owner_id are numbers."
  }
  validation {
    condition     = var.github == null || can(regex("^[A-Za-z0-9_.-]{1,100}$", var.github.environment))
    error_message = "github.environment is the name of an environment of the repository, of letters, digits, `_`, `.` and `-`."
  }
}
