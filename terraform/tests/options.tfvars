# All that is off by default, which check.sh plans and applies too.
project_id     = "eventflow-test"
project_number = "123456789012"
region         = "europe-west1"
admin_members  = ["user:operator@example.com"]

network               = {}
load_balancer         = { domain = "events.example.com" }
uptime_check          = true
slo                   = { availability = 0.999 }
notification_channels = ["projects/eventflow-test/notificationChannels/1"]

image_source         = "ghcr.io/acme/eventflow"
image_tag            = "v1.2.3"
binary_authorization = true

github = {
  repository_id = "1001"
  owner_id      = "2002"
  plans         = { state_bucket = "eventflow-test-terraform" }
}
