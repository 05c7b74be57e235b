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
exec 2>&1 # The headings are what the reader came for: one stream, in order.

RUNTIME=auto
while [ $# -gt 0 ]; do
  case $1 in
    --runtime) RUNTIME=${2:?--runtime needs docker or process}; shift 2 ;;
    *) fail "unknown argument $1" 'scripts/demo.sh [--runtime docker|process]' ;;
  esac
done

declare -A PID API
PEERS=(atlas birch cedar)

# Stops what runs; each peer removes its own containers. Those of the one that is killed are removed when it returns, or, should the demo end
# before that, here.
finish() {
  local status=$? name
  trap - EXIT INT TERM
  for name in "${!PID[@]}"; do kill "${PID[$name]}" 2>/dev/null || true; done
  for name in "${!PID[@]}"; do wait "${PID[$name]}" 2>/dev/null || true; done
  if [ "$RUNTIME" = docker ]; then sweep >"$WORK/sweep.log" 2>&1 || true; fi
  if [ "$status" != 0 ]; then tail -n 15 "$WORK"/*.log >&2 || true; fi
  clean_up
  exit "$status"
}
# sweep: removes what the engine still holds of the peers of this demo.
sweep() {
  local name id container
  for name in "${PEERS[@]}"; do
    [ -s "$WORK/$name.out" ] || continue
    id=$(head -n 1 "$WORK/$name.out" | field id)
    for container in $(docker ps --all --quiet --filter "label=io.cares.peer=$id"); do docker rm --force "$container"; done
    for container in $(docker network ls --quiet --filter "label=io.cares.peer=$id"); do docker network rm "$container"; done
  done
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
  "$@" 2>&1 | awk '{ print "    " $0 }'
}

# start_peer NAME: starts a peer and waits until it says that it serves.
start_peer() {
  local name=$1
  printf '\n  $ cares peer --name %s --preset loopback --runtime %s%s &\n' "$name" "$RUNTIME" "${CARES_BOOTSTRAP:+   (with CARES_BOOTSTRAP=\$(cares id))}"
  # What an earlier life of this peer said is no answer.
  rm -f "$WORK/$name.out"
  # Not by the function above: the pid must be that of the peer, not of a subshell.
  "$NODE" "$ROOT/src/cares.js" peer --name "$name" --preset loopback --runtime "$RUNTIME" --data "$WORK/peers/$name" \
    --http 127.0.0.1:0 --listen /ip4/127.0.0.1/tcp/0 >"$WORK/$name.out" 2>"$WORK/$name.log" &
  PID[$name]=$!
  local tries
  for tries in $(seq 200); do
    grep -qs '}' "$WORK/$name.out" && break
    kill -0 "${PID[$name]}" 2>/dev/null || fail "peer $name ended"
    sleep 0.1
  done
  API[$name]=$(field api <"$WORK/$name.out") || fail "peer $name did not start in $((tries / 10)) s"
  printf '    %s serves %s\n' "$name" "${API[$name]}"
}

# ask_peer NAME: the commands that follow ask this peer.
ask_peer() {
  export CARES_API=${API[$1]}
  printf '\n  $ export CARES_API=%s        (%s)\n' "$CARES_API" "$1"
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
  say 'Without a Docker engine functions run as plain processes of this machine: no isolation, no limits.'
  say 'That is for trying CARES out and for tests; a real cluster wants Docker.'
  STDIO_IMAGE='tr a-z A-Z'
  HTTP_IMAGE="$NODE $ROOT/scripts/images/web.ts"
fi

heading 'Three peers become a cluster. The first founds it; the others need one string, its id.'
start_peer "${PEERS[0]}"
ask_peer "${PEERS[0]}"
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
call_each web/echo 'how do you do'
show cares invoke web --path /healthz --verbose

heading 'Every placement can be explained, with the numbers that decided'
show cares explain web
show cares stats

heading 'The orchestrator dies: kill -9'
ORCHESTRATOR=$(cares status --json | field cluster.orchestrator.name)
printf '\n  $ kill -9 %s        (%s)\n' "${PID[$ORCHESTRATOR]}" "$ORCHESTRATOR"
kill -9 "${PID[$ORCHESTRATOR]}"
wait "${PID[$ORCHESTRATOR]}" 2>/dev/null || true
unset "PID[$ORCHESTRATOR]"
for name in "${!PID[@]}"; do SURVIVOR=$name; done
ask_peer "$SURVIVOR"
say 'A call right away: while there is no orchestrator, the peer that is asked places it itself.'
show cares invoke shout --data 'still here'
call_each shout 'and here'
wait_for_peers 2
say 'The cluster works, and says that it could not lose another peer: exit code 6.'
show cares status || [ $? = 6 ]

heading 'It comes back, and is welcome'
start_peer "$ORCHESTRATOR"
wait_for_peers 3
show cares peers

heading 'Done. To try next:'
cat <<'END'
    cares peer                                    the first peer of a cluster of yours
    CARES_BOOTSTRAP="$(ssh FIRST cares id)" cares peer      the next one, on another machine
    cares upload IMAGE NAME                       a function, from any Docker image
    curl http://127.0.0.1:7070/fn/NAME -d BODY    a call, through any peer
    cares help                                    everything else
END
