#!/usr/bin/env bash
# Sets a machine up and runs every check and every test. Ends with `N passed, N failed, N skipped`.
set -euo pipefail
# shellcheck source=scripts/setup/lib.sh
. "$(dirname "$0")/setup/lib.sh"
trap clean_up EXIT
cd "$ROOT"

COUNTS="$WORK/counts"
: >"$COUNTS"

# step NAME COMMAND...: one check that is not a test runner; counts as one test.
step() {
  local name=$1 started=$SECONDS
  shift
  if "$@" >"$WORK/step.log" 2>&1; then
    say "ok      $name ($((SECONDS - started)) s)"
    echo '1 0 0' >>"$COUNTS"
  else
    cat "$WORK/step.log" >&2
    say "FAILED  $name"
    echo '0 1 0' >>"$COUNTS"
  fi
}

LATER=()

# later NAME COMMAND...: a step for the time that the steps after it leave, one at a time; `catch_up` waits for it and tells how it went.
later() {
  local name=$1 log="$WORK/later-${#LATER[@]}"
  shift
  (
    exec 9>"$WORK/later.lock"
    flock 9
    started=$SECONDS code=0
    nice -n 19 "$@" >"$log" 2>&1 || code=$?
    echo "$((SECONDS - started))" >"$log.took"
    exit "$code"
  ) &
  LATER+=("$!|$log|$name")
}

catch_up() {
  local entry pid log name
  for entry in ${LATER[@]+"${LATER[@]}"}; do
    IFS='|' read -r pid log name <<<"$entry"
    if wait "$pid"; then
      say "ok      $name ($(cat "$log.took") s)"
      echo '1 0 0' >>"$COUNTS"
    else
      cat "$log" >&2
      say "FAILED  $name"
      echo '0 1 0' >>"$COUNTS"
    fi
  done
}

# suite NAME MOCHA_ARGUMENT...: one run of mocha, whose reporter adds its numbers to the counts.
suite() {
  local name=$1 before
  shift
  heading "$name"
  before=$(wc -l <"$COUNTS")
  if ! "$NODE" node_modules/mocha/bin/mocha.js --reporter-option "counts=$COUNTS" "$@"; then
    # A run that broke down has counted no failure, or nothing at all: it is one.
    tail -n "+$((before + 1))" "$COUNTS" | awk '{ f += $2 } END { exit f == 0 }' || echo '0 1 0' >>"$COUNTS"
  fi
}

heading 'Setting up'
ensure_node
ensure_modules
NODE=$(modern_node)
# A thousand small files are read by each of the processes that follow: compiled once is enough.
export NODE_COMPILE_CACHE="$WORK/compiled"
PATH="$ROOT/node_modules/.bin:$PATH"
# Each brings tests that are skipped, and say so, where it is missing: compose, the browser, the terminal, the model checker, the database.
if can_install; then apt_install busybox-static shellcheck docker-compose chromium tmux zsh fish spin postgresql gcc libc6-dev; fi
ENGINE=no
if ensure_engine; then
  ENGINE=yes
  quietly images "$NODE" scripts/images.ts || fail 'the test images could not be made'
else
  say 'no Docker engine: the tests that need one will be skipped'
fi
say "Node $("$NODE" --version), Docker engine: $ENGINE"

heading 'Checks'
step 'types' npm run --silent types
step 'lint' oxlint --type-aware --deny-warnings
step 'format' biome format
step 'generated code is up to date' "$NODE" scripts/generate.ts --check
if has shellcheck; then step 'shell scripts' shellcheck -x .ci/run scripts/*.sh scripts/setup/*.sh; fi
step 'build' npm run --silent build -- --outDir "$WORK/dist"

# Pure computing, for what the tests leave of the machine: they wait for engines and peers half of the time.
later 'consensus, 20,000 seeds' "$NODE" scripts/simulate.ts --seeds 20000 --jobs 1
later 'whole peers, 150 seeds' "$NODE" scripts/simulate.ts --whole --seeds 150 --jobs 1
later 'consensus in clusters of 50, 40 seeds' "$NODE" scripts/simulate.ts --peers 50 --seeds 40 --jobs 1
later 'a cluster of 50 whole peers' "$NODE" scripts/simulate.ts --whole --peers 50 --seeds 1 --jobs 1
if has spin; then
  later 'models of consensus, searched to the last state' "$NODE" node_modules/mocha/bin/mocha.js \
    --config test/model-check/mocharc.json --spec 'test/model-check/*.spec.ts'
else
  say 'no spin: the models of consensus are not searched'
fi

# Both wait for engines, elections and clocks most of the time: more files at once than there are processors.
suite 'Unit, simulation and compliance tests' --parallel --jobs 3 --spec 'test/**/*.spec.ts'
suite 'End-to-end tests: real processes, real containers, the image and compose' \
  --config test/e2e/mocharc.json --parallel --jobs 2 --spec 'test/e2e/**/*.spec.ts'
heading 'Demo'
step 'the demo runs from start to end' bash scripts/demo.sh
heading 'Computed beside: thousands of clusters through faults, and the models'
catch_up

heading "Done in $SECONDS s"
awk '{ p += $1; f += $2; s += $3 } END { printf "%d passed, %d failed, %d skipped\n", p, f, s; exit f > 0 }' "$COUNTS"
