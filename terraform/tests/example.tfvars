# A whole deployment, which check.sh plans.
project_id     = "eventflow-test"
project_number = "123456789012"
region         = "europe-west1"

admin_members  = ["user:operator@example.com"]
admin_viewers  = ["user:viewer@example.com"]
ingest_access  = "iam"
ingest_callers = ["serviceAccount:shop@shop-test.iam.gserviceaccount.com"]
alert_email    = "operator@example.com"

services = {
  process-push = { billing = "instance" }
}
log_exclusions = {
  cloud_run_requests = true
  own_requests       = 0.9
}

github = {
  repository_id = "1001"
  owner_id      = "2002"
  plans         = { state_bucket = "eventflow-test-terraform" }
}
budget = {
  billing_account = "000000-111111-222222"
  amount          = 100
}
