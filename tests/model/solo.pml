/* tests/model/solo.pml - may the owner of the only busy P go without locks?
 *
 *   newcomer  (take_idle) lock; its P busy; another one is, and solo: soloist = that one; solo = 0;
 *             unlock. wires the P. (await_soloist) load soloist; another P's: membarrier; until it
 *             has no owner, or its owner's in_rt is 0, or soloist is another: look again;
 *             soloist = none, if it is that one still
 *   section   in_rt = 1; load solo: set -> use what Ps share, without its lock; else lock it by
 *             compare-and-swap, and use it. Unlock it either way, by a plain store. in_rt = 0
 *   idle      lock; no owner; the P idle; unlock
 *   hand-off  in the runtime: no owner; the heir wires the P, and is in the runtime; a section
 *   sysmon    begin: lock; one P busy at most: solo = 1; unlock
 *             adopt: lock; solo: soloist = the busy P, if any; solo = 0; unlock; await_soloist; lock
 *             what Ps share by compare-and-swap, use it, unlock it
 *
 * Ms 0 to PS - 1 take the P of their number ROUNDS times each, for two sections (BRIEF: for one); with
 * HEIR M 0 gives its P away after the first one, in its last round.
 *
 * Safety: one at a time uses what Ps share, and reads what the last one wrote there (plain memory);
 * the lock is held by somebody who will give it back.
 * Mutants: NO_MEMBARRIER; NO_AWAIT; ENDER_AWAITS (only who ended solo); BEGIN_BUSY (sysmon looks at no
 * P); CHECK_FIRST (solo is loaded before the M is in the runtime); UNLOCK_ASKS (no store if it is
 * solo by then); SYSMON_LOCKS (it adopts behind the lock alone).
 */

#ifndef PS
#define PS 2
#endif
#ifndef ROUNDS
#define ROUNDS 2
#endif
#ifndef BEGINS
#define BEGINS 1
#endif

#define HEIR_M PS       /* the heir's number */
#define SYSMON (PS + 1) /* sysmon's */
#define NPROC (PS + 2)
#define SB 3
#define SOLO 0
#define SOLOIST 1 /* the P's number + 1; 0: none */
#define SCHED 2   /* the lock */
#define SHARED 3  /* the lock of what Ps share */
#define DATA 4
#define IN_RT 5                 /* of each M */
#define OWNER (IN_RT + PS + 1)  /* of each P: the M's number + 1; 0: none */
#define NVAR (OWNER + PS)
#include "tso.pml"

/* Guarded by SCHED, whose lock orders them. */
bool busy[PS];
byte busy_count;

byte inside;
byte written;
byte holders;
bool given; /* P 0 to the heir */

inline use(by) {
  atomic { assert(inside == 0); inside++ }
  assert(LOAD(by, DATA) == written);
  atomic { nfull(sb[by]); written = 1 - written; }
  store(by, DATA, written);
  inside--
}

inline lock_shared(by) {
  ok = false;
  do
  :: ok -> break
  :: else ->
     atomic {
       cas(by, SHARED, 0, 1, ok);
       if
       :: ok -> holders++
       :: else -> assert(holders > 0)
       fi
     }
     /* Not until it is free: the wait itself is of no interest. */
     if
     :: ok
     :: else -> mem[SHARED] == 0
     fi
  od
}
/* The holder is one until the store has left its buffer. */
inline unlock_shared(by) {
  store(by, SHARED, 0);
  if
  :: held -> FENCE(by); holders--; held = false
  :: else
  fi
}

/* In the runtime, with a P. */
inline section(by) {
  if
  :: solo == 1 -> use(by)
  :: else -> lock_shared(by); held = true; use(by)
  fi;
#ifdef UNLOCK_ASKS
  if
  :: LOAD(by, SOLO) == 1 ->
     if
     :: held -> holders--; held = false
     :: else
     fi
  :: else -> unlock_shared(by)
  fi
#else
  unlock_shared(by)
#endif
}

inline end_solo(by, newcomer) {
  ended = false;
  if
  :: LOAD(by, SOLO) == 1 ->
     ended = true;
     i = 0;
     do
     :: i == PS -> break
     :: else ->
        if
        :: busy[i] && i != newcomer -> store(by, SOLOIST, i + 1)
        :: else
        fi;
        i++
     od;
     i = 0;
     store(by, SOLO, 0);
     FENCE(by)
  :: else
  fi
}

inline await_soloist(by, own) {
  first = LOAD(by, SOLOIST);
#ifdef NO_AWAIT
  first = 0;
#endif
#ifdef ENDER_AWAITS
  if
  :: !ended -> first = 0
  :: else
  fi;
#endif
  if
  :: first != 0 && first != own + 1 ->
#ifndef NO_MEMBARRIER
     i = 0;
     do
     :: i == NPROC -> break
     :: else -> FENCE(i); i++
     od;
     i = 0;
#endif
     do
     :: LOAD(by, SOLOIST) != first -> break
     :: else ->
        owner = LOAD(by, OWNER + first - 1);
        if
        :: owner == 0 -> break
        :: else ->
           if
           :: LOAD(by, IN_RT + owner - 1) == 0 -> break
           :: else
           fi
        fi
     od;
     owner = 0;
     cas(by, SOLOIST, first, 0, ok)
  :: else
  fi;
  first = 0;
  ok = false
}

proctype Machine(byte me) {
  byte round, solo, first, owner, i;
  bool ok, held, ended;
  do
  :: round == ROUNDS -> break
  :: else ->
     lock(me, SCHED);
     atomic { busy[me] = true; busy_count++ }
     if
     :: busy_count > 1 -> end_solo(me, me)
     :: else
     fi;
     unlock(me, SCHED);
     store(me, OWNER + me, me + 1);
     await_soloist(me, me);
     solo = LOAD(me, SOLO);
     section(me);
     round++;
#ifdef HEIR
     if
     :: me == 0 && round == ROUNDS ->
        store(me, OWNER + me, 0);
        FENCE(me); /* the heir is woken under a lock */
        given = true;
        store(me, IN_RT + me, 0);
        break
     :: else
     fi;
#endif
#ifndef BRIEF
     store(me, IN_RT + me, 0);
#ifdef CHECK_FIRST
     solo = LOAD(me, SOLO);
#endif
     store(me, IN_RT + me, 1);
#ifndef CHECK_FIRST
     solo = LOAD(me, SOLO);
#endif
     section(me);
#endif
     lock(me, SCHED);
     store(me, OWNER + me, 0);
     atomic { busy[me] = false; busy_count-- }
     unlock(me, SCHED)
  od
}

proctype Heir() {
  byte solo;
  bool ok, held;
#ifdef HEIR
  given;
  store(HEIR_M, OWNER, HEIR_M + 1);
  solo = LOAD(HEIR_M, SOLO);
  section(HEIR_M);
  store(HEIR_M, IN_RT + HEIR_M, 0);
  store(HEIR_M, IN_RT + HEIR_M, 1);
  solo = LOAD(HEIR_M, SOLO);
  section(HEIR_M);
  lock(HEIR_M, SCHED);
  store(HEIR_M, OWNER, 0);
  atomic { busy[0] = false; busy_count-- }
  unlock(HEIR_M, SCHED)
#endif
}

proctype Sysmon() {
  byte begins, solo, first, owner, i;
  bool ok, held, ended;
  do
  :: begins == BEGINS -> break
  :: else ->
     lock(SYSMON, SCHED);
     if
#ifdef BEGIN_BUSY
     :: true -> store(SYSMON, SOLO, 1)
#else
     :: busy_count <= 1 -> store(SYSMON, SOLO, 1)
     :: else
#endif
     fi;
     unlock(SYSMON, SCHED);
     begins++
  od;
#ifdef ADOPTS
#ifndef SYSMON_LOCKS
  lock(SYSMON, SCHED);
  end_solo(SYSMON, PS);
  unlock(SYSMON, SCHED);
  await_soloist(SYSMON, PS);
#endif
  lock_shared(SYSMON);
  held = true;
  use(SYSMON);
  unlock_shared(SYSMON)
#endif
}

init {
  byte n;
  atomic {
    mem[SOLO] = 1;
    n = 0;
    do
    :: n == PS + 1 -> break
    :: else -> mem[IN_RT + n] = 1; n++
    od;
    n = 0;
    do
    :: n == PS -> break
    :: else -> run Machine(n); n++
    od;
    run Heir();
    run Sysmon();
    n = 0;
    do
    :: n == NPROC -> break
    :: else -> run Buffer(n); n++
    od
  }
}
