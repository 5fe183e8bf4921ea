/* tests/model/netpoll_break.pml - does every M that is roused leave the netpoller, while several are
 * in it and share one eventfd?
 *
 *   sleep     under the lock: wake word = 0; with a P idle and no timekeeper this M becomes it and
 *             says that it polls; else it sleeps on its own word. Then the lock goes
 *   rouse     wake word = 1; if the M polls, write the eventfd, which stays readable; else wake its
 *             futex. With or without the lock, of an M that was chosen under it
 *   leave     under the lock: polls no more; if the eventfd was readable and no M that polls is
 *             roused: clear it, and if one is by now, write it again
 *
 * A timekeeper that was roused may be slow to leave, while the next one is in the netpoller already
 * and is roused as well: the first to leave must not clear the eventfd of the second.
 *
 * Wakers hand idle Ps to sleeping Ms, as Sched::m_for() and launch() do; a descriptor has an event of
 * its own. Safety: when nothing can move any more, every P has come back (an M that was handed one and
 * sleeps on holds it for ever), and nobody overlooked the event. Nor is an eventfd left readable,
 * which would make every later wait return at once: breaks that nobody asked for are counted.
 * Mutants: CLEAR_ALWAYS, NO_SECOND_LOOK, NO_CLEAR, POLLING_LATE, BREAK_FIRST.
 */

#define PS 2
#define MS 2 /* one slow to leave, and the next timekeeper */
#ifndef WAKES
#define WAKES 3
#endif

#define NOBODY 255

/* A std::mutex. Its ends are locked instructions, and between them an M stores all that it does: so
 * memory is taken to be sequentially consistent, but for the one store and load that x86 may swap
 * here, those of rouse(), which happen in both orders. */
bool held;

bool wake[MS];  /* an M's futex word */
bool polls[MS];

/* Under it. */
byte idle_ps = PS;
byte timekeeper = NOBODY;
bool idle[MS];
bool next_p[MS];

/* The kernel's. */
bool in_futex[MS];
bool eventfd;
bool fd_event;

byte vain; /* breaks seen since the last that somebody asked for */

#define ANY_ROUSED (polls[0] && wake[0] || polls[1] && wake[1])

inline break_wait() { atomic { eventfd = true; vain = 0 } }

inline notify(m, seen) {
  if
  :: seen -> break_wait()
  :: else -> in_futex[m] = false
  fi
}

inline rouse(m) {
#ifdef BREAK_FIRST
  notify(m, polls[m]);
  wake[m] = true
#else
  if
  :: wake[m] = true; notify(m, polls[m])
  :: seen = polls[m]; wake[m] = true; notify(m, seen)
  fi
#endif
}

byte wakes;

proctype Waker() {
  byte m;
  bool seen;
  do
  :: atomic { /* nothing that others see without the lock: one step */
       wakes < WAKES && !held;
       wakes++;
       m = NOBODY;
       if
       :: idle_ps > 0 ->
          if
          :: idle[0] -> m = 0; idle[0] = false
          :: !idle[0] && idle[1] -> m = 1; idle[1] = false
          :: !idle[0] && !idle[1] && timekeeper != NOBODY && idle_ps == 1 ->
             m = timekeeper;
             timekeeper = NOBODY
          :: else /* a thread would be started */
          fi;
          if
          :: m != NOBODY -> idle_ps--; next_p[m] = true
          :: else
          fi
       :: else
       fi
     }
     if
     :: m != NOBODY -> rouse(m)
     :: else
     fi
  :: wakes == WAKES -> break
  od
}

proctype Machine(byte m) {
  bool broken, found;

end_lock:
  atomic { !held; held = true }
again:
  atomic {
    broken = false;
    found = false;
    next_p[m] = false;
    wake[m] = false;
    if
    :: idle_ps > 0 && timekeeper == NOBODY -> goto keep_time
    :: else -> idle[m] = true; held = false
    fi
  }

sleep: /* on its own word */
  in_futex[m] = !wake[m]; /* the kernel looks again, and as one step */
end_idle:
  !in_futex[m];
  atomic {
    !held;
    wake[m] = false;
    if
    :: next_p[m] -> goto runs
    :: else -> goto sleep
    fi
  }

keep_time:
  atomic {
    timekeeper = m;
#ifndef POLLING_LATE
    polls[m] = true;
#endif
    held = false
  }
#ifdef POLLING_LATE
  polls[m] = true;
#endif
  if
  :: wake[m]
  :: else ->
end_wait:
     atomic {
       eventfd || fd_event;
       broken = eventfd;
       found = fd_event;
       fd_event = false
     }
  fi;
  atomic { !held; held = true; polls[m] = false }
  if
  :: broken ->
#ifdef CLEAR_ALWAYS
     eventfd = false
#else
     if
     :: ANY_ROUSED /* the break stands until the last of them has left */
     :: else ->
        atomic { vain++; assert(vain <= MS) }
#ifndef NO_CLEAR
        eventfd = false;
#ifndef NO_SECOND_LOOK
        if
        :: ANY_ROUSED -> break_wait()
        :: else
        fi
#endif
#endif
     fi
#endif
  :: else
  fi;
  atomic {
    if
    :: timekeeper == m -> timekeeper = NOBODY
    :: else
    fi;
    if
    :: next_p[m]
    :: !next_p[m] && found && idle_ps > 0 -> idle_ps--
    :: else -> goto again
    fi;
    held = false
  }

runs:
  atomic { !held; idle_ps++ } /* it has run its goroutines, and gives its P back */
  goto end_lock
}

proctype Network() { fd_event = true }

init {
  atomic {
    run Waker();
    run Waker();
    run Machine(0);
    run Machine(1);
    run Network()
  }
  timeout;
  assert(idle_ps == PS);
  assert(!fd_event);
  assert(timekeeper != NOBODY)
}
