/* tests/model/netpoll_home.pml - does whoever waits in the common set see the events of a home that
 * leaves it and comes back?
 *
 *   wait      waiting++; under the home's lock: if it is out of the common set, put it back; sleep
 *             there until something in it is ready, or until roused; look; waiting--
 *   leave     (the busy P whose home it is, now and then) in the set, and nobody waits: under the
 *             lock, if still nobody does: take it out
 *   event     the home becomes ready: whoever sleeps in the common set wakes, if the home is in it.
 *             So does who falls asleep later: a set is ready as long as what is in it
 *
 * One waiter is roused and leaves while the other one stays, as netpoll_break.pml has it. The busy P
 * looks a few times, and then computes and looks no more.
 *
 * Safety: when nothing can move any more, nobody sleeps while the home is ready.
 * Mutants: COUNT_LATE (waiting is raised after the home is back), ONE_LOOK (who leaves asks before it
 * has the lock, and not again), FLAG (who stops waiting says that nobody does), NO_JOIN.
 */

#ifndef LOOKS
#define LOOKS 2
#endif

/* A std::mutex and atomic counters, whose changes are locked instructions; the looks without the lock
 * are hints, checked again with it. So memory is taken to be sequentially consistent. */
bool held;
byte waiting;
bool in_common = true;
bool ready;
byte asleep; /* for good: nobody will rouse it */

#define LOCK atomic { !held -> held = true }
#define UNLOCK held = false

inline look() {
  ready = false
}

inline join() {
  LOCK;
#ifndef NO_JOIN
  if
  :: !in_common -> in_common = true
  :: else
  fi;
#endif
  UNLOCK
}

inline stop_waiting() {
#ifdef FLAG
  waiting = 0
#else
  waiting--
#endif
}

proctype Waiter(bool roused) {
#ifndef COUNT_LATE
  waiting++;
#endif
  join();
#ifdef COUNT_LATE
  waiting++;
#endif
  if
  :: roused -> skip
  :: else ->
     asleep++;
     atomic { (in_common && ready) -> asleep-- }
     look()
  fi;
  stop_waiting()
}

proctype Owner() {
  byte looks;

  do
  :: looks < LOOKS ->
     looks++;
     look();
     if
     :: in_common && waiting == 0 ->
        LOCK;
        if
#ifndef ONE_LOOK
        :: waiting > 0 -> skip
#endif
        :: else -> in_common = false
        fi;
        UNLOCK
     :: else
     fi
  :: else -> break
  od
}

proctype Event() { ready = true }

init {
  atomic {
    run Waiter(true);
    run Waiter(false);
    run Owner();
    run Event()
  }
  timeout;
  assert(!(ready && asleep > 0))
}
