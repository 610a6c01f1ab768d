#!/usr/bin/env bash
# Follows the first steps of README.md as a new user would: a fresh clone in a folder with a space, `make run`, each
# `bash` block of the section "Run it", `make demo`, Ctrl-C. The ports of `make run` have to be free.
set -euo pipefail
# Each job gets a process group of its own, because Ctrl-C goes to a group.
set -m

here=$(cd "$(dirname "$0")/../.." && pwd)
folder="$(mktemp -d)/event flow"
log=$folder.log
host=

end() {
  if [ -n "$host" ] && kill -0 "$host" 2>/dev/null; then
    kill -INT -- "-$host"
    wait "$host" || true
  fi
  rm -rf "$(dirname "$folder")"
}
trap end EXIT

fail() {
  echo "fresh-clone: $1" >&2
  if [ -f "$log" ]; then
    tail -n 40 "$log" >&2
  fi
  exit 1
}

git clone --quiet "$here" "$folder"
cd "$folder"
unset CARGO_TARGET_DIR DATABASE_URL

started=$SECONDS
make run >"$log" 2>&1 &
host=$!
until grep -q '^ready in' "$log"; do
  kill -0 "$host" 2>/dev/null || fail 'make run ended before it was ready'
  [ $((SECONDS - started)) -lt 2400 ] || fail 'make run was not ready within 40 minutes'
  sleep 1
done
echo "fresh-clone: ready $((SECONDS - started)) s after make run, with $(grep -c ' Compiling ' "$log") crates compiled"

section=$(awk '/^## /{on = ($0 == "## Run it")} on && /^```/{code = ($0 == "```bash"); next} on && code' README.md)
[ -n "$section" ] || fail 'README.md has no command under "Run it"'
answers=$(bash -euo pipefail -c "$section" 2>&1) || fail "a command of README.md failed: $answers"
case $answers in
  *'"success":true'*user.signup*) ;;
  *) fail "the commands of README.md answered: $answers" ;;
esac

make demo || fail 'make demo failed'

kill -INT -- "-$host"
wait "$host" && status=0 || status=$?
host=
# A shell reports 130 for a program that Ctrl-C ended, which is how make ends.
[ "$status" = 0 ] || [ "$status" = 130 ] || fail "make run ended with status $status"
if pgrep -f "$folder/target/debug" >/dev/null; then
  fail "a process is left: $(pgrep -fl "$folder/target/debug")"
fi
make reset
echo 'fresh-clone: every step works'
