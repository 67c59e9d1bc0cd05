#!/usr/bin/env bash
# The brief of a real file; then the same run, killed half-way with SIGKILL and finished by resume.
# What was called is counted in a log that the program appends outside its store.
#
# The first argument is the file, README.md without one.
set -euo pipefail
cd "$(dirname "$0")/.."

document=${1:-README.md}
wforge=target/debug/wforge
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export WFORGE_DATA_DIR=$folder/data

brief=(run examples/brief/workflow.yaml --input "document=@$document" --answer approve=yes)

# In a list with the words called, returned and committed, the lines of one word.
count() { grep -cw "$1" "$2" || true; }

echo "== 1. the brief of $document"
"$wforge" "${brief[@]}" --call-log "$folder/whole"
half=$(($(count committed "$folder/whole") / 2))

echo
echo "== 2. the same, killed with SIGKILL after $half of $(count committed "$folder/whole") tasks"
touch "$folder/calls"
"$wforge" "${brief[@]}" --call-log "$folder/calls" >/dev/null 2>"$folder/said" &
pid=$!
while [ "$(count committed "$folder/calls")" -lt "$half" ] && kill -0 "$pid" 2>/dev/null; do :; done
if ! kill -KILL "$pid" 2>/dev/null; then
  echo "it had ended before it could be killed" >&2
  exit 1
fi
wait "$pid" 2>/dev/null || true
run=$(grep -oE 'run_[0-9a-f]{32}' "$folder/said" | head -n 1)
echo "killed $run with $(count committed "$folder/calls") tasks committed"

echo
echo "== 3. wforge runs resume $run"
WFORGE_CALL_LOG=$folder/calls "$wforge" runs resume "$run" >"$folder/report"
head -n 5 "$folder/report"
echo "..."

# A task is repeated where it is called after it was committed.
repeated=$(awk '{
  task = ""; word = ""
  for (i = 1; i <= NF; i++) {
    if ($i ~ /^task_/) task = $i
    if ($i == "called" || $i == "committed") word = $i
  }
  if (word == "committed") done[task] = 1
  if (word == "called" && task in done) repeated++
} END { print repeated + 0 }' "$folder/calls")
echo
echo "$(count called "$folder/calls") calls of plugins for $(count committed "$folder/whole") tasks:" \
  "$repeated finished tasks repeated"
[ "$repeated" = 0 ]
