variable "name" {
  description = "The service's name."
  type        = string
}

variable "project_id" {
  description = "The project."
  type        = string
}

variable "region" {
  description = "The region."
  type        = string
}

variable "url" {
  description = "The URL that Cloud Run will give it, which is the audience of its callers' tokens."
  type        = string
}

variable "image" {
  description = "The image it starts with."
  type        = string
}

variable "binary_authorization" {
  description = "Whether the project's policy of Binary Authorization is asked before an image runs."
  type        = bool
}

variable "service_account" {
  description = "The e-mail address of the account that it runs as."
  type        = string
}

variable "min_instances" {
  description = "Instances kept when nothing is to do."
  type        = number
}

variable "max_instances" {
  description = "Instances at most, over all revisions."
  type        = number
}

variable "concurrency" {
  description = "Requests at once in an instance."
  type        = number
}

variable "cpu" {
  description = "CPUs of an instance."
  type        = string
}

variable "memory" {
  description = "Memory of an instance."
  type        = string
}

variable "billing" {
  description = "What is billed: the time of its requests (`request`) or of its instances (`instance`)."
  type        = string
}

variable "timeout" {
  description = "How long a request may take, in seconds."
  type        = number
}

variable "ingress" {
  description = "Where calls may come from."
  type        = string
}

variable "invoker_check" {
  description = "Whether Cloud Run checks who calls."
  type        = bool
}

variable "invokers" {
  description = "Who may call it, as IAM members under names that are known at plan time."
  type        = map(string)

  validation {
    condition     = alltrue([for member in values(var.invokers) : !contains(["allUsers", "allAuthenticatedUsers"], member)])
    error_message = "No service is open to everybody."
  }
}

variable "iap" {
  description = "Whether Identity-Aware Proxy stands before it."
  type        = bool
}

variable "env" {
  description = "Its environment, beside the identity's."
  type        = map(string)
}

variable "extra_env" {
  description = "What its code reads beside that; it may not change what is set here."
  type        = map(string)
}

variable "database_url" {
  description = "The secret that holds its DATABASE_URL."
  type = object({
    secret  = string
    version = string
  })
}

variable "cloudsql_instances" {
  description = "Connection names of the instances whose sockets it gets."
  type        = list(string)
}

variable "vpc" {
  description = "The network that it has a foot in."
  type = object({
    network    = string
    subnetwork = string
  })
  default = null
}
