/* tests/model/blocking_mark.pml - may the P of an M in a blocking call be taken without a membarrier?
 *
 *   M       is in a call, with mark = 1 and in_rt = 0. It comes back: in_rt = 1; fence; mark = 0; load
 *           steal; in_rt = 0; user code. It enters: in_rt = 1 (no fence); load steal. There it works
 *           on its P; or it goes into the next call: gives its P away, if that will be long; mark = 1;
 *           in_rt = 0. Where steal is set it waits for the decision
 *   taker   (take_from_blocked(), and sysmon where membarrier is missing) marked; steal = 1; fence;
 *           in_rt 0 and, after that, marked; the P is the M's still -> takes it
 *
 * handshake.pml has what comes before and after; here the M goes on while the taker is held up.
 *
 * Safety: who takes the P is alone with it: the M neither works on it nor gives it away any more.
 * Mutants: ONE_LOOK (the taker believes the mark that it saw first), MARK_FIRST (the M marks itself
 * before it gives its P away), NO_FENCE (on the way back).
 */

#define NPROC 2 /* the M is 0, the taker 1 */
#define SB 4
#define IN_RT 0
#define STEAL 1
#define MARK 2
#define MINE 3
#define NVAR 4
#include "tso.pml"

bool inside; /* the M works on the P */
bool given;
bool taken;

inline touch_p() {
  atomic { assert(!taken); inside = true }
  atomic { assert(!taken); inside = false }
}

proctype Machine() {
  byte steal;

  store(0, IN_RT, 1);
#ifndef NO_FENCE
  FENCE(0);
#endif
  store(0, MARK, 0);
  steal = LOAD(0, STEAL);
  if
  :: steal == 1 -> goto waits
  :: else
  fi;
  touch_p();
  store(0, IN_RT, 0);
  skip; /* user code */
  store(0, IN_RT, 1);
  steal = LOAD(0, STEAL);
  if
  :: steal == 1 -> goto waits
  :: else
  fi;
  if
  :: touch_p()
  :: store(0, MARK, 1)
  :: skip;
#ifdef MARK_FIRST
     store(0, MARK, 1);
#endif
     if
     :: LOAD(0, MINE) == 1 ->
        atomic { assert(!taken); given = true }
        store(0, MINE, 0)
     :: else
     fi;
#ifndef MARK_FIRST
     store(0, MARK, 1)
#endif
  fi;
  store(0, IN_RT, 0);
waits:
  skip
}

proctype Taker() {
  if
  :: LOAD(1, MARK) == 0 -> goto no
  :: else
  fi;
  store(1, STEAL, 1);
  FENCE(1);
  if
  :: LOAD(1, IN_RT) == 1 -> goto no
  :: else
  fi;
#ifndef ONE_LOOK
  if
  :: LOAD(1, MARK) == 0 -> goto no
  :: else
  fi;
#endif
  if
  :: LOAD(1, MINE) == 1 -> atomic { assert(!inside && !given); taken = true }
  :: else
  fi;
no:
  skip
}

init {
  atomic {
    mem[MARK] = 1;
    mem[MINE] = 1;
    run Machine();
    run Taker();
    run Buffer(0);
    run Buffer(1)
  }
}
