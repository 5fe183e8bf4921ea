/* tests/model/mutex_gate.pml - who may write a biased mutex when its P changes hands?
 *
 * The gate of an M is one word: STEAL, set and cleared by whoever decides about its P, and KEY, set
 * while the M owns the P that the mutex is biased to. All changes are locked instructions.
 *
 *   lock, unlock  in_rt = 1; load the gate; load the word. The gate is KEY alone and the word is
 *                 biased -> a plain store; in_rt = 0. The word is not biased -> lock: fetch-or
 *                 LOCKED, it was not set -> ours; unlock: compare-and-swap; in_rt = 0. STEAL -> in_rt = 0; lock; clear STEAL; in_rt = 1; unlock; no KEY ->
 *                 wait for the P and become its owner; in_rt = 0; the same, if not biased.
 *                 If nothing came of it, again: who waits for the mutex gives its P up
 *   own           (scheduler's lock:) the P is idle -> not any more; set KEY; p->m = me
 *   give up       clear KEY; p->m = 0; (scheduler's lock:) the P is idle
 *   sysmon        lock; m = p->m; set STEAL; membarrier; in_rt 0 and still m's -> clear KEY; p->m =
 *                 0; unlock; then the P is idle. Else clear STEAL; unlock
 *   end_bias      scheduler's lock: the P is idle -> the bias ends; else lock; m = p->m, 0 ->
 *                 unlock, again; set STEAL; membarrier; in_rt 0 and still m's -> the bias ends;
 *                 clear STEAL; unlock
 *
 * Ms 0 and 2 share the P, and lock the mutex ROUNDS times each; M 1, with a P of its own, does so
 * and ends the bias first. Sysmon (3) retakes the P once, whenever it likes.
 *
 * Safety: as in mutex_bias.pml.
 * Mutants: NO_MEMBARRIER; KEEP_KEY (an M that lost its P keeps the key); PLAIN_FLAGS (STEAL is set
 * and cleared by a load and a store); GATE_FIRST (the gate is loaded before in_rt is stored).
 */

#ifndef ROUNDS
#define ROUNDS 1
#endif

#define NPROC 4
#define SB 2
#define IN_RT 0    /* + m, 0 or 2 */
#define GATE 1     /* + m: words 1 and 3 */
#define DECISION 4 /* lock */
#define SCHED 5    /* lock */
#define WORD 6     /* LOCKED and BIASED */
#define DATA 7
#define PM 8       /* p->m plus 1; 0: none */
#define NVAR 9
#include "tso.pml"

#define STEAL 1
#define KEY 2
#define LOCKED 1
#define BIASED 2

bool p_idle; /* guarded by SCHED */
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

inline set_bits(by, word_, bits) { atomic { FENCE(by); mem[word_] = mem[word_] | bits } }
inline clear_bits(by, word_, bits) { atomic { FENCE(by); mem[word_] = mem[word_] & (255 - bits) } }
#ifdef PLAIN_FLAGS
inline set_steal(by, m) { seen = LOAD(by, GATE + m); store(by, GATE + m, seen | STEAL); FENCE(by) }
inline clear_steal(by, m) { seen = LOAD(by, GATE + m); store(by, GATE + m, seen & KEY); FENCE(by) }
#else
inline set_steal(by, m) { set_bits(by, GATE + m, STEAL) }
inline clear_steal(by, m) { clear_bits(by, GATE + m, STEAL) }
#endif

/* In the runtime, without the P. */
inline own(me) {
  do
  :: lock(me, SCHED);
     if
     :: p_idle -> p_idle = false; unlock(me, SCHED); break
     :: else -> unlock(me, SCHED); p_idle /* until it is worth a look */
     fi
  od;
  set_bits(me, GATE + me, KEY);
  store(me, PM, me + 1)
}

inline make_idle(by) {
  lock(by, SCHED);
  atomic { FENCE(by); p_idle = true }
  unlock(by, SCHED)
}

inline give_up(me) {
  clear_bits(me, GATE + me, KEY);
  store(me, PM, 0);
  make_idle(me)
}

/* In the runtime afterwards. */
inline enter(me) {
  store(me, IN_RT + me, 1);
  gate = LOAD(me, GATE + me);
  enter_by_gate(me)
}
inline enter_by_gate(me) {
  if
  :: gate & STEAL ->
     store(me, IN_RT + me, 0);
     lock(me, DECISION);
     clear_steal(me, me);
     store(me, IN_RT + me, 1);
     unlock(me, DECISION)
  :: else
  fi;
  if
  :: (LOAD(me, GATE + me) & KEY) == 0 -> own(me)
  :: else
  fi
}

/* The word was not biased when it was last looked at. */
inline share(by, from, to) {
  if
  :: from == 0 -> atomic { FENCE(by); done = (mem[WORD] & LOCKED) == 0; mem[WORD] = mem[WORD] | LOCKED }
  :: else -> cas(by, WORD, from, to, done)
  fi
}

/* The lower half `from` -> `to`, by whichever way the word asks for. */
inline replace(me, from, to) {
  done = false;
  do
  :: done -> break
  :: else ->
#ifdef GATE_FIRST
     gate = LOAD(me, GATE + me);
     store(me, IN_RT + me, 1);
#else
     store(me, IN_RT + me, 1);
     gate = LOAD(me, GATE + me);
#endif
     word = LOAD(me, WORD);
     if
     :: gate & STEAL ->
        enter_by_gate(me);
        store(me, IN_RT + me, 0);
        word = LOAD(me, WORD);
        if
        :: word < BIASED -> share(me, from, to)
        :: else
        fi
     :: else ->
        if
        :: gate == KEY && word == (BIASED | from) ->
           store(me, WORD, BIASED | to);
           done = true
        :: word < BIASED -> share(me, from, to)
        :: else
        fi;
        store(me, IN_RT + me, 0)
     fi;
     if
     :: !done && from == 0 && (word & LOCKED) -> /* parks until the holder has unlocked */
        enter(me);
        give_up(me);
        own(me);
        store(me, IN_RT + me, 0)
     :: else
     fi;
     word = 0;
     gate = 0
  od
}

proctype Machine(byte me) {
  byte n, word, gate, seen;
  bool done;
  if
  :: me == 0
  :: else -> own(me)
  fi;
  store(me, IN_RT + me, 0);
  do
  :: n == ROUNDS -> break
  :: else ->
     n++;
     replace(me, 0, LOCKED);
     use(me);
     replace(me, LOCKED, 0)
  od;
  enter(me);
  give_up(me);
  ended++
}

/* With the decision's lock: is M m, whose P it is, out of the runtime? */
inline look(by) {
  set_steal(by, m);
  FENCE(by);
#ifndef NO_MEMBARRIER
  FENCE(0);
  FENCE(2);
#endif
  rests = LOAD(by, IN_RT + m) == 0 && (LOAD(by, GATE + m) & KEY)
}

inline end_bias() {
  lock(1, SCHED);
  if
  :: p_idle ->
     word = LOAD(1, WORD);
     store(1, WORD, word & LOCKED);
     unlock(1, SCHED)
  :: else ->
     unlock(1, SCHED);
     lock(1, DECISION);
     m = LOAD(1, PM);
     if
     :: m == 0
     :: else ->
        m--;
        look(1);
        if
        :: rests -> word = LOAD(1, WORD); store(1, WORD, word & LOCKED)
        :: else
        fi;
        clear_steal(1, m)
     fi;
     unlock(1, DECISION)
  fi;
  m = 0;
  rests = false
}

proctype Other() {
  byte n, word, m, seen;
  bool done, rests;
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
        :: word >= BIASED -> end_bias()
        :: word == LOCKED -> (mem[WORD] != LOCKED)
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

proctype Sysmon() {
  byte m, seen;
  bool rests;
  lock(3, DECISION);
  m = LOAD(3, PM);
  if
  :: m == 0 -> unlock(3, DECISION)
  :: else ->
     m--;
     look(3);
     if
     :: rests ->
#ifndef KEEP_KEY
        clear_bits(3, GATE + m, KEY); /* STEAL stays: the M finds out when it comes back */
#endif
        store(3, PM, 0);
        unlock(3, DECISION);
        make_idle(3)
     :: else -> clear_steal(3, m); unlock(3, DECISION)
     fi
  fi
}

init {
  byte i;
  atomic {
    mem[WORD] = BIASED;
    mem[IN_RT] = 1;
    mem[IN_RT + 2] = 1;
    mem[GATE] = KEY;
    mem[PM] = 1;
    run Machine(0);
    run Other();
    run Machine(2);
    run Sysmon();
    do
    :: i < NPROC -> run Buffer(i); i++
    :: else -> break
    od
  }
  timeout;
  assert(ended == 3)
}
