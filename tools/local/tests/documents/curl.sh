# Replaces curl: sends each request to the ports of this stack, and records each answer with its status.
curl() {
  local arguments=("$@") answer ended=0 port seen
  for port in $PORTS; do
    arguments=("${arguments[@]//localhost:${port%=*}/localhost:${port#*=}}")
  done
  answer=$(mktemp "$CALLS/answer.XXXXXX")
  seen=$(command curl "${arguments[@]}" --silent --show-error --output "$answer" \
    --write-out '%{http_code}\t%{url_effective}') || ended=$?
  printf '%s\t%s\t%s\n' "$FENCE" "$answer" "$seen" >>"$CALLS/log"
  cat "$answer"
  return "$ended"
}
