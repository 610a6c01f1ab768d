#!/usr/bin/env bash
# Checks this folder without an account: nothing is sent to Google. `check.sh --iam` writes
# docs/iam.md anew.
#
# The provider comes from the registry, or, where that cannot be reached, from Terraform's implied
# local mirror. Where it is not to be had, what needs it is left out, and the last line says so;
# REQUIRE_PROVIDER=1 makes that a failure. PROVIDER='~> 8.0' tries other versions of it than the tree asks for.
set -euo pipefail
cd "$(dirname "$0")"
tree=$PWD
write_iam=${1:-}
left_out=()

leave_out() {
  left_out+=("$1 ($2)")
}

finish() {
  if [ ${#left_out[@]} -gt 0 ]; then
    printf 'terraform-check did NOT run: '
    printf '%s; ' "${left_out[@]}"
    printf '\n'
  fi
}

without_provider() {
  leave_out 'validate, test, plan and apply' "$1"
  finish
  if [ -n "${REQUIRE_PROVIDER:-}" ]; then
    echo 'terraform-check: REQUIRE_PROVIDER is set' >&2
    exit 1
  fi
  exit 0
}

run_linters() {
  if command -v tflint >/dev/null; then
    tflint --recursive
  else
    leave_out tflint 'not installed'
  fi
  if command -v checkov >/dev/null; then
    checkov --directory . --config-file checkov.yaml
  else
    leave_out checkov 'not installed: pip install checkov'
  fi
}

# In a copy, so that neither a backend nor a lock file with this machine's hashes gets into the tree.
copy_tree() {
  work=$(mktemp -d)
  cloud=
  trap '[ -z "$cloud" ] || kill "$cloud"; rm -rf "$work"' EXIT
  mkdir -p "$work/shared/gcp/src/bigquery"
  cp ../shared/gcp/src/bigquery/schema.json "$work/shared/gcp/src/bigquery/"
  mkdir "$work/docs"
  cp ../docs/cost_defaults.py ../docs/deploy.md ../docs/restore.md "$work/docs/"
  mkdir -p "$work/functions/process-push" "$work/functions/bq-flush"
  cp -R ../functions/process-push/src "$work/functions/process-push/"
  cp -R ../functions/bq-flush/src "$work/functions/bq-flush/"
  mkdir -p "$work/.github/scripts"
  cp ../.github/scripts/rollout "$work/.github/scripts/"
  cp -R . "$work/terraform"
  cd "$work/terraform"
  find . \( -name .terraform -o -name .terraform.lock.hcl -o -name terraform.tfvars -o -name '*.auto.tfvars' \) -prune -exec rm -rf {} +
  for folder in . examples/*; do
    printf 'terraform {\n  backend "local" {}\n}\n' >"$folder/backend_override.tf"
  done
  if [ -n "${PROVIDER:-}" ]; then
    sed -i.before "s/\"~> 7\.45\"/\"$PROVIDER\"/" versions.tf examples/*/main.tf
  fi
}

# Only a registry out of reach is an excuse; whatever else is wrong with an init is a failure, such
# as a version that no release has. Terraform breaks its lines.
init() {
  terraform -chdir="$1" init -input=false -no-color >init.log 2>&1 && return
  if ! tr '\n' ' ' <init.log | grep -q 'could not connect to'; then
    cat init.log >&2
    exit 1
  fi
  cat init.log
  without_provider 'the registry of providers is out of reach, and no local mirror has it'
}

# plan FILE: as tests/FILE.tfvars has it, into FILE.json.
plan() {
  GOOGLE_OAUTH_ACCESS_TOKEN=none terraform plan -input=false -no-color -var-file="tests/$1.tfvars" -out=plan.bin >plan.log || {
    cat plan.log >&2
    exit 1
  }
  grep '^Plan:' plan.log
  terraform show -json plan.bin >"$1.json"
}

check_plan() {
  plan example
  plan options
  PLANS=$PWD python3 -B -m unittest discover --start-directory tests --pattern '*_test.py'
  python3 -B tests/iam_graph.py example.json >iam.md
  if [ "$write_iam" = --iam ]; then
    cp iam.md "$tree/../docs/iam.md"
  elif ! diff "$tree/../docs/iam.md" iam.md; then
    echo 'docs/iam.md is not what the plan says: terraform/check.sh --iam' >&2
    exit 1
  fi
}

start_stand_in() {
  python3 -B -u tests/cloud.py >port 2>cloud.log &
  cloud=$!
  until [ -s port ]; do
    kill -0 "$cloud"
    sleep 0.1
  done
  for folder in . examples/*; do
    sed "s/PORT/$(cat port)/" tests/cloud_override.tf.template >"$folder/provider_override.tf"
  done
}

# against_stand_in FOLDER COMMAND OPTION…
against_stand_in() {
  terraform -chdir="$1" "${@:2}" -input=false -no-color -parallelism=30 >apply.log 2>&1 || {
    cat apply.log cloud.log >&2
    echo "terraform-check: terraform $2 of $1 failed against the stand-in" >&2
    exit 1
  }
  grep -E '^(Apply|Destroy) complete|^No changes' apply.log
}

# A whole deployment: a deploy by the workflow in between, a move into a network, another beginning, and a restore.
check_life() {
  local given=(-var-file=tests/example.tfvars -var=deletion_protection=false)
  against_stand_in . apply -auto-approve "${given[@]}"
  against_stand_in . plan -detailed-exitcode "${given[@]}"
  kill -USR1 "$cloud"
  against_stand_in . plan -detailed-exitcode "${given[@]}"
  against_stand_in . apply -auto-approve "${given[@]}" -var='network={}'
  against_stand_in . plan -detailed-exitcode "${given[@]}" -var='network={}'
  against_stand_in . destroy -auto-approve "${given[@]}" -var='network={}'
  against_stand_in . apply -auto-approve "${given[@]}"
  tests/restore.sh "$(cat port)" "${given[@]}" -parallelism=30
  if grep -q 'postgres://' terraform.tfstate; then
    echo 'terraform-check: the password is in the state' >&2
    exit 1
  fi
  against_stand_in . destroy -auto-approve "${given[@]}"
}

check_options() {
  local given=(-var-file=tests/options.tfvars -var=deletion_protection=false)
  echo 'all options:'
  against_stand_in . apply -auto-approve "${given[@]}"
  against_stand_in . plan -detailed-exitcode "${given[@]}"
  tests/restore.sh "$(cat port)" "${given[@]}" -parallelism=30
  against_stand_in . destroy -auto-approve "${given[@]}"
}

# The stand-in has one name once in a project, so two environments in one project must differ in all.
check_examples() {
  for folder in examples/*; do
    echo "$folder:"
    init "$folder"
    terraform -chdir="$folder" validate -no-color
    against_stand_in "$folder" apply -auto-approve
    against_stand_in "$folder" plan -detailed-exitcode
  done
}

if ! command -v terraform >/dev/null; then
  without_provider 'terraform is not installed'
fi
terraform fmt -check -recursive -diff
run_linters
copy_tree
export TF_PLUGIN_CACHE_DIR="$tree/../target/terraform-plugins" TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE=1
mkdir -p "$TF_PLUGIN_CACHE_DIR"
init .
terraform validate -no-color
init modules/eventflow
terraform -chdir=modules/eventflow test -no-color
if command -v python3 >/dev/null; then
  check_plan
  start_stand_in
  check_life
  check_options
  check_examples
else
  leave_out 'the assertions about the whole plan, and the apply' 'no python3'
fi
finish
