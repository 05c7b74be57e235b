#!/usr/bin/env bash
# A tour of CARES on this machine, in about a minute: three peers become a cluster, functions run on them, the orchestrator is
# killed, and calls go on. Asks nothing, needs nothing but Debian or Ubuntu as root, or Node.js 20 with npm anywhere else, and
# leaves nothing behind but the installed packages.
#
#   scripts/demo.sh                      with Docker where there is one
#   scripts/demo.sh --runtime process    without
set -euo pipefail
# shellcheck source=scripts/setup/lib.sh
. "$(dirname "$0")/setup/lib.sh"
cd "$ROOT"

RUNTIME=auto
while [ $# -gt 0 ]; do
  case $1 in
    --runtime) RUNTIME=${2:?--runtime needs docker or process}; shift 2 ;;
    *) fail "unknown argument $1" 'scripts/demo.sh [--runtime docker|process]' ;;
  esac
done

declare -A PID API
PEERS=(atlas birch cedar)

# Stops what runs, in the order that lets peers remove their own containers, and then looks for what a killed one has left.
finish() {
  local status=$? name
  trap - EXIT INT TERM
  for name in "${!PID[@]}"; do kill "${PID[$name]}" 2>/dev/null || true; done
  for name in "${!PID[@]}"; do wait "${PID[$name]}" 2>/dev/null || true; done
  if [ "$RUNTIME" = docker ]; then quietly sweep "$NODE" scripts/setup/remove-containers.ts "$(docker_socket)" "$WORK/peers" || true; fi
  [ "$status" = 0 ] || tail -n 15 "$WORK"/*.log >&2 || true
  clean_up
  exit "$status"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

cares() { "$NODE" "$ROOT/src/cares.js" "$@"; }

# show COMMAND...: prints a command as a reader would type it, and runs it.
show() {
  local word line=''
  for word in "$@"; do
    # Quoted only where a shell needs it.
    case $word in *[!A-Za-z0-9_./:@=,+-]* | '') line+=" '$word'" ;; *) line+=" $word" ;; esac
  done
  printf '\n  $%s\n' "$line"
  "$@" | sed 's/^/    /'
}

# start_peer NAME: starts a peer and waits until it says that it serves.
start_peer() {
  local name=$1
  printf '\n  $ cares peer --name %s --preset loopback --runtime %s%s &\n' "$name" "$RUNTIME" "${CARES_BOOTSTRAP:+   (with CARES_BOOTSTRAP=\$(cares id))}"
  # Not by the function above: the pid must be that of the peer, not of a subshell.
  "$NODE" "$ROOT/src/cares.js" peer --name "$name" --preset loopback --runtime "$RUNTIME" --data "$WORK/peers/$name" \
    --http 127.0.0.1:0 --listen /ip4/127.0.0.1/tcp/0 --cpus 1 --memory 1Gi >"$WORK/$name.out" 2>"$WORK/$name.log" &
  PID[$name]=$!
  local tries
  for tries in $(seq 200); do
    [ ! -s "$WORK/$name.out" ] || break
    kill -0 "${PID[$name]}" 2>/dev/null || fail "peer $name ended"
    sleep 0.1
  done
  API[$name]=$(field api <"$WORK/$name.out") || fail "peer $name did not start in $((tries / 10)) s"
  printf '    %s serves %s\n' "$name" "${API[$name]}"
}

# field NAME: a member of the JSON object on stdin; `a.b` is one of a member.
field() {
  "$NODE" -e 'let text = ""
    process.stdin.on("data", chunk => { text += chunk }).on("end", () => {
      const value = process.argv[1].split(".").reduce((object, key) => object?.[key], JSON.parse(text))
      if (value == null) process.exit(1)
      console.log(value)
    })' "$1"
}

# call_each NAME BODY: calls a function by plain HTTP through every living peer.
call_each() {
  local name
  for name in "${PEERS[@]}"; do
    [ -n "${PID[$name]:-}" ] || continue
    show curl --silent --show-error --fail --data "$2" "${API[$name]}/fn/$1"
    echo
  done
}

heading 'Setting up'
ensure_node
ensure_modules
NODE=$(modern_node)
if ! has curl && can_install; then apt_install curl; fi
# Without curl, the same by Node's own fetch: POST what follows --data to the last argument.
has curl || curl() { "$NODE" -e 'fetch(process.argv.at(-1), { method: "POST", body: process.argv[process.argv.indexOf("--data") + 1] })
  .then(async answer => { process.stdout.write(await answer.text()); process.exitCode = answer.ok ? 0 : 22 })' -- "$@"; }
if [ "$RUNTIME" = auto ]; then
  if ensure_engine; then RUNTIME=docker; else RUNTIME=process; fi
elif [ "$RUNTIME" = docker ]; then
  ensure_engine || fail 'no Docker engine answers' 'scripts/demo.sh --runtime process'
fi
if [ "$RUNTIME" = docker ]; then
  if ! has busybox && can_install; then apt_install busybox-static; fi
  quietly images "$NODE" scripts/images.ts || fail 'the example images could not be made'
  STDIO_IMAGE=cares-example/upper
  HTTP_IMAGE=cares-example/web
else
  say 'no Docker engine: functions run as plain processes of this machine, with no isolation and no limits.'
  say 'That is for trying CARES out and for tests; a real cluster wants Docker.'
  STDIO_IMAGE='tr a-z A-Z'
  HTTP_IMAGE="$NODE scripts/images/web.ts"
fi

heading 'Three peers become a cluster. The first founds it; the others need one string, its id.'
start_peer "${PEERS[0]}"
export CARES_API=${API[${PEERS[0]}]}
CARES_BOOTSTRAP=$(cares id)
export CARES_BOOTSTRAP
for name in "${PEERS[@]:1}"; do start_peer "$name"; done
wait_for_peers() {
  local tries
  for tries in $(seq 150); do
    [ "$(cares peers --json | "$NODE" -e 'let t = ""; process.stdin.on("data", c => { t += c }).on("end", () => console.log(JSON.parse(t).items.filter(p => p.state === "alive").length))')" != "$1" ] || return 0
    sleep 0.1
  done
  fail "not all of the $1 peers are seen after $((tries / 10)) s"
}
wait_for_peers 3
show cares peers

heading 'A program that reads stdin and writes stdout is a function as it is'
show cares upload "$STDIO_IMAGE" shout --contract stdio
call_each shout 'hello from a peer'
show cares invoke shout --data 'hello from the command line'

heading 'So is a web server; it is kept warm between calls'
show cares upload "$HTTP_IMAGE" web --contract http --memory 128Mi
call_each web 'how do you do'
show cares invoke web --path /healthz --verbose

heading 'Every placement can be explained, with the numbers that decided'
show cares explain web
show cares stats

heading 'The orchestrator dies: kill -9'
ORCHESTRATOR=$(cares status --json | field orchestrator.name)
printf '\n  $ kill -9 %s        (%s)\n' "${PID[$ORCHESTRATOR]}" "$ORCHESTRATOR"
kill -9 "${PID[$ORCHESTRATOR]}"
wait "${PID[$ORCHESTRATOR]}" 2>/dev/null || true
unset "PID[$ORCHESTRATOR]"
for name in "${!PID[@]}"; do export CARES_API=${API[$name]}; done
say 'A call right away, while there is no orchestrator: the peer that is asked places it itself.'
show cares invoke shout --data 'still here' --verbose
call_each shout 'and here'
wait_for_peers 2
show cares status

heading 'It comes back, and is welcome'
start_peer "$ORCHESTRATOR"
wait_for_peers 3
show cares peers

heading 'Done. To try next:'
cat <<'END'
    cares peer                                    the first peer of a cluster of yours
    CARES_BOOTSTRAP="$(ssh FIRST cares id)" cares peer      the next one, on another machine
    cares upload IMAGE NAME                       a function, from any Docker image
    curl http://ANY-PEER:7070/fn/NAME -d BODY     a call, through any peer
    cares help                                    everything else
END
