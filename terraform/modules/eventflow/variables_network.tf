variable "network" {
  description = "Has the database without a public address, for organisations that allow none, and the services in a network with it. {} makes a network; { network = \"projects/…\", subnetwork = \"projects/…\" } takes one that has private services access already, such as a shared one. It cannot be taken back without a new database."
  type = object({
    network    = optional(string)
    subnetwork = optional(string)
  })
  default = null

  validation {
    condition     = var.network == null || try((var.network.network == null) == (var.network.subnetwork == null), false)
    error_message = "network has both network and subnetwork, or neither, to have them made."
  }
  validation {
    condition = var.network == null || try(
      can(regex("^projects/[^/]+/global/networks/[^/]+$", coalesce(var.network.network, "projects/p/global/networks/n"))) &&
      can(regex("^projects/[^/]+/regions/${var.region}/subnetworks/[^/]+$", coalesce(var.network.subnetwork, "projects/p/regions/${var.region}/subnetworks/s"))),
      false,
    )
    error_message = "network.network is projects/PROJECT/global/networks/NAME, and network.subnetwork is projects/PROJECT/regions/REGION/subnetworks/NAME in the region."
  }
}

variable "load_balancer" {
  description = "Puts an external Application Load Balancer with Cloud Armor before ingest, for a domain of yours, and closes ingest's run.app URL. `requests_per_minute` is what one address may send. Both have a price by the hour."
  type = object({
    domain              = string
    requests_per_minute = optional(number, 6000)
  })
  default = null

  validation {
    condition     = var.load_balancer == null || can(regex("^([a-z0-9]([a-z0-9-]*[a-z0-9])?\\.)+[a-z]{2,}$", var.load_balancer.domain))
    error_message = "load_balancer.domain is a name such as events.example.com, in lower case and without a scheme."
  }
  validation {
    condition     = var.load_balancer == null || try(floor(var.load_balancer.requests_per_minute) == var.load_balancer.requests_per_minute && var.load_balancer.requests_per_minute >= 1, false)
    error_message = "load_balancer.requests_per_minute is a whole number of at least 1."
  }
}

variable "ingest_ingress" {
  description = "From where ingest may be called: `all`, or `load_balancer` where a load balancer of yours stands before it, so that nobody goes round it. With load_balancer it is `load_balancer` in any case."
  type        = string
  default     = "all"
  nullable    = false

  validation {
    condition     = contains(["all", "load_balancer"], var.ingest_ingress)
    error_message = "ingest_ingress is \"all\" or \"load_balancer\"."
  }
  validation {
    condition = alltrue([for name, service in var.services :
      try(service.env["FORWARDED_HOPS"], "1") == "1" || (name == "ingest" && (var.ingest_ingress == "load_balancer" || var.load_balancer != null))
    ])
    error_message = "More than one of FORWARDED_HOPS counts a load balancer, which a call of the run.app URL goes round: its sender would choose its own address. Set load_balancer, or ingest_ingress = \"load_balancer\", for ingest alone."
  }
}
