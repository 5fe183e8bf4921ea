/* tests/model/spawn_queue.pml - the ring of spawned goroutines: the owner pushes and pops at the
 * bottom, last in first out, thieves take one at the top (runtime/sched/spawn_queue.h; the deque of
 * Chase and Lev), with 2 slots that grow to 4, 8, ... as many as GS needs.
 *
 *   push   full -> copy to a ring of twice the size, ring = that one; slot = G; bottom = bottom + 1
 *          (plain stores, in this order)
 *   pop    bottom = bottom - 1; fence; top = load; more than one left -> take it; the last one goes
 *          to whoever wins the CAS on top; nothing taken -> bottom back
 *   steal  top = load; bottom = load; ring = load; G = slot; CAS top, top + 1
 *
 * Safety: as in run_queue.pml, without the order.
 * Mutants: NO_POP_FENCE, NO_LAST_CAS (the owner takes the last one without asking), PUBLISH_FIRST,
 * STEAL_TWO (one CAS for two: why this queue cannot give half away), NO_FULL_CHECK, RING_FIRST (the
 * thief reads which ring it is before bottom), NO_COPY (growing forgets what waits).
 */

#define RINGS 3 /* ring r has 2 << r slots, from slot (2 << r) - 2 on */
#define SLOTS 14
#define AT_SLOT(ring, index) (SLOT + (2 << (ring)) - 2 + (index) % (2 << (ring)))
#ifndef GS
#define GS 6
#endif
#ifndef THIEVES
#define THIEVES 2
#endif
#ifndef STEALS
#define STEALS 3 /* by each thief */
#endif

#define NPROC (THIEVES + 1)
#define SB 2
#define TOP 0
#define BOTTOM 1
#define RING 2
#define SLOT 3
#define NVAR (SLOT + SLOTS)
#include "tso.pml"

bool taken[GS + 1];
byte total;

inline take(g) {
  atomic {
    assert(g > 0);
    assert(!taken[g]);
    taken[g] = true;
    total++
  }
}

proctype Owner() {
  byte n = 1, top, bottom, left, g, ring, i;
  bool ok;
  do
  :: n <= GS ->
     bottom = LOAD(0, BOTTOM);
     top = LOAD(0, TOP);
#ifndef NO_FULL_CHECK
     if
     :: ((bottom - top) & 255) >= (2 << ring) ->
        assert(ring + 1 < RINGS);
#ifndef NO_COPY
        i = top;
        do
        :: i != bottom ->
           g = LOAD(0, AT_SLOT(ring, i));
           store(0, AT_SLOT(ring + 1, i), g);
           i = (i + 1) & 255
        :: else -> break
        od;
#endif
        ring++;
        store(0, RING, ring);
        i = 0
     :: else
     fi;
#endif
#ifdef PUBLISH_FIRST
     store_sum(0, BOTTOM, 1);
     store(0, AT_SLOT(ring, bottom), n);
#else
     store(0, AT_SLOT(ring, bottom), n);
     store_sum(0, BOTTOM, 1);
#endif
     n++
  :: true ->
     bottom = LOAD(0, BOTTOM);
     if
     :: bottom == LOAD(0, TOP)
     :: else ->
        store_sum(0, BOTTOM, -1);
        bottom = (bottom + 255) & 255; /* of the last one */
#ifndef NO_POP_FENCE
        FENCE(0);
#endif
        top = LOAD(0, TOP);
        left = (bottom - top) & 255; /* without that one; 255 stands for -1 */
        if
        :: left == 255 -> store_sum(0, BOTTOM, 1)
        :: left == 0 ->
           g = LOAD(0, AT_SLOT(ring, bottom));
#ifdef NO_LAST_CAS
           ok = true;
           store_sum(0, TOP, 1);
#else
           cas(0, TOP, top, top + 1, ok);
#endif
           store_sum(0, BOTTOM, 1);
           if
           :: ok -> take(g)
           :: else
           fi
        :: else ->
           g = LOAD(0, AT_SLOT(ring, bottom));
           take(g)
        fi
     fi;
     if
     :: n > GS -> break
     :: else
     fi
  od
}

proctype Thief(byte p) {
  byte steals, top, left, g, h, ring;
  bool ok;
  do
  :: steals == STEALS -> break
  :: else ->
     steals++;
     top = LOAD(p, TOP);
#ifdef RING_FIRST
     ring = LOAD(p, RING);
#endif
     left = (LOAD(p, BOTTOM) - top) & 255;
#ifndef RING_FIRST
     ring = LOAD(p, RING);
#endif
     if
     :: left == 0 || left > 128
#ifdef STEAL_TWO
     :: left >= 2 && left <= 128 ->
        g = LOAD(p, AT_SLOT(ring, top));
        h = LOAD(p, AT_SLOT(ring, top + 1));
        cas(p, TOP, top, top + 2, ok);
        if
        :: ok -> take(g); take(h)
        :: else
        fi
#endif
     :: else ->
        g = LOAD(p, AT_SLOT(ring, top));
        cas(p, TOP, top, top + 1, ok);
        if
        :: ok -> take(g)
        :: else
        fi
     fi;
     atomic { top = 0; left = 0; g = 0; h = 0; ring = 0; ok = false }
  od
}

init {
  byte i;
  atomic {
    mem[TOP] = 254;
    mem[BOTTOM] = 254;
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
  assert(total + ((mem[BOTTOM] - mem[TOP]) & 255) == GS);
  do
  :: mem[TOP] != mem[BOTTOM] ->
     assert(!taken[mem[AT_SLOT(mem[RING], mem[TOP])]]);
     mem[TOP] = mem[TOP] + 1
  :: else -> break
  od
}
