/* tests/model/select_claim.pml - a parked select has several wakers; one of them gets through.
 *
 *   select   lock all channels; claim = 0; a waiter on each; save the registers; then arm the timer
 *            and unlock (the commit of the park); once woken: lock each loser's channel, one after
 *            the other, and take its waiter off; stop the timer; only then do the waiters' slots die
 *   waker    lock the channel; take its waiter off; CAS claim 0 -> 1; won: fill the slot, unlock,
 *            make the goroutine ready; lost: unlock and look for the next waiter
 *   timer    lock the heap; take the event off; CAS claim; won: unlock and make ready
 *
 * One goroutine selects ROUNDS times over channels A and B with a timeout; a waker per channel
 * offers OFFERS values. The claim word is touched by locked instructions, or before the unlock that
 * publishes the waiters, so memory may be sequentially consistent here.
 *
 * Safety: exactly one case per round; no waiter is touched and no slot filled outside its round;
 * nobody is made ready before its registers are saved; a claim is never won without waking.
 * Mutants: NO_CAS, NO_DEQUEUE, LATE_RESET (claim = 0 after the waiters are published), UNLOCK_EARLY
 * (the channels are unlocked before the registers are saved), NO_TIMER_STOP, LOCK_QUEUED_ONLY (a
 * waiter that is off its list is not waited for).
 */

#ifndef ROUNDS
#define ROUNDS 2
#endif
#define TIMED_OUT 2
#ifndef OFFERS
#define OFFERS 2
#endif

bool channel[2];  /* locks */
bool heap;        /* lock */
byte waiter[2];   /* 0, or the round whose select waits there */
byte armed;       /* 0, or the round whose timeout is in the heap */
bool claimed;
bool saved;       /* the goroutine's registers are in memory: it may run elsewhere */
bool ready;
byte round;       /* whose slots are alive; 0 between rounds */
byte fills;       /* in this round */
byte fired;       /* the channel that won it; TIMED_OUT: none */
byte rounds_done;

/* The claim lives as long as the slots do. */
inline claim(whose, won) {
#ifdef NO_CAS
  won = !claimed;
  atomic { assert(round == whose); claimed = true }
#else
  atomic { assert(round == whose); won = !claimed; claimed = true }
#endif
}

inline fill(whose) {
  atomic { assert(round == whose); fills++; assert(fills == 1) }
}

inline make_ready() {
  atomic { assert(saved); assert(!ready); saved = false; ready = true }
}

inline lock_both() {
  atomic { !channel[0]; channel[0] = true }
  atomic { !channel[1]; channel[1] = true }
}

/* Also where the waiter is off already: its taker may be about to lose the claim. */
inline take_off(c) {
  if
  :: fired == c
#ifdef LOCK_QUEUED_ONLY
  :: fired != c && waiter[c] == 0
  :: fired != c && waiter[c] != 0 ->
#else
  :: else ->
#endif
     atomic { !channel[c]; channel[c] = true }
     waiter[c] = 0;
     channel[c] = false
  fi
}

proctype Selector() {
  byte r;
  do
  :: r == ROUNDS -> break
  :: else ->
     r++;
     lock_both();
     atomic { round = r; fills = 0; fired = TIMED_OUT }
#ifndef LATE_RESET
     claimed = false;
#endif
     waiter[0] = r;
     waiter[1] = r;
#ifdef UNLOCK_EARLY
     channel[1] = false;
     channel[0] = false;
#endif
     saved = true;
     atomic { !heap; heap = true }
     armed = r;
     heap = false;
#ifndef UNLOCK_EARLY
     channel[1] = false;
     channel[0] = false;
#endif
#ifdef LATE_RESET
     claimed = false;
#endif
end_parked:
     atomic { ready; ready = false }
#ifndef NO_DEQUEUE
     take_off(0);
     take_off(1);
#endif
#ifndef NO_TIMER_STOP
     atomic { !heap; heap = true }
     armed = 0;
     heap = false;
#endif
     atomic { assert(fills == 1); round = 0; rounds_done++ }
  od
}

proctype Waker(byte c) {
  byte offers, whose;
  bool won;
  do
  :: offers == OFFERS -> break
  :: else ->
     offers++;
     atomic { !channel[c]; channel[c] = true }
     won = false;
     whose = waiter[c];
     if
     :: whose == 0
     :: else -> atomic { assert(round == whose); waiter[c] = 0 } claim(whose, won)
     fi;
     if
     :: won -> fired = c; fill(whose)
     :: else
     fi;
     channel[c] = false;
     if
     :: won -> make_ready()
     :: else
     fi
  od
}

proctype Timer() {
  byte whose, n;
  bool won;
end:
  do
  :: armed > 0 ->
     atomic { !heap; heap = true }
     won = false;
     whose = armed;
     if
     :: whose == 0
     :: else -> armed = 0; claim(whose, won)
     fi;
     if
     :: won -> fill(whose)
     :: else
     fi;
     heap = false;
     if
     :: won -> make_ready()
     :: else
     fi
  od
}

init {
  atomic { run Selector(); run Waker(0); run Waker(1); run Timer() }
  timeout;
  assert(rounds_done == ROUNDS)
}
