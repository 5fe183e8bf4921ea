/* tests/model/handshake.pml - who owns the P when its M was in user code for too long?
 *
 *   enter()       in_rt = 1 (plain store); load steal; if set: enter_slow()
 *   leave()       in_rt = 0 (plain store)
 *   sysmon        lock; m = the P's M; steal = 1; membarrier; load in_rt: 0 -> the P is taken from m
 *                 and handed to another M, steal stays; 1 -> steal = 0; unlock
 *   enter_slow()  in_rt = 0; lock; steal = 0; in_rt = 1; unlock; P still mine -> go on; else an idle P; else that of
 *                 an M in a blocking call; else the goroutine to the global queue, look for an idle
 *                 P again, and the M sleeps
 *   blocking      mark = 1; in_rt = 0; the call; in_rt = 1; fence; mark = 0; load steal; as enter()
 *   take_from_blocked()  lock; m = the P's M; steal = 1; fence; in_rt 0 and, after that, mark 1 ->
 *                 the P is mine; else steal = 0; unlock. No membarrier: the mark promises the fence
 *
 * 1 P, 2 Ms, 2 goroutines, each of which goes through user code CALLS times; sysmon tries RETAKES
 * times, whenever it likes. With BLOCKING user code may be a blocking call. The membarrier is a barrier in every M, each at its own moment.
 *
 * Safety: in the runtime an M that believes it owns the P is alone with it, and reads what the last
 * owner wrote (the P's fields are plain memory). When nothing moves any more, both goroutines have
 * ended and the P is idle: no goroutine and no P got lost on the slow path.
 * Mutants: NO_MEMBARRIER, NO_RECHECK (sysmon believes the in_rt that it saw before the barrier),
 * NO_RETAKE_LOCK (enter_slow() does not wait for sysmon's decision), CHECK_FIRST (enter() looks at
 * steal before it stores in_rt), NO_WAKE (the queued goroutine's M does not look again), NO_MARK (the
 * P of an M that is not marked is taken like that of one that is), NO_FENCE (no fence on the way out
 * of a blocking call), STALE_OWNER (sysmon looks up the P's M before it has the lock).
 */

#ifndef CALLS
#define CALLS 2
#endif
#ifndef RETAKES
#define RETAKES 2
#endif

#define MS 2
#define NPROC 3 /* sysmon is 0, the Ms are 1 and 2 */
#define SB 2
#define IN_RT 0   /* + m */
#define STEAL 2   /* + m */
#define RETAKE 4  /* the retake lock */
#define MINE 5    /* + m: m->p, is the P m's? */
#define PM 7      /* p->m: 0, or the number of the M */
#define DATA 8    /* the P's fields */
#define LOCK 9    /* the scheduler's */
#define MARK 10   /* + m: in a blocking call */
#define NVAR 12
#include "tso.pml"

#define OF(word, m) (word + (m) - 1)

/* Under LOCK. Goroutines are counted by the calls they still have to make. */
bool p_idle;
bool asleep[MS + 1];
bool woken[MS + 1];
byte queued;            /* goroutines in the global queue ... */
byte calls_left[2];     /* ... and how many calls each of those has to make */

byte inside;            /* Ms at work on the P */
byte written;           /* what the last of them wrote to DATA */
byte ended;

inline push_g(calls) { calls_left[queued] = calls; queued++ }
inline pop_g(calls) { queued--; calls = calls_left[queued]; calls_left[queued] = 0 }

inline touch_p(by) {
  atomic { assert(inside == 0); inside++ }
  assert(LOAD(by, DATA) == written);
  atomic { nfull(sb[by]); written = 1 - written; }
  store(by, DATA, written);
  inside--
}

/* Wires the P to m and wakes m; under LOCK. */
inline hand_over(by, m) {
  store(by, OF(MINE, m), 1);
  store(by, PM, m)
}

/* The P of the other M, if that is in a blocking call. */
inline take_from_blocked(me, other, got) {
  got = false;
  lock(me, RETAKE);
  if
#ifdef NO_MARK
  :: LOAD(me, PM) == other ->
#else
  :: LOAD(me, PM) == other && LOAD(me, OF(MARK, other)) == 1 ->
#endif
     store(me, OF(STEAL, other), 1);
     FENCE(me);
     got = LOAD(me, OF(IN_RT, other)) == 0;
#ifndef NO_MARK
     got = got && LOAD(me, OF(MARK, other)) == 1;
#endif
     if
     :: got && LOAD(me, OF(MINE, other)) == 1 ->
        store(me, OF(MINE, other), 0);
        hand_over(me, me)
     :: else ->
        got = false;
        store(me, OF(STEAL, other), 0)
     fi
  :: else
  fi;
  unlock(me, RETAKE)
}

proctype Machine(byte me) {
  byte calls, steal;
  bool got;

sleeping:
end_sleeping:
  atomic { woken[me]; woken[me] = false }
next_g:
  touch_p(me);
  lock(me, LOCK);
  if
  :: queued > 0 -> atomic { pop_g(calls) }; unlock(me, LOCK)
  :: else ->
     store(me, OF(MINE, me), 0);
     store(me, PM, 0);
     atomic { FENCE(me); p_idle = true; asleep[me] = true }
     unlock(me, LOCK);
     goto sleeping
  fi;

running:
  touch_p(me);
  if
  :: true ->
     store(me, OF(IN_RT, me), 0);
     skip; /* user code */
#ifdef CHECK_FIRST
     steal = LOAD(me, OF(STEAL, me));
     store(me, OF(IN_RT, me), 1)
#else
     store(me, OF(IN_RT, me), 1);
     steal = LOAD(me, OF(STEAL, me))
#endif
#ifdef BLOCKING
  :: true ->
     store(me, OF(MARK, me), 1);
     store(me, OF(IN_RT, me), 0);
     skip; /* the blocking call */
     store(me, OF(IN_RT, me), 1);
#ifndef NO_FENCE
     FENCE(me);
#endif
     store(me, OF(MARK, me), 0);
     steal = LOAD(me, OF(STEAL, me))
#endif
  fi;
  calls--;
  if
  :: steal == 0
  :: else ->
     steal = 0;
#ifndef NO_RETAKE_LOCK
     store(me, OF(IN_RT, me), 0); /* out of the runtime: the decision need not fail for this M */
     lock(me, RETAKE);
#endif
     store(me, OF(STEAL, me), 0);
#ifndef NO_RETAKE_LOCK
     store(me, OF(IN_RT, me), 1);
     unlock(me, RETAKE);
#endif
     if
     :: LOAD(me, OF(MINE, me)) == 0 ->
        lock(me, LOCK);
        if
        :: p_idle ->
           p_idle = false;
           hand_over(me, me);
           unlock(me, LOCK)
        :: else ->
           unlock(me, LOCK);
#ifdef BLOCKING
           take_from_blocked(me, 3 - me, got);
#endif
           if
           :: got -> got = false
           :: else -> goto queue_up
           fi
        fi
     :: else
     fi
  fi;
  if
  :: calls > 0 -> goto running
  :: else -> ended++; goto next_g
  fi;

queue_up:
  lock(me, LOCK);
  atomic { push_g(calls); calls = 0; asleep[me] = true }
#ifndef NO_WAKE
  if
  :: p_idle -> /* became idle since this M looked */
     p_idle = false;
     asleep[me] = false;
     hand_over(me, me);
     unlock(me, LOCK);
     goto next_g
  :: else
  fi;
#endif
  unlock(me, LOCK);
  goto sleeping
}

proctype Sysmon() {
  byte n, m, in_rt;
  do
  :: n == RETAKES -> break
  :: else ->
     n++;
#ifdef STALE_OWNER
     m = LOAD(0, PM);
     lock(0, RETAKE);
#else
     lock(0, RETAKE);
     m = LOAD(0, PM);
#endif
     if
     :: m == 0 -> unlock(0, RETAKE)
     :: else ->
        store(0, OF(STEAL, m), 1);
#ifdef NO_RECHECK
        in_rt = LOAD(0, OF(IN_RT, m));
#endif
        FENCE(0);
#ifndef NO_MEMBARRIER
        FENCE(1);
        FENCE(2);
#endif
#ifndef NO_RECHECK
        in_rt = LOAD(0, OF(IN_RT, m));
#endif
        if
        :: in_rt == 0 && LOAD(0, OF(MINE, m)) == 1 ->
           store(0, OF(MINE, m), 0);
           store(0, PM, 0);
           unlock(0, RETAKE);
           lock(0, LOCK);
           m = 3 - m;
           if
           :: queued > 0 && asleep[m] ->
              hand_over(0, m);
              atomic { FENCE(0); asleep[m] = false; woken[m] = true }
           :: else -> p_idle = true
           fi;
           unlock(0, LOCK)
        :: else ->
           store(0, OF(STEAL, m), 0);
           unlock(0, RETAKE)
        fi
     fi;
     m = 0;
     in_rt = 0
  od
}

init {
  byte i;
  atomic {
    mem[OF(IN_RT, 1)] = 1;
    mem[OF(IN_RT, 2)] = 1;
    queued = 2;
    calls_left[0] = CALLS;
    calls_left[1] = CALLS;
    asleep[2] = true;
    woken[1] = true; /* M 1 starts with the P */
    mem[OF(MINE, 1)] = 1;
    mem[PM] = 1;
    run Machine(1);
    run Machine(2);
    run Sysmon();
    do
    :: i < NPROC -> run Buffer(i); i++
    :: else -> break
    od
  }
  timeout;
  assert(ended == 2);
  assert(p_idle);
  assert(queued == 0)
}
