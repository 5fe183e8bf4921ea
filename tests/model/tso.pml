/* tests/model/tso.pml - memory as x86 shows it (total store order), for the models beside it.
 *
 * A process p owns a first in, first out store buffer of SB entries. A store enters the buffer; a
 * load sees the newest buffered store of its own process to that word, else memory; the buffer
 * drains one store at a time whenever it likes. A locked instruction and a fence wait until the
 * buffer is empty. Loads are not reordered with each other, nor stores with each other: that is all
 * that x86 promises, and all that these models rely on. (AArch64 is weaker; there the acquire and
 * release orders of the C++ code carry the argument, which these models do not check.)
 *
 * Before the include: NPROC processes, NVAR words (bytes: they wrap at 256), SB entries.
 * Every model runs Buffer(p) for each of its processes p.
 */

byte mem[NVAR];
chan sb[NPROC] = [SB] of { byte, byte };
byte newest[NPROC * NVAR];  /* the value of the newest buffered store */
byte waiting[NPROC * NVAR]; /* how many stores to the word are buffered */

#define AT(p, word) ((p) * NVAR + (word))
#define LOAD(p, word) (waiting[AT(p, word)] > 0 -> newest[AT(p, word)] : mem[word])
#define FENCE(p) empty(sb[p])

inline store(p, word, value) {
  atomic {
    nfull(sb[p]);
    newest[AT(p, word)] = value;
    waiting[AT(p, word)]++;
    sb[p]!word,newest[AT(p, word)];
  }
}

/* A load, an addition and a store; for words that only this process stores, or that a lock guards. */
inline store_sum(p, word, by) {
  atomic {
    nfull(sb[p]);
    newest[AT(p, word)] = LOAD(p, word) + by;
    waiting[AT(p, word)]++;
    sb[p]!word,newest[AT(p, word)];
  }
}

/* Compare and swap: `ok` tells whether the word held `expected` and now holds `desired`. */
inline cas(p, word, expected, desired, ok) {
  atomic {
    FENCE(p);
    ok = (mem[word] == expected);
    if
    :: ok -> mem[word] = desired
    :: else
    fi
  }
}

inline add(p, word, by) {
  atomic {
    FENCE(p);
    mem[word] = mem[word] + by
  }
}

/* A lock is taken by a locked instruction and given back by a plain store. */
inline lock(p, word) {
  atomic {
    empty(sb[p]) && mem[word] == 0;
    mem[word] = 1
  }
}
inline unlock(p, word) { store(p, word, 0) }

proctype Buffer(byte p) {
  byte word, value;
end:
  do
  :: atomic {
       sb[p]?word,value;
       mem[word] = value;
       waiting[AT(p, word)]--;
       word = 0;
       value = 0
     }
  od
}
