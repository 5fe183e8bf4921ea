/* tests/model/park_wake.pml - does a submitted goroutine always find an M while a P is idle?
 *
 *   submit    publish; fence; no idle P, or somebody spins -> nothing to do; else the one who turns
 *             `spinning` from 0 to 1 takes an idle P and wakes an M for it, spinning
 *   give up   P back to the idle ones; spinning--; fence; look at every queue again
 *   success   a spinning M that finds work stops spinning and, when more work lies around, wakes the
 *             next one
 *
 * One submitter publishes GS goroutines, each into its own ring (a plain store of the tail) or into
 * the global queue (under the scheduler's lock), and never runs one itself. The Ms of 2 idle Ps
 * steal; one that has taken a goroutine may run it for ever.
 *
 * Safety: when nothing can move any more, either every goroutine was taken or no P is idle (work
 * conservation; a lost wake-up is its violation). A free M is always found for an idle P.
 * Mutants: NO_SUBMIT_FENCE, NO_RECHECK, RECHECK_BEFORE_UNSPIN, NO_WAKE_AFTER_FIND.
 */

#define PS 2
#ifndef MS
#define MS 3 /* two, and one to be made while another is on its way to sleep */
#endif
#ifndef GS
#define GS 2
#endif

#define NPROC (MS + 1)
#define SB 2
#define TAIL 0     /* of the submitter's ring; it alone stores it */
#define HEAD 1     /* advanced by CAS */
#define GRQ 2      /* length of the global queue; stored under LOCK, read by anyone */
#define SPINNING 3
#define IDLE_PS 4  /* stored under LOCK, read by anyone */
#define LOCK 5
#define NVAR 6
#include "tso.pml"

bool asleep[MS + 1];   /* in the list of idle Ms; under LOCK */
bool woken[MS + 1];    /* the futex word: the waker hands over a P, and the role of spinning */
byte taken;            /* goroutines that an M has found */

#define ANY_WORK(p) (LOAD(p, TAIL) != LOAD(p, HEAD) || LOAD(p, GRQ) > 0)

inline wake(p) {
  if
  :: skip;
#ifndef NO_SUBMIT_FENCE
     FENCE(p);
#endif
     if
     :: LOAD(p, IDLE_PS) == 0
     :: else ->
        if
        :: LOAD(p, SPINNING) != 0
        :: else ->
           cas(p, SPINNING, 0, 1, ok);
           if
           :: !ok
           :: else -> launch_one(p)
           fi
        fi
     fi
  fi
}

inline launch_one(p) {
  lock(p, LOCK);
  if
  :: LOAD(p, IDLE_PS) == 0 ->
     unlock(p, LOCK);
     add(p, SPINNING, -1)
  :: else ->
     store_sum(p, IDLE_PS, -1);
     atomic {
       other = 1;
       do
       :: other <= MS && !asleep[other] -> other++
       :: else -> break
       od;
       assert(other <= MS);
       asleep[other] = false
     }
     unlock(p, LOCK);
     atomic { FENCE(p); woken[other] = true; other = 0 }
  fi
}

proctype Submitter() {
  byte n, other;
  bool ok;
  do
  :: n < GS ->
     n++;
     if
     :: store_sum(0, TAIL, 1)
     :: lock(0, LOCK);
        store_sum(0, GRQ, 1);
        unlock(0, LOCK)
     fi;
     wake(0)
  :: else -> break
  od
}

proctype Machine(byte p) {
  byte head, other;
  bool ok, spins, found;

sleeping:
end_sleeping:
  atomic { woken[p]; woken[p] = false; spins = true }

searching:
  found = false;
  head = LOAD(p, HEAD);
  if
  :: LOAD(p, TAIL) != head -> cas(p, HEAD, head, head + 1, found)
  :: else
  fi;
  if
  :: !found && LOAD(p, GRQ) > 0 ->
     lock(p, LOCK);
     if
     :: LOAD(p, GRQ) > 0 -> store_sum(p, GRQ, -1); found = true
     :: else
     fi;
     unlock(p, LOCK)
  :: else
  fi;
  if
  :: found -> goto running
  :: else
  fi;
  if
  :: !spins && LOAD(p, SPINNING) == 0 -> /* not too many spin: one more */
     spins = true;
     add(p, SPINNING, 1);
     goto searching
  :: true
  fi;

  /* give up */
  lock(p, LOCK);
  if
  :: LOAD(p, GRQ) > 0 -> unlock(p, LOCK); goto searching
  :: else
  fi;
  store_sum(p, IDLE_PS, 1);
  unlock(p, LOCK);
  found = false;
#ifdef RECHECK_BEFORE_UNSPIN
  found = ANY_WORK(p);
#endif
  if
  :: spins -> spins = false; add(p, SPINNING, -1)
  :: else
  fi;
  FENCE(p);
#ifndef RECHECK_BEFORE_UNSPIN
#ifndef NO_RECHECK
  found = ANY_WORK(p);
#endif
#endif
  if
  :: found && LOAD(p, IDLE_PS) > 0 ->
     lock(p, LOCK);
     if
     :: LOAD(p, IDLE_PS) > 0 ->
        store_sum(p, IDLE_PS, -1);
        unlock(p, LOCK);
        spins = true;
        add(p, SPINNING, 1);
        goto searching
     :: else -> unlock(p, LOCK)
     fi
  :: else
  fi;
  found = false;
  head = 0;
  lock(p, LOCK);
  asleep[p] = true;
  unlock(p, LOCK);
  goto sleeping;

running:
  taken++;
  if
  :: spins ->
     spins = false;
     add(p, SPINNING, -1);
#ifndef NO_WAKE_AFTER_FIND
     if
     :: ANY_WORK(p) -> wake(p)
     :: else
     fi
#endif
  :: else
  fi;
  if
  :: goto searching /* the goroutine ended or parked */
  :: skip           /* it runs for ever */
  fi
}

init {
  byte i;
  atomic {
    mem[IDLE_PS] = PS;
    i = 1;
    do
    :: i <= MS -> asleep[i] = true; run Machine(i); i++
    :: else -> break
    od;
    i = 0;
    do
    :: i < NPROC -> run Buffer(i); i++
    :: else -> break
    od;
    run Submitter()
  }
  timeout;
  assert(taken == GS || mem[IDLE_PS] == 0);
  assert(taken <= GS)
}
