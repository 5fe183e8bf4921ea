/* tests/model/run_queue.pml - the ring of ready goroutines: the owner pushes at the tail and pops at
 * the head, thieves take half at the head (runtime/sched/run_queue.h), with 4 slots.
 *
 *   push       head = load; full -> no; slot = G; tail = tail + 1 (plain stores, in this order)
 *   pop        head = load; G = slot; CAS head, head + 1; again if a thief was first
 *   grab half  head, tail = loads; copy half, rounded up; CAS head, head + count; again if not
 *
 * Indices are bytes that start at 254, so they wrap around on the way. Goroutines are numbered in
 * the order of their pushes.
 *
 * Safety: nobody takes a goroutine twice, or a slot without one; a batch fits the thief's array; each
 * taker sees rising numbers; at the end all are taken or still lie between head and tail.
 * Mutants: PUBLISH_FIRST (tail before slot), STORE_HEAD (a thief stores head, no CAS), NO_FULL_CHECK,
 * NO_COUNT_CHECK (believes a head and a tail that were read apart), POP_STORE_HEAD.
 */

#define SLOTS 4
#ifndef GS
#define GS 6
#endif
#ifndef THIEVES
#define THIEVES 2
#endif
#ifndef GRABS
#define GRABS 2 /* by each thief */
#endif

#define NPROC (THIEVES + 1)
#define SB 2
#define HEAD 0
#define TAIL 1
#define SLOT 2
#define NVAR (SLOT + SLOTS)
#include "tso.pml"

bool taken[GS + 1];
byte total;

inline take(g) {
  atomic {
    assert(g > 0);
    assert(!taken[g]);
    assert(g > last);
    taken[g] = true;
    total++;
    last = g
  }
}

proctype Owner() {
  byte n = 1, head, tail, g, last;
  bool ok;
  do
  :: n <= GS ->
     head = LOAD(0, HEAD);
     tail = LOAD(0, TAIL);
#ifdef NO_FULL_CHECK
     if
     :: true ->
#else
     if
     :: ((tail - head) & 255) < SLOTS ->
#endif
#ifdef PUBLISH_FIRST
        store_sum(0, TAIL, 1);
        store(0, SLOT + tail % SLOTS, n);
#else
        store(0, SLOT + tail % SLOTS, n);
        store_sum(0, TAIL, 1);
#endif
        n++
#ifndef NO_FULL_CHECK
     :: else -> goto pop /* the runtime sheds half to the global queue; here it makes room */
#endif
     fi
  :: true ->
pop: head = LOAD(0, HEAD);
     do
     :: head == LOAD(0, TAIL) -> break
     :: else ->
        g = LOAD(0, SLOT + head % SLOTS);
#ifdef POP_STORE_HEAD
        store_sum(0, HEAD, 1);
        ok = true;
#else
        cas(0, HEAD, head, head + 1, ok);
#endif
        if
        :: ok -> take(g); break
        :: else -> head = LOAD(0, HEAD)
        fi
     od;
     if
     :: n > GS -> break
     :: else
     fi
  od
}

proctype Thief(byte p) {
  byte grabs, head, count, i, last;
  byte batch[SLOTS];
  bool ok;
  do
  :: grabs == GRABS -> break
  :: else ->
     grabs++;
again:
     head = LOAD(p, HEAD);
     count = (LOAD(p, TAIL) - head) & 255;
     count = count - count / 2;
     if
     :: count == 0 -> goto next
#ifndef NO_COUNT_CHECK
     :: count > SLOTS / 2 -> goto again
#endif
     :: else
     fi;
     assert(count <= SLOTS / 2);
     i = 0;
     do
     :: i < count -> batch[i] = LOAD(p, SLOT + (head + i) % SLOTS); i++
     :: else -> break
     od;
#ifdef STORE_HEAD
     ok = (LOAD(p, HEAD) == head);
     if
     :: ok -> store(p, HEAD, head + count)
     :: else
     fi;
#else
     cas(p, HEAD, head, head + count, ok);
#endif
     if
     :: !ok -> goto again
     :: else
     fi;
     i = 0;
     do
     :: i < count -> take(batch[i]); i++
     :: else -> break
     od;
next:
     atomic { i = 0; count = 0; head = 0; batch[0] = 0; batch[1] = 0; batch[2] = 0; batch[3] = 0 }
  od
}

init {
  byte i;
  atomic {
    mem[HEAD] = 254;
    mem[TAIL] = 254;
    run Owner();
    do
    :: i < THIEVES -> i++; run Thief(i)
    :: else -> break
    od;
    i = 0;
    do
    :: i < NPROC -> run Buffer(i); i++
    :: else -> break
    od
  }
  timeout;
  assert(total + ((mem[TAIL] - mem[HEAD]) & 255) == GS);
  do
  :: mem[HEAD] != mem[TAIL] ->
     assert(!taken[mem[SLOT + mem[HEAD] % SLOTS]]);
     mem[HEAD] = mem[HEAD] + 1
  :: else -> break
  od
}
