#!/usr/bin/env bash
# Fuzzes what reads what strangers write: the targets of hostile/fuzz, from the seeds of
# hostile/corpus. Tests replay the same seeds by the same properties, without a fuzzer.
#
#   scripts/fuzz.sh smoke           every target for SECONDS_EACH (60), with SEED where it is set
#   scripts/fuzz.sh run TARGET …    one target, with arguments of libFuzzer
#   scripts/fuzz.sh fmt [--check]   formats its own workspace
#   scripts/fuzz.sh lint            clippy over it; warnings are errors
#
# What is found lands in target/fuzz/found; a file of it becomes a seed of hostile/corpus, and so a
# test, once it is mended.
set -euo pipefail
cd "$(dirname "$0")/.."

version=0.13.2
home=.tools/cargo-fuzz-$version
out=target/fuzz
targets=(address expression json manifest record signature token url workflow)
seconds=${SECONDS_EACH:-60}
seed=${SEED:-$((RANDOM * 32768 + RANDOM + 1))}

build() {
  [ -x "$home/bin/cargo-fuzz" ] || {
    echo "cargo-fuzz $version: built from source, which takes a minute"
    cargo install cargo-fuzz --quiet --locked --version "$version" --root "$home"
  }
  # Coverage needs flags that the stable compiler has only for itself. No sanitizer of addresses:
  # what is fuzzed has no unsafe code of ours, and it would halve what is tried.
  RUSTC_BOOTSTRAP=1 "$home/bin/cargo-fuzz" build --fuzz-dir hostile/fuzz --target-dir "$out" \
    --sanitizer none "$@"
}

program() {
  echo "$out/$(rustc -vV | sed -n 's/^host: //p')/release/$1"
}

# Runs one target on a copy of its seeds, so that what it finds new does not land in the tree.
fuzz() {
  local target=$1
  shift
  rm -rf "$out/corpus/$target"
  mkdir -p "$out/corpus" "$out/found/$target"
  cp -r "hostile/corpus/$target" "$out/corpus/$target"
  "$(program "$target")" "$out/corpus/$target" -artifact_prefix="$out/found/$target/" \
    -max_len=16384 -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 "$@"
}

# The value of one of libFuzzer's last lines.
figure() {
  sed -n "s/^stat::$2: *//p" "$1"
}

smoke() {
  local target log passed=0 failed=0 result
  build
  echo "seed $seed: SEED=$seed repeats it; $seconds s each"
  printf '%-12s %6s %12s %8s %10s  %s\n' target seeds inputs "a second" "edges" result
  mkdir -p "$out/logs"
  for target in "${targets[@]}"; do
    log=$out/logs/$target
    if fuzz "$target" -seed="$seed" -max_total_time="$seconds" >"$log" 2>&1; then
      result=ok passed=$((passed + 1))
    else
      result="FAILED: $log" failed=$((failed + 1))
    fi
    printf '%-12s %6s %12s %8s %10s  %s\n' "$target" \
      "$(find "hostile/corpus/$target" -type f | wc -l)" \
      "$(figure "$log" number_of_executed_units)" "$(figure "$log" average_exec_per_sec)" \
      "$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)" "$result"
  done
  echo "$passed passed, $failed failed"
  [ "$failed" = 0 ]
}

case ${1:-} in
smoke) smoke ;;
run)
  build "$2"
  fuzz "${@:2}"
  ;;
fmt) exec cargo fmt --manifest-path hostile/fuzz/Cargo.toml --all "${@:2}" ;;
lint)
  exec cargo clippy --quiet --manifest-path hostile/fuzz/Cargo.toml --workspace --all-targets --locked \
    --target-dir "$out" -- -D warnings
  ;;
*) sed -n '5,8s/^# \{0,1\}//p' "$0" >&2 && exit 2 ;;
esac
