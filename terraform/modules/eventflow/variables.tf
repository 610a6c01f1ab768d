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

variable "deletion_protection" {
  description = "Whether what holds data (the database, the table in BigQuery) refuses to be destroyed. Set it to false and apply before `terraform destroy`."
  type        = bool
  default     = true
  nullable    = false
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
