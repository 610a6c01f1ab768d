#!/usr/bin/env bash
# Searches for inputs that break a property, MINUTES for each of TARGETS, from those that are committed and those of the runs
# before on this machine. `fuzz.sh keep` makes of all of these as few as reach the same code, and those are to be committed.
set -euo pipefail
cd "$(dirname "$0")/../.."

corpus=tools/fuzz/corpus
found=target/fuzz/corpus
artifacts=tools/fuzz/artifacts
# A thin LTO of everything for each target would take longer than the search.
export CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16

if ! cargo +nightly fuzz --version >/dev/null 2>&1; then
  echo 'the fuzzer is missing: rustup toolchain install nightly --profile minimal && cargo install cargo-fuzz --locked' >&2
  exit 1
fi

# There is no unsafe code here to watch, and without a sanitizer it is twice as fast.
fuzzer() {
  local command=$1
  shift
  cargo +nightly fuzz "$command" --fuzz-dir tools/fuzz --target-dir target/fuzz --features libfuzzer --sanitizer none "$@"
}

search() {
  mkdir -p "$found/$1"
  fuzzer run "$1" "$found/$1" "$corpus/$1" -- \
    -max_total_time=$((${MINUTES:-1} * 60)) -max_len=4096 -timeout=10 -print_final_stats=1
}

keep() {
  local least
  least=$(mktemp -d)
  mkdir -p "$found/$1"
  fuzzer run "$1" -- -set_cover_merge=1 -use_counters=0 "$least" "$corpus/$1" "$found/$1"
  rm -rf "${corpus:?}/$1"
  mv "$least" "$corpus/$1"
}

action=${1:-search}
fuzzer build
for target in ${TARGETS:-$(ls "$corpus")}; do
  "$action" "$target"
done
echo "what broke a property, if anything did, is in $artifacts"
