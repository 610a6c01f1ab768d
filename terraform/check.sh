#!/usr/bin/env bash
# Checks this folder without an account: nothing here is sent to Google.
#
# The provider comes from the registry, or, where that cannot be reached, from Terraform's implied
# local mirror. Where it is not to be had, what needs it is left out, and the last line says so;
# REQUIRE_PROVIDER=1 makes that a failure.
set -euo pipefail
cd "$(dirname "$0")"

left_out=()

leave_out() {
  left_out+=("$1 ($2)")
  if [ -n "${REQUIRE_PROVIDER:-}" ] && [ "${3:-}" = provider ]; then
    echo "terraform-check: $1 did not run: $2" >&2
    exit 1
  fi
}

finish() {
  if [ ${#left_out[@]} -gt 0 ]; then
    printf 'terraform-check: did NOT run: '
    printf '%s; ' "${left_out[@]}"
    echo
  fi
}

# A copy, so that neither a backend nor a lock file of this machine's provider stays in the tree.
copy() {
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  mkdir -p "$work/shared/gcp/src/bigquery"
  cp ../shared/gcp/src/bigquery/schema.json "$work/shared/gcp/src/bigquery/"
  cp -R . "$work/terraform"
  cd "$work/terraform"
  rm -rf .terraform .terraform.lock.hcl terraform.tfvars ./*.auto.tfvars
  printf 'terraform {\n  backend "local" {}\n}\n' >check_override.tf
}

provider_is_there() {
  if terraform init -input=false -no-color >init.log 2>&1; then
    return 0
  fi
  if grep -q 'Failed to query available provider packages' init.log; then
    return 1
  fi
  cat init.log >&2
  exit 1
}

with_provider() {
  terraform validate
  terraform test
  GOOGLE_OAUTH_ACCESS_TOKEN=none terraform plan -input=false -var-file=tests/example.tfvars -out=plan.bin >plan.log || {
    cat plan.log >&2
    exit 1
  }
  grep '^Plan:' plan.log
  if ! command -v python3 >/dev/null; then
    leave_out 'the assertions about the whole plan' 'no python3'
    return
  fi
  terraform show -json plan.bin >plan.json
  PLAN=plan.json PYTHONDONTWRITEBYTECODE=1 python3 -m unittest discover --start-directory tests --pattern '*_test.py'
  python3 tests/iam_graph.py plan.json | diff "$tree/../docs/iam.md" - || {
    echo 'docs/iam.md is not what the plan says: terraform/check.sh --iam' >&2
    exit 1
  }
}

tree=$PWD
if ! command -v terraform >/dev/null; then
  leave_out 'all of it' 'no terraform' provider
  finish
  exit 0
fi
terraform fmt -check -recursive -diff

for linter in tflint checkov; do
  if ! command -v "$linter" >/dev/null; then
    leave_out "$linter" 'not installed'
  elif [ "$linter" = tflint ]; then
    tflint --recursive
  else
    checkov --directory . --config-file checkov.yaml
  fi
done

copy
if provider_is_there; then
  with_provider
else
  leave_out 'validate, test and plan' 'the google provider is neither in a registry that can be reached nor in a local mirror' provider
fi
finish
