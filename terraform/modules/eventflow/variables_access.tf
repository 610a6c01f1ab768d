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
