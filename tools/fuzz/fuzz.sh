#!/usr/bin/env bash
# `fuzz.sh search` looks for inputs that break a property, for MINUTES for each of TARGETS. It starts with the
# committed inputs and those that an earlier search found here. `fuzz.sh keep` reduces all of these to the fewest that
# reach the same code, as the new committed inputs.
set -euo pipefail
cd "$(dirname "$0")/../.."

saved=tools/fuzz/corpus
found=target/fuzz/corpus
# With the LTO of the release profile, every property would be linked from the beginning.
export CARGO_PROFILE_RELEASE_LTO=off

if ! cargo +nightly fuzz --version >/dev/null 2>&1; then
  echo 'the fuzzer is missing: rustup toolchain install nightly --profile minimal && cargo install cargo-fuzz --locked' >&2
  exit 1
fi

# There is no unsafe code here to watch, and without a sanitizer the fuzzer is twice as fast.
fuzzer() {
  local command=$1
  shift
  cargo +nightly fuzz "$command" --fuzz-dir tools/fuzz --target-dir target/fuzz --features libfuzzer --sanitizer none "$@"
}

# An input that takes ten seconds counts as a finding too.
search() {
  fuzzer run "$1" "$found/$1" "$saved/$1" -- "-max_total_time=$((${MINUTES:-1} * 60))" -timeout=10 -print_final_stats=1
}

keep() {
  local least
  least=$(mktemp -d "$found/least.XXXXXX")
  fuzzer run "$1" "$least" "$saved/$1" "$found/$1" -- -set_cover_merge=1 -use_counters=0
  rm -r "${saved:?}/$1"
  mv "$least" "$saved/$1"
}

action=${1:?search or keep}
for target in ${TARGETS:-$(ls "$saved")}; do
  mkdir -p "$found/$target"
  "$action" "$target"
done
