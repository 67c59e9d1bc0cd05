#!/usr/bin/env bash
# Runs the Dockerfile's steps without an engine: each stage is a folder, COPY copies, RUN runs in
# the stage's working folder. Then starts the program of the last stage as its user and asks for
# its health. `KEEP=1` leaves the folder.
#
# What it cannot show: that the bases hold what the steps use. Steps see this machine's tools.
set -euo pipefail
cd "$(dirname "$0")/.."

clean=$(mktemp -d)
server=
leave() {
  [ -z "$server" ] || kill "$server" 2>/dev/null || true
  [ -n "${KEEP:-}" ] && echo "left: $clean" || rm -rf "$clean"
}
trap leave EXIT
chmod 755 "$clean"

# The context is what .dockerignore lets through, of what git tracks.
mapfile -t wanted < <(sed -n 's/^!//p' .dockerignore)
mkdir "$clean/context"
git ls-files -z -- "${wanted[@]}" | xargs -0 cp --parents -t "$clean/context"

stage= workdir=/ root= env=()
from() {
  stage=${*: -1} workdir=/ root=$clean/$stage env=()
  mkdir -p "$root"
  echo "-- stage $stage ($1)"
}

# copy [--from=STAGE] [--chown=..] SOURCE.. TARGET
copy() {
  local base=$clean/context owner=
  while [[ $1 == --* ]]; do
    case $1 in
    --from=*) base=$clean/${1#--from=} ;;
    --chown=*) owner=${1#--chown=} ;;
    esac
    shift
  done
  local target=${*: -1} source
  [[ $target == /* ]] || target=$workdir/$target
  for source in "${@:1:$#-1}"; do
    local to=$root$target
    if [ -d "$base/$source" ]; then mkdir -p "$to" && cp -a "$base/$source/." "$to/"; else
      [[ $target == */ || $target == */. ]] && mkdir -p "$to" || mkdir -p "$(dirname "$to")"
      cp -a "$base/$source" "$to"
    fi
    [ -z "$owner" ] || chown -R "$owner" "$to"
  done
}

run() {
  echo "-- RUN $*"
  # As in the image, HOME, PATH and the folder are all that a step sees.
  (cd "$root$workdir" && env -i HOME="$HOME" PATH="$PATH" "${env[@]}" bash -euc "$*")
}

user= entry=
while IFS= read -r line; do
  read -r word rest <<<"$line"
  case $word in
  FROM) read -ra parts <<<"$rest" && from "${parts[@]}" ;;
  WORKDIR) workdir=$rest && mkdir -p "$root$workdir" ;;
  COPY) read -ra parts <<<"$rest" && copy "${parts[@]}" ;;
  RUN) run "$rest" ;;
  ENV) read -ra parts <<<"$rest" && env+=("${parts[@]}") ;;
  USER) user=$rest ;;
  ENTRYPOINT) entry=$rest ;;
  LABEL | VOLUME | EXPOSE | HEALTHCHECK | STOPSIGNAL | CMD | '' | '#'*) ;;
  *) echo "docker-check does not know $word" >&2 && exit 1 ;;
  esac
done < <(sed -e ':join' -e '/\\$/{N;s/\\\n *//;b join' -e '}' Dockerfile)

echo "-- the image, as $user: $entry"
as_user=(env -i "PATH=$root/usr/local/bin" "${env[@]}"
  "WFORGE_DATA_DIR=$root/var/lib/wforge" WFORGE_SERVER__LISTEN=127.0.0.1:0 /usr/bin/setpriv
  "--reuid=${user%:*}" "--regid=${user#*:}" --clear-groups)
"${as_user[@]}" wforge --version

# What production asks for, as `wforge config check` lists it.
if "${as_user[@]}" wforge serve 2>"$clean/refused"; then
  echo "docker-check: production started with defaults" >&2 && exit 1
fi
grep -q WFORGE_PEPPER "$clean/refused"
secret() { od -An -N32 -tx1 /dev/urandom | tr -d ' \n'; }
"${as_user[@]}" wforge keys generate >"$clean/bootstrap.key"
chmod 600 "$clean/bootstrap.key" && chown "$user" "$clean/bootstrap.key"
as_user=("${as_user[@]:0:2}" "WFORGE_PEPPER=$(secret)" "WFORGE_KEK=$(secret)"
  "WFORGE_BOOTSTRAP_KEY_FILE=$clean/bootstrap.key" "${as_user[@]:2}")
"${as_user[@]}" wforge serve &
server=$!
for _ in $(seq 50); do
  if "${as_user[@]}" wforge health; then
    du -sh "$root/usr"
    echo "docker-check: the image is healthy"
    exit 0
  fi
  kill -0 "$server" && sleep 0.2
done
echo "docker-check: the image is not healthy" >&2
exit 1
