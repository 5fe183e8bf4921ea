#!/bin/sh
# tests/model/run.sh - lets spin explore every model exhaustively, and refute every mutant of it.
#
#   tests/model/run.sh [MODEL...]     without arguments: all; needs spin and a C compiler
#
# A model passes if spin finds no violation in all reachable states; a mutant, the model with one
# safeguard removed, passes if spin does find one. Exit status 0: all as expected.

set -u
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
for tool in spin cc; do
  command -v $tool >/dev/null || { echo "run.sh: $tool is not installed" >&2; exit 2; }
done

# The longest first.
models='handshake mutex_bias solo mutex_gate select_claim netpoll_break spawn_queue park_wake run_queue blocking_mark netpoll_home'
wrong=0
total=0

# check EXPECTED MODEL NAME FLAGS...: EXPECTED is "holds" or "refuted".
check() {
  expected=$1 model=$2 name=$3
  shift 3
  total=$((total + 1))
  rm -rf "$work/run" && mkdir "$work/run"
  cp "$here"/*.pml "$work/run"
  # Not optimised: most are explored sooner than they would be compiled.
  if ! (cd "$work/run" && spin "$@" -a "$model.pml" >spin.log 2>&1 &&
        cc -w -O0 -DSAFETY -DCOLLAPSE -DMEMLIM=4000 -o pan pan.c >cc.log 2>&1); then
    echo "$model $name: does not compile" && head -4 "$work/run"/*.log
    wrong=$((wrong + 1))
    return
  fi
  (cd "$work/run" && ./pan -m200000 -E >pan.log 2>&1)
  states=$(sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1/p' "$work/run/pan.log")
  seconds=$(sed -n 's/^pan: elapsed time \([0-9.]*\) seconds/\1/p' "$work/run/pan.log")
  if grep -q 'errors: 0' "$work/run/pan.log"; then verdict=holds; else verdict=refuted; fi
  # A search that was cut short shows nothing; neither does one that failed in its own machinery.
  if grep -qE 'max search depth too small|out of memory|Search not completed' "$work/run/pan.log" &&
     [ "$verdict" = holds ]; then
    verdict='not decided'
  fi
  if [ "$verdict" = refuted ] && ! grep -q 'assertion violated' "$work/run/pan.log"; then
    verdict='failed without a violated assertion'
  fi
  mark=ok
  if [ "$verdict" != "$expected" ]; then mark=WRONG && wrong=$((wrong + 1)); fi
  printf '%-13s %-42s %-8s %10s states %6s s  %s\n' \
    "$model" "$name" "$verdict" "${states:-?}" "${seconds:-?}" "$mark"
  if [ "$mark" = WRONG ]; then tail -20 "$work/run/pan.log"; fi
}

park_wake() {
  check holds park_wake '2 Ps, 3 Ms, 2 goroutines'
  for mutant in NO_SUBMIT_FENCE NO_RECHECK RECHECK_BEFORE_UNSPIN NO_WAKE_AFTER_FIND; do
    check refuted park_wake "mutant $mutant" -D$mutant
  done
}

run_queue() {
  check holds run_queue '1 thief, 3 grabs, 6 goroutines' -DTHIEVES=1 -DGRABS=3 -DGS=6
  check holds run_queue '2 thieves, 1 grab each, 3 goroutines' -DTHIEVES=2 -DGRABS=1 -DGS=3
  for mutant in PUBLISH_FIRST STORE_HEAD POP_STORE_HEAD NO_FULL_CHECK NO_COUNT_CHECK; do
    check refuted run_queue "mutant $mutant" -DTHIEVES=1 -DGRABS=2 -DGS=7 -D$mutant
  done
}

spawn_queue() {
  check holds spawn_queue '1 thief, 4 steals, 6 goroutines' -DTHIEVES=1 -DSTEALS=4 -DGS=6
  check holds spawn_queue '2 thieves, 2 steals each, 3 goroutines' -DTHIEVES=2 -DSTEALS=2 -DGS=3
  for mutant in NO_POP_FENCE NO_LAST_CAS PUBLISH_FIRST STEAL_TWO NO_FULL_CHECK NO_COPY RING_FIRST; do
    check refuted spawn_queue "mutant $mutant" -DTHIEVES=1 -DSTEALS=3 -DGS=6 -D$mutant
  done
}

handshake() {
  check holds handshake '1 P, 2 Ms, 2 calls each, 2 retakes'
  check holds handshake 'the same with blocking calls, 1 retake' -DBLOCKING -DRETAKES=1
  for mutant in NO_MEMBARRIER NO_RECHECK NO_RETAKE_LOCK CHECK_FIRST NO_WAKE; do
    check refuted handshake "mutant $mutant" -D$mutant
  done
  for mutant in NO_MARK NO_FENCE STALE_OWNER; do
    check refuted handshake "mutant $mutant" -DBLOCKING -D$mutant
  done
}

mutex_bias() {
  check holds mutex_bias '2 locks each' -DROUNDS=2
  check holds mutex_bias '4 locks each' -DROUNDS=4
  for mutant in NO_MEMBARRIER NO_DECISION_LOCK GATE_IGNORED CHECK_FIRST EARLY_WORD STEAL_FIRST IN_RT_IGNORED \
    BLIND_OR; do
    check refuted mutex_bias "mutant $mutant" -D$mutant
  done
}

mutex_gate() {
  check holds mutex_gate '1 P of 2 Ms, a third, 1 lock each, 1 retake'
  for mutant in NO_MEMBARRIER KEEP_KEY PLAIN_FLAGS GATE_FIRST; do
    check refuted mutex_gate "mutant $mutant" -D$mutant
  done
}

blocking_mark() {
  check holds blocking_mark '2 calls, a taker'
  for mutant in ONE_LOOK MARK_FIRST NO_FENCE; do
    check refuted blocking_mark "mutant $mutant" -D$mutant
  done
}

select_claim() {
  check holds select_claim '2 channels and a timeout, 2 rounds'
  for mutant in NO_CAS NO_DEQUEUE LATE_RESET UNLOCK_EARLY NO_TIMER_STOP \
    LOCK_QUEUED_ONLY; do
    check refuted select_claim "mutant $mutant" -D$mutant
  done
}

solo() {
  check holds solo '2 Ps, 2 rounds each, 2 begins' -DBEGINS=2
  check holds solo '3 Ps, 1 brief round each, 1 begin' -DPS=3 -DROUNDS=1 -DBRIEF
  check holds solo '2 Ps, a P handed off, 1 begin' -DHEIR
  check holds solo '2 Ps, 1 round each, 1 begin, sysmon adopts' -DADOPTS -DROUNDS=1
  for mutant in NO_MEMBARRIER NO_AWAIT BEGIN_BUSY CHECK_FIRST UNLOCK_ASKS; do
    check refuted solo "mutant $mutant" -D$mutant
  done
  check refuted solo 'mutant ENDER_AWAITS' -DENDER_AWAITS -DPS=3 -DROUNDS=1
  check refuted solo 'mutant SYSMON_LOCKS' -DSYSMON_LOCKS -DADOPTS -DROUNDS=1
}

netpoll_break() {
  check holds netpoll_break '2 Ps, 2 Ms, 3 wake-ups, 1 event'
  for mutant in CLEAR_ALWAYS NO_SECOND_LOOK NO_CLEAR POLLING_LATE BREAK_FIRST; do
    check refuted netpoll_break "mutant $mutant" -D$mutant
  done
}

netpoll_home() {
  check holds netpoll_home '2 waiters, 2 looks' -DLOOKS=2
  for mutant in COUNT_LATE ONE_LOOK FLAG NO_JOIN; do
    check refuted netpoll_home "mutant $mutant" -D$mutant
  done
}

case $# in
  0) set -- $models ;;
esac
for model; do
  case " $models " in
    *" $model "*) ;;
    *) echo "run.sh: no model \"$model\"; there are: $models" >&2 && exit 2 ;;
  esac
done

# Several of them, each by itself, on all cores.
if [ $# -gt 1 ]; then
  printf '%s\n' "$@" | xargs -P "$(nproc)" -n 1 "$0" && echo "all models as expected"
  exit
fi
"$1"
echo "$1: $total checks, $wrong not as expected"
[ "$wrong" -eq 0 ]
