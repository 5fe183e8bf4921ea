/* tests/model/mutex_bias.pml - who locks a mutex while its bias ends?
 *
 *   owner      lock and unlock: in_rt = 1; load steal (the gate); load the word. Steal is 0 and the
 *              word biased -> a plain store of the other state; in_rt = 0. Steal is 0 and the word
 *              not biased -> as everybody; in_rt = 0. Steal is set -> in_rt = 0; lock; steal = 0;
 *              in_rt = 1; unlock; in_rt = 0; load the word anew: not biased -> as everybody. If
 *              nothing came of it, again
 *   the other  lock: load the word: biased -> end_bias(); else as everybody
 *   everybody  lock: fetch-or LOCKED, whatever the word was a moment ago; it was not set -> ours.
 *              unlock: compare-and-swap
 *   end_bias   lock; steal = 1; membarrier; load in_rt: 0 -> load the word, store it without the
 *              bias; steal = 0; unlock. 1 -> steal = 0; unlock; again
 *
 * The mutex starts biased to the owner's P. Owner and other lock it ROUNDS times each.
 *
 * Safety: one at a time is between lock and unlock, and reads what the last one wrote there (plain
 * memory). Nobody waits for ever: both come to their end.
 * Mutants: NO_MEMBARRIER; NO_DECISION_LOCK (the owner does not wait for the decision); GATE_IGNORED
 * (it does not even look); CHECK_FIRST (the owner looks at the word before it is in the runtime);
 * EARLY_WORD (end_bias takes the word that it saw before the owner was out); STEAL_FIRST (steal is
 * cleared before the word has changed); IN_RT_IGNORED; BLIND_OR (the other locks what may be biased).
 */

#ifndef ROUNDS
#define ROUNDS 2
#endif

#define NPROC 2 /* the owner is 0, the other 1 */
#define SB 3
#define IN_RT 0
#define STEAL 1
#define DECISION 2 /* the lock */
#define WORD 3     /* LOCKED and BIASED */
#define DATA 4
#define NVAR 5
#include "tso.pml"

#define LOCKED 1
#define BIASED 2

byte inside;
byte written;
byte ended;

inline use(by) {
  atomic { assert(inside == 0); inside++ }
  assert(LOAD(by, DATA) == written);
  atomic { nfull(sb[by]); written = 1 - written; }
  store(by, DATA, written);
  inside--
}

/* The word was not biased when it was last looked at. */
inline share(by, from, to) {
  if
  :: from == 0 -> atomic { FENCE(by); done = (mem[WORD] & LOCKED) == 0; mem[WORD] = mem[WORD] | LOCKED }
  :: else -> cas(by, WORD, from, to, done)
  fi
}

/* The owner: the lower half `from` -> `to`, by whichever way the word asks for. */
inline own_replace(from, to) {
  done = false;
  do
  :: done -> break
  :: else ->
#ifdef CHECK_FIRST
     word = LOAD(0, WORD);
#endif
     store(0, IN_RT, 1);
     steal = LOAD(0, STEAL);
#ifdef GATE_IGNORED
     steal = 0;
#endif
#ifndef CHECK_FIRST
     word = LOAD(0, WORD);
#endif
     if
#ifndef NO_DECISION_LOCK
     :: steal == 1 ->
        steal = 0;
        store(0, IN_RT, 0);
        lock(0, DECISION);
        store(0, STEAL, 0);
        store(0, IN_RT, 1);
        unlock(0, DECISION);
        store(0, IN_RT, 0);
        word = LOAD(0, WORD);
        if
        :: word < BIASED -> share(0, from, to)
        :: else
        fi
#else
     :: steal == 1 ->
        steal = 0;
        store(0, STEAL, 0);
        word = LOAD(0, WORD);
        if
        :: word == (BIASED | from) -> store(0, WORD, BIASED | to); done = true
        :: else
        fi;
        store(0, IN_RT, 0)
#endif
     :: else ->
        if
        :: word == (BIASED | from) -> store(0, WORD, BIASED | to); done = true
        :: word < BIASED -> share(0, from, to)
        :: else
        fi;
        store(0, IN_RT, 0)
     fi;
     word = 0
  od
}

proctype Owner() {
  byte n, word, steal;
  bool done;
  do
  :: n == ROUNDS -> break
  :: else ->
     n++;
     own_replace(0, LOCKED);
     use(0);
     own_replace(LOCKED, 0)
  od;
  ended++
}

inline end_bias() {
  lock(1, DECISION);
  store(1, STEAL, 1);
#ifdef EARLY_WORD
  word = LOAD(1, WORD);
#endif
  FENCE(1);
#ifndef NO_MEMBARRIER
  FENCE(0);
#endif
#ifdef IN_RT_IGNORED
  in_rt = 0;
#else
  in_rt = LOAD(1, IN_RT);
#endif
#ifdef STEAL_FIRST
  store(1, STEAL, 0);
#endif
  if
  :: in_rt == 0 ->
#ifndef EARLY_WORD
     word = LOAD(1, WORD);
#endif
     if
     :: word >= BIASED -> store(1, WORD, word - BIASED)
     :: else
     fi
  :: else
  fi;
#ifndef STEAL_FIRST
  store(1, STEAL, 0);
#endif
  unlock(1, DECISION);
  in_rt = 0
}

proctype Other() {
  byte n, word, in_rt;
  bool done;
  do
  :: n == ROUNDS -> break
  :: else ->
     n++;
     done = false;
     do
     :: done -> break
     :: else ->
        word = LOAD(1, WORD);
        if
#ifndef BLIND_OR
        :: word >= BIASED -> end_bias()
#endif
        :: else -> share(1, 0, LOCKED)
        fi;
        word = 0
     od;
     use(1);
     cas(1, WORD, LOCKED, 0, done);
     assert(done)
  od;
  ended++
}

init {
  byte i;
  atomic {
    mem[WORD] = BIASED;
    run Owner();
    run Other();
    do
    :: i < NPROC -> run Buffer(i); i++
    :: else -> break
    od
  }
  timeout;
  assert(ended == 2)
}
