#!/usr/bin/env bash
# Plants mutants in wforge-graph, one at a time, and runs the crate's own tests: those that no test
# catches are printed. SEED=n takes the same ones again, COUNT=n more or fewer than 50. A mutant
# that does not compile judges nothing, and the next one takes its place. Fails where more than a
# tenth survive.
set -euo pipefail
cd "$(dirname "$0")/.."

# Releases from 27 on test every mutant of a struct's field, whichever are asked for.
version=26.2.0
home=.tools/cargo-mutants-$version
count=${COUNT:-50}
seed=${SEED:-$((RANDOM * 32768 + RANDOM))}
out=target/mutants

[ -x "$home/bin/cargo-mutants" ] || {
  echo "cargo-mutants $version: built from source, which takes minutes"
  cargo install cargo-mutants --quiet --locked --version "$version" --root "$home"
}
mkdir -p "$out"
echo "seed $seed: make prove-mutants SEED=$seed takes these again"

mutants() {
  # The tree is copied, and never touched itself. What is built of other crates is shared with it;
  # our own are built quickly rather than well, since each mutant builds them again.
  CARGO_TARGET_DIR=$PWD/target "$home/bin/cargo-mutants" mutants --package wforge-graph \
    --cargo-arg=--config=profile.dev.opt-level=0 --cargo-arg=--config=profile.dev.debug=false \
    --cargo-arg=--config=profile.dev.package.wforge-model.opt-level=0 \
    --cargo-arg=--config=profile.dev.package.wforge-graph.opt-level=0 "$@"
}

# The same order for the same seed and source, wherever it runs (the generator of Park and Miller).
shuffled() {
  mutants --list |
    awk -v state="$((seed % 2147483646 + 1))" '
      { for (i = 0; i < 3; i++) state = state * 16807 % 2147483647; print state "\t" $0 }' |
    sort -n | cut -f 2-
}

lines() {
  if [ -f "$1" ]; then wc -l <"$1"; else echo 0; fi
}

# Judges the mutants of a file, and adds what came of each to the lists of all of them.
judge() {
  local pattern status=0 named=()
  while IFS= read -r pattern; do
    named+=(--re "^$pattern\$")
  done < <(sed 's/[][(){}.*+?^$|\\]/\\&/g' "$1")
  shift
  mutants --output "$out" --jobs 1 --timeout 240 --build-timeout 600 --no-times --colors never \
    "$@" "${named[@]}" -- --tests >"$out/log" 2>&1 || status=$?
  case $status in
    0 | 2 | 3) ;;
    *)
      tail -n 40 "$out/log" >&2
      echo "cargo-mutants ended with $status" >&2
      exit 1
      ;;
  esac
  local kind
  for kind in caught missed timeout unviable; do
    cat "$out/mutants.out/$kind.txt" >>"$out/$kind"
  done
}

rm -f "$out"/{caught,missed,timeout,unviable}
shuffled >"$out/order"
taken=0
baseline=run
while
  judged=$(($(lines "$out/caught") + $(lines "$out/missed") + $(lines "$out/timeout")))
  [ "$judged" -lt "$count" ] && [ "$taken" -lt "$(lines "$out/order")" ]
do
  sed -n "$((taken + 1)),$((taken + count - judged))p" "$out/order" >"$out/batch"
  taken=$((taken + $(lines "$out/batch")))
  judge "$out/batch" --baseline "$baseline"
  baseline=skip
done

sed 's/^/survived: /' "$out/missed"
# A mutant that never ends is caught: the tests fail by it.
caught=$(($(lines "$out/caught") + $(lines "$out/timeout")))
echo "of $(lines "$out/order") mutants $taken were taken, $(lines "$out/unviable") did not compile," \
  "$(lines "$out/timeout") never ended"
echo "$caught passed, $(lines "$out/missed") failed"
[ "$(lines "$out/missed")" -le $((count / 10)) ]
