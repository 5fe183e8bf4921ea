#!/usr/bin/env python3
"""bench_mapreduce.py BUILD [FOLDER [ROW...]] - wall time of counting, grouping, searching and sorting.

Makes 1 GiB of words in 10 files, 1 GiB of JSON lines in 10, and 1 GiB of lines to sort in FOLDER
(default: a temporary one, removed at the end), by BUILD/tests/gorun_make_text, and 50 million
different keys, which are counted in 64 MiB of memory and in 8 GiB. Commands run in turn, gorun
(BUILD/gorun), its peers and the floor (mapreduce_floor.cc) interleaved, the cache warm; each time shown
is the best of its rounds, and the ratios are ours to the best peer's and to the floor's; of words also how much
faster all cores are than one, and how much 16 could be at most: one of them does a 16th of the words, with a table of
its own, in no less than it takes one core that has no more to do. The lines are sorted twice: with an eighth of the memory that they take, and with as much as is wanted. A peer that
is not installed is named and skipped; an answer that differs from gorun's ends the run. A ROW is one of
those printed; without one all are measured.

GORUN_BENCH_MIB=64 makes small corpora, GORUN_BENCH_ROUNDS says how many rounds (default 5). Peers
that take minutes (python3, jq) run once.
"""

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time

MIB = int(os.environ.get("GORUN_BENCH_MIB", "1024"))
ROUNDS = int(os.environ.get("GORUN_BENCH_ROUNDS", "5"))
CPUS = len(os.sched_getaffinity(0))

WORD_COUNT_PY = """
import collections, sys
counts = collections.Counter()
for name in sys.argv[1:]:
    with open(name, 'rb') as file:
        for line in file:
            counts.update(line.split())
for word, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:20]:
    print(word.decode(), count, sep='\\t')
"""


def job(*stages):
    return json.dumps({"gorun": 1, "stages": dict(stages)})


def rows(build, folder):
    """name -> {program: command}, gorun's first, whose outputs are the same bytes."""
    gorun, floor = f"{build}/gorun", f"{build}/tests/bench/mapreduce_floor"
    words, records, lines = f"{folder}/words", f"{folder}/json", f"{folder}/lines.txt"
    group = job(("files", {"kind": "walk", "root": records}), ("text", {"kind": "read", "from": "files"}),
                ("rows", {"kind": "split", "from": "text", "by": "json", "fields": {"status": "/status", "bytes": "/bytes"}}),
                ("sums", {"kind": "reduce", "from": "rows", "by": "status", "agg": "sum", "field": "bytes"}),
                ("out", {"kind": "write", "from": "sums", "format": "tsv"}))

    def keys(memory):
        return json.dumps({"limits": {"memory": memory}} | json.loads(job(
            ("files", {"kind": "glob", "pattern": f"{folder}/keys.txt"}), ("text", {"kind": "read", "from": "files"}),
            ("lines", {"kind": "split", "from": "text"}), ("counts", {"kind": "reduce", "from": "lines"}),
            ("out", {"kind": "write", "from": "counts", "format": "tsv"}))))

    def sort(memory):
        return job(("lines", {"kind": "lines", "path": lines}), ("sorted", {"kind": "sort", "from": "lines", "memory": memory}),
                   ("out", {"kind": "write", "from": "sorted"}))

    # As sort(1): its "8G" is far more than the lines and what sorting them takes, and so is our "4GiB".
    for name, text in (("group.json", group), ("keys.json", keys("64MiB")), ("keys-8GiB.json", keys("8GiB")),
                       ("sort.json", sort("128MiB")), ("sort-in-memory.json", sort("4GiB"))):
        with open(f"{folder}/{name}", "w", encoding="ascii") as file:
            file.write(text)
    rank = "LC_ALL=C sort -k1,1nr -k2 | awk 'NR <= 20 {print $2 \"\\t\" $1}'"
    total = "awk '{n += $1} END {print n}'"
    awk_group = "'{match($0, /\"status\":[0-9]+/); s = substr($0, RSTART + 9, RLENGTH - 9); match($0, /\"bytes\":[0-9]+/); n[s] += substr($0, RSTART + 8, RLENGTH - 8)} END {for (s in n) printf \"%s\\t%.0f\\n\", s, n[s]}'"
    duck_words = f"SELECT w, count(*) c FROM (SELECT unnest(string_split(l, ' ')) w FROM read_csv('{words}/*.txt', columns={{'l': 'VARCHAR'}}, delim='\\0', header=false, quote='')) GROUP BY w ORDER BY c DESC, w LIMIT 20"
    duck_keys = f"SELECT l, count(*) FROM read_csv('{folder}/keys.txt', columns={{'l': 'VARCHAR'}}, delim='\\0', header=false, quote='') GROUP BY l ORDER BY l"
    duck_group = f"SELECT status, sum(bytes) FROM read_json('{records}/*.jsonl', format='newline_delimited', columns={{status: 'INTEGER', bytes: 'BIGINT'}}) GROUP BY status ORDER BY status"
    count = {"gorun": "{gorun} count -e '{e}' --total {words}", "rg": "rg -c --no-filename -e '{e}' {words} | {total}",
             "grep": "LC_ALL=C grep -chE -e '{e}' {words}/*.txt | {total}", "ugrep": "ugrep -ch -e '{e}' {words}/*.txt | {total}"}

    def search(expression, is_literal=True):
        own = {"floor": f"{floor} mapping {words} '{expression}'", "by copies": f"{floor} lines {words} '{expression}'", "reading": f"{floor} reading {words}"} if is_literal else {}
        return {name: text.format(gorun=gorun, e=expression, words=words, total=total) for name, text in count.items()} | own

    return {
        "words": {
            "gorun": f"{gorun} count --top 20 {words}",
            "one core": f"{gorun} count --jobs 1 --top 20 {words}",
            "a 16th": f"{gorun} count --jobs 1 --top 20 {folder}/share.txt",
            "floor": f"{floor} words {words}",
            "reading": f"{floor} reading {words}",
            "duckdb": f"duckdb -noheader -list -separator '\t' -c \"{duck_words}\"",
            "mawk": f"mawk '{{for (i = 1; i <= NF; ++i) ++n[$i]}} END {{for (w in n) print n[w], w}}' {words}/*.txt | {rank}",
            "python3": f"python3 -c \"{WORD_COUNT_PY}\" {words}/*.txt",
        },
        "json": {
            "gorun": f"{gorun} -q {folder}/group.json",
            "floor": f"{floor} json {records}",
            "reading": f"{floor} reading {records}",
            "duckdb": f"duckdb -noheader -list -separator '\t' -c \"{duck_group}\"",
            "mawk": f"mawk {awk_group} {records}/*.jsonl | sort",
            "jq": f"cat {records}/*.jsonl | jq -n -r 'reduce inputs as $r ({{}}; .[$r.status | tostring] += $r.bytes) | to_entries | sort_by(.key)[] | \"\\(.key)\\t\\(.value)\"'",
        },
        "rare literal": search("quartzite"),
        "seldom literal": search("the"),
        "frequent literal": search("nb"),
        "regex": search("[a-z]+ing [a-z]+ed", is_literal=False),
        "different keys": {
            "gorun": f"{gorun} -q {folder}/keys.json",
            "in 8 GiB": f"{gorun} -q {folder}/keys-8GiB.json",
            "duckdb": f"duckdb -noheader -list -separator '\t' -c \"{duck_keys}\"",
        },
        "sort": {
            "gorun": f"{gorun} -q {folder}/sort.json",
            "sort": f"LC_ALL=C sort --parallel={CPUS} -S 128M {lines}",
        },
        "sort in memory": {
            "gorun": f"{gorun} -q {folder}/sort-in-memory.json",
            "copying": f"{floor} copying {lines}",
            "sort": f"LC_ALL=C sort --parallel={CPUS} -S 8G {lines}",
        },
    }


SLOW = {"python3", "jq"}
NO_ANSWER = {"reading", "copying", "a 16th"}
NO_PEERS = {"gorun", "one core", "floor", "by copies", "in 8 GiB"} | NO_ANSWER


def run(command, output):
    """Wall seconds, CPU seconds and peak KiB of the largest process."""
    with open(output, "wb") as out:
        before = time.monotonic()
        process = subprocess.Popen(["bash", "-c", "set -o pipefail; " + command], stdout=out)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - before
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{command}: exit status {process.returncode}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss


def make_keys(path):
    """As many different numbers as make 50 million for 1,024 MiB, in no order."""
    count, prime = 50_000_000 * MIB // 1024, 50_000_017
    with open(path, "w", encoding="ascii") as file:
        file.writelines(f"{i * 7919 % prime}\n" for i in range(count))


def make_share(folder):
    """A 16th of the words."""
    words = f"{folder}/words/{min(os.listdir(f'{folder}/words'))}"
    with open(f"{folder}/share.txt", "wb") as share:
        subprocess.run(["head", "-c", str(MIB * (1 << 20) // 16), words], stdout=share, check=True)


def measure(name, table, output):
    best = {}
    for turn in range(ROUNDS):
        for program, command in table.items():
            if turn > 0 and program in SLOW:
                continue
            wall, cpu, peak = run(command, f"{output}.{program}")
            if program not in best or wall < best[program][0]:
                best[program] = (wall, cpu, peak)
            if program in NO_ANSWER:
                continue
            same = subprocess.run(["cmp", f"{output}.gorun", f"{output}.{program}"], check=False)
            if same.returncode != 0:
                sys.exit(f"{name}: {program} and gorun disagree")
    return best


def main():
    build = os.path.abspath(sys.argv[1])
    given = sys.argv[2] if len(sys.argv) > 2 else None
    wanted = sys.argv[3:]
    folder = given or tempfile.mkdtemp(prefix="gorun-bench-mapreduce-")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        os.makedirs(folder, exist_ok=True)
        # In a process of its own: what is measured inherits the peak memory of who starts it.
        subprocess.run([f"{build}/tests/gorun_make_text", folder, str(MIB)], check=True)
        if not wanted or "different keys" in wanted:
            make_keys(f"{folder}/keys.txt")
        make_share(folder)
        print(f"{CPUS} cores, {MIB} MiB, best of {ROUNDS}; wall s, CPU s, peak MiB; the ratio is of wall times")
        for name, commands in rows(build, folder).items():
            if wanted and name not in wanted:
                continue
            table = {program: command for program, command in commands.items() if program in NO_PEERS or shutil.which(program)}
            best = measure(name, table, f"{folder}/output")
            peers = [wall for program, (wall, _, _) in best.items() if program not in NO_PEERS]
            title = name
            if peers:
                title += f"  ratio {best['gorun'][0] / min(peers):.3f}"
            if "one core" in best:
                title += f"  {best['one core'][0] / best['gorun'][0]:.2f} times as fast as on one core"
            if "a 16th" in best:
                title += f", on 16 {best['one core'][0] / best['a 16th'][0]:.1f} at most"
            if "floor" in best:
                title += f"  {best['gorun'][0] / best['floor'][0]:.2f} of the floor"
            print(title)
            for program, (wall, cpu, peak) in sorted(best.items(), key=lambda row: row[1]):
                print(f"  {program:10} {wall:7.3f} {cpu:7.3f} {peak / 1024:6.0f}", flush=True)
            for program in commands:
                if program not in table:
                    print(f"  {program:10} not installed")
    finally:
        if given is None:
            shutil.rmtree(folder)


main()
