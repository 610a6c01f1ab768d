#!/usr/bin/env bash
# Goes to a clone of the database and back by the commands of docs/restore.md, where everything is applied to the stand-in. Takes the
# port that the stand-in listens on, and the options of an apply.
set -euo pipefail

port=$1
shift
page=../docs/restore.md
export PROJECT_ID=eventflow-test
export TF_CLI_ARGS="-no-color" TF_CLI_ARGS_apply="-input=false -auto-approve $*" TF_CLI_ARGS_import="-input=false $*"

is() {
  if [[ $2 != "$3" ]]; then
    printf 'restore: %s is %s, and not %s\n' "$1" "$2" "$3" >&2
    exit 1
  fi
}

google() {
  curl --fail --silent --show-error "http://127.0.0.1:$port/$1" "${@:2}"
}

# The commands for Terraform below a step's bold heading, up to the next.
commands() {
  awk -v step="**$1." 'index($0, "**") == 1 { here = index($0, step) == 1 } here && /^terraform / { print }' "$page"
}

run() {
  local text
  text=$(commands "$1")
  [[ -n $text ]]
  bash -euo pipefail -c "$text" >restore.log 2>&1 || {
    cat restore.log >&2
    exit 1
  }
}

go_to() {
  export NEW=$1
  echo 'paused = true' >>restore.auto.tfvars
  run 1
  is 'a schedule' "$(google cloudscheduler/v1/projects/$PROJECT_ID/locations/europe-west1/jobs/eventflow-relay | jq -r .state)" PAUSED
  is 'a service' "$(google run/v2/projects/$PROJECT_ID/locations/europe-west1/services/eventflow-ingest |
    jq -r '.template.containers[0].env[] | select(.name == "PAUSED").value')" true
  printf 'paused = true\ndatabase = { instance = "%s" }\ndatabase_password_version = %s\n' "$NEW" "$2" >restore.auto.tfvars
  run 5
  is 'what is made and destroyed' "$(grep '^Apply' restore.log | sed 's/[0-9]* changed, //')" 'Apply complete! Resources: 1 added, 1 destroyed.'
  is 'what is made' "$(grep -o '^[^ ]*: Creation complete' restore.log)" \
    'module.eventflow.google_secret_manager_secret_version.database_url[0]: Creation complete'
  is 'the instance that Terraform keeps' "$(terraform state pull |
    jq -r '.resources[] | select(.type == "google_sql_database_instance").instances[].attributes.name')" "$NEW"
  # In a network of ours a service has no socket of the instance's.
  is 'the database of a service' "$(google run/v2/projects/$PROJECT_ID/locations/europe-west1/services/eventflow-admin |
    jq -r --arg own "$PROJECT_ID:europe-west1:$NEW" '.template.volumes[0].cloudSqlInstance.instances[0] // $own')" "$PROJECT_ID:europe-west1:$NEW"
  sed -i '/paused/d' restore.auto.tfvars
  run 6
}

# The secret after step 3.
url() {
  local filter
  filter=$(grep -o "sed 's|@.*'" "$page")
  google "secretmanager/v1/projects/$PROJECT_ID/secrets/eventflow-database-url/versions/1:access" | jq -r .payload.data | base64 -d |
    bash -c "$filter"
}

is 'the URL beside the proxy' "$(url | sed -E 's/:[0-9a-f-]{36}@/:…@/')" 'postgres://eventflow:…@127.0.0.1:5433/eventflow?sslmode=disable'
google "sql/v1beta4/projects/$PROJECT_ID/instances/eventflow-a/clone" --data '{"cloneContext":{"destinationInstanceName":"eventflow-b"}}' >/dev/null
go_to eventflow-b 2
go_to eventflow-a 3
is 'what is there' "$(google "sql/v1beta4/projects/$PROJECT_ID/instances" | jq -r '[.items[].name] | sort | join(" ")')" 'eventflow-a eventflow-b'
rm restore.auto.tfvars
echo 'restore: there and back, and no instance was made or destroyed by Terraform'
