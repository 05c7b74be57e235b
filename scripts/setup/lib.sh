# shellcheck shell=bash
# What the scripts of this folder share: words for the reader, and what a machine must have. Sourced, never run.
# Nothing here asks a question, so everything works without a terminal.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# Where this run keeps its logs and temporary files; removed by clean_up.
WORK=$(mktemp -d "${TMPDIR:-/tmp}/cares-XXXXXX")
DOCKERD_PID=''

# heading TEXT: what happens next. Everything that is not data goes to stderr, as in the CLI.
heading() { printf '\n== %s\n' "$*" >&2; }
say() { printf '   %s\n' "$*" >&2; }
# fail MESSAGE [REMEDY]: ends the script.
fail() {
  printf '\nfailed: %s\n' "$1" >&2
  [ $# -lt 2 ] || printf '   try: %s\n' "$2" >&2
  exit 1
}
has() { command -v "$1" >/dev/null 2>&1; }
# Whether this script may install packages: root on Debian, Ubuntu or one of their kin.
can_install() { [ "$(id -u)" = 0 ] && has apt-get; }

# quietly NAME COMMAND...: shows the end of the output only if the command fails.
quietly() {
  local log="$WORK/$1.log"
  shift
  if ! "$@" >"$log" 2>&1; then
    tail -n 40 "$log" >&2
    return 1
  fi
}

# apt_install PACKAGE...: those that are missing.
apt_install() {
  local missing=() package
  for package in "$@"; do
    [ "$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null)" = 'install ok installed' ] || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  say "installing with apt-get: ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  quietly apt-update apt-get update -q || say 'the package lists could not be refreshed; trying with those that are here'
  quietly apt-install apt-get install -y -q --no-install-recommends "${missing[@]}" || return 1
}

# The system's Node only starts npm and the launcher; CARES itself runs on the Node 24 that npm installs beside it where it has to. So the 18 of
# Debian 12 and Ubuntu 24.04 will do, though whoever installs one is told to take a version that is still supported.
ensure_node() {
  if ! { has node && has npm; } && can_install; then apt_install nodejs npm || true; fi
  if ! { has node && has npm; }; then fail 'Node.js and npm are not installed' 'https://nodejs.org/en/download (20 or newer)'; fi
  local major
  major=$(node -p 'process.versions.node.split(".")[0]')
  [ "$major" -ge 18 ] || fail "Node.js $(node --version) is too old" 'https://nodejs.org/en/download (20 or newer)'
}

# ensure_modules: installs the packages of package-lock.json, unless that has been done already.
ensure_modules() {
  local want have stamp="$ROOT/node_modules/.cares-lock-hash"
  want=$(sha256sum "$ROOT/package-lock.json" | cut -d ' ' -f 1)
  have=$(cat "$stamp" 2>/dev/null || true)
  [ "$want" != "$have" ] || return 0
  say 'installing packages with npm ci (half a minute)'
  local strict=(--strict-allow-scripts)
  [ "$(npm --version | cut -d . -f 1)" -ge 11 ] || strict=(--ignore-scripts)
  (cd "$ROOT" && quietly npm-ci npm ci --no-audit --no-fund "${strict[@]}") || fail 'npm ci failed'
  printf '%s\n' "$want" >"$stamp"
}

# The Node that runs CARES: the system's where it is new enough, else the one among the packages.
modern_node() {
  if [ "$(node -p 'process.versions.node.split(".")[0]')" -ge 24 ]; then
    command -v node
  else
    [ -x "$ROOT/node_modules/.bin/node" ] || fail "Node.js $(node --version) is too old, and npm has none for this machine" 'https://nodejs.org/en/download (24 or newer)'
    printf '%s\n' "$ROOT/node_modules/.bin/node"
  fi
}

docker_socket() {
  local host=${DOCKER_HOST:-unix:///var/run/docker.sock}
  printf '%s\n' "${host#unix://}"
}

engine_answers() { (cd "$ROOT" && "$(modern_node)" scripts/setup/engine-answers.ts "$(docker_socket)") >/dev/null 2>&1; }

# ensure_engine: finds a Docker engine, or installs and starts one. Returns 1 where neither is possible.
# An engine that was started here is stopped by clean_up.
ensure_engine() {
  if engine_answers && has docker; then return 0; fi
  can_install || return 1
  local second packages=(docker.io iptables)
  # Newer releases have the command line client in a package of its own.
  if apt-cache show docker-cli >/dev/null 2>&1; then packages+=(docker-cli); fi
  if engine_answers; then
    apt_install "${packages[@]}"
    return
  fi
  say 'no Docker engine answers here: one is started for the time of this script (dockerd, from the package docker.io)'
  { has dockerd && has docker; } || apt_install "${packages[@]}" || return 1
  # A dockerd that was killed leaves its pid file. If another process has that pid by now, a new dockerd would think that the old one still runs.
  if [ -f /var/run/docker.pid ] && ! grep -q dockerd "/proc/$(cat /var/run/docker.pid)/comm" 2>/dev/null; then rm -f /var/run/docker.pid; fi
  setsid dockerd >"$WORK/dockerd.log" 2>&1 &
  DOCKERD_PID=$!
  for second in $(seq 60); do
    if engine_answers; then return 0; fi
    kill -0 "$DOCKERD_PID" 2>/dev/null || break
    sleep 0.5
  done
  say "dockerd does not answer after $((second / 2)) s; the end of its log:"
  tail -n 5 "$WORK/dockerd.log" >&2
  return 1
}

# clean_up: undoes what the functions above did. For `trap clean_up EXIT`.
clean_up() {
  if [ -n "$DOCKERD_PID" ] && kill -0 "$DOCKERD_PID" 2>/dev/null; then
    say 'stopping the Docker engine that was started here'
    kill "$DOCKERD_PID"
    wait "$DOCKERD_PID" 2>/dev/null || true
  fi
  rm -rf "$WORK"
}
