#!/usr/bin/env python3
"""bench_hash.py BUILD [FOLDER [ROW...]] - wall time of hashing, gorun against its peers, side by side.

Makes three corpora in FOLDER (default: a temporary folder, removed at the end): 100,000 files of 1 to
16 KiB, 2,000 of 1 MiB, one of 2 GiB; the fourth is /usr. Commands run in turn, ours and the peers'
interleaved, the cache warm; each time shown is the best of its rounds, and the ratio is ours to the best
peer's. Only ratios mean something on a machine that others use as well. In brackets stands what no
hasher can beat (hash_floor.cc). An answer that differs ends the run. A ROW is "small,sha256" and the
like; without one all are measured, but /usr only at full scale.

GORUN_BENCH_SCALE=0.01 makes small corpora, GORUN_BENCH_ROUNDS says how many rounds (default 5).
"""

import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time

SCALE = float(os.environ.get("GORUN_BENCH_SCALE", "1"))
ROUNDS = int(os.environ.get("GORUN_BENCH_ROUNDS", "5"))
CPUS = len(os.sched_getaffinity(0))


def make_corpora(folder):
    """Fills `folder` with small/, middle/ and large/, unless they are there."""
    pick = random.Random(1)
    pool = pick.randbytes(4 << 20)

    def fill(name, count, per_directory, size_of):
        if os.path.exists(f"{folder}/{name}"):
            return
        for i in range(count):
            directory = f"{folder}/{name}/{i // per_directory // 32:02}/{i // per_directory:04}"
            if i % per_directory == 0:
                os.makedirs(directory, exist_ok=True)
            with open(f"{directory}/{i:06}", "wb") as file:
                size = size_of()
                while size > 0:
                    at = pick.randrange(len(pool) // 2)
                    size -= file.write(pool[at : at + min(size, len(pool) // 2)])

    fill("small", max(1, int(100_000 * SCALE)), 100, lambda: pick.randint(1024, 16384))
    fill("middle", max(1, int(2_000 * SCALE)), 100, lambda: 1 << 20)
    fill("large", 1, 1, lambda: max(1 << 20, int((2 << 30) * SCALE)))


def floors(build, folder, algorithm):
    """name -> shell command; these print nothing."""
    floor = f"{build}/tests/bench/hash_floor"
    table = {"[reading]": f"{floor} reading {folder}"}
    if algorithm == "blake3":
        table["[compute]"] = f"{floor} blake3 {folder}"
    if algorithm == "sha256" and os.path.basename(folder) == "large":
        table["[compute]"] = f"{floor} sha256 {folder}"
    return table


def commands(build, folder, algorithm):
    """name -> shell command; each prints a line a file, beginning with the digest."""
    ours = {"gorun": f"{build}/gorun hash -a {algorithm} {folder}"}
    each = f"find {folder} -type f -print0 | xargs -0 -n 64 -P {CPUS}"
    peers = {
        "sha256": {"sha256sum": f"{each} sha256sum", "openssl": f"{each} openssl dgst -sha256 -r",
                   "hashdeep": f"hashdeep -c sha256 -r -s -j {CPUS} {folder}"},
        "blake3": {"b3sum": f"{each} b3sum"},
        "xxh3-128": {"xxhsum": f"{each} xxhsum -q -H2"},
    }[algorithm]
    if folder == "/usr":
        peers.pop("hashdeep", None)  # it follows links
    return ours | {name: command for name, command in peers.items() if shutil.which(name)}


def digests(name, output):
    """The sorted digests of a command's output; a line with an escaped name begins with a backslash."""
    lines = [line for line in output.splitlines() if line and line[:1] not in (b"%", b"#")]
    field = (lambda line: line.split(b",")[1]) if name == "hashdeep" else (lambda line: line.split()[0])
    return sorted(field(line).lstrip(b"\\") for line in lines)


def run(command, output):
    """Wall seconds, CPU seconds and peak KiB of the largest process."""
    with open(output, "wb") as out:
        before = time.monotonic()
        process = subprocess.Popen(["sh", "-c", command], stdout=out, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - before
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{command}: exit status {process.returncode}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss


def check_answers(table, output):
    """True if all agree: a time counts only for the right answer. Peers run one at a time here: side by side they cut
    each other's lines."""
    answers = {}
    for name, command in table.items():
        run(command.replace(f"-P {CPUS}", "-P 1"), output)
        with open(output, "rb") as file:
            answers[name] = digests(name, file.read())
        if answers[name] != answers["gorun"]:
            print(f"{name} and gorun disagree: {table['gorun']}", file=sys.stderr, flush=True)
            return False
    return True


def measure(build, folder, algorithm, output):
    table = commands(build, folder, algorithm)
    best = {}
    # In a process of its own: what is measured inherits the peak memory of who starts it.
    checker = os.fork()
    if checker == 0:
        os._exit(0 if check_answers(table, output) else 1)
    if os.waitpid(checker, 0)[1] != 0:
        sys.exit(1)
    table |= floors(build, folder, algorithm)
    for _ in range(ROUNDS):
        for name, command in table.items():
            wall, cpu, peak = run(command, output)
            if name not in best or wall < best[name][0]:
                best[name] = (wall, cpu, peak)
    return best


def main():
    build = os.path.abspath(sys.argv[1])
    given = sys.argv[2] if len(sys.argv) > 2 else None
    rows = sys.argv[3:]
    folder = given or tempfile.mkdtemp(prefix="gorun-bench-hash-")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        make_corpora(folder)
        print(f"{CPUS} cores, best of {ROUNDS}; wall s, CPU s, peak MiB; the ratio is of wall times")
        for corpus in ("small", "middle", "large", "usr"):
            for algorithm in ("sha256", "blake3", "xxh3-128"):
                wanted = f"{corpus},{algorithm}" in rows if rows else (
                    corpus != "usr" or (algorithm == "sha256" and SCALE >= 1))
                if not wanted:
                    continue
                root = "/usr" if corpus == "usr" else f"{folder}/{corpus}"
                best = measure(build, root, algorithm, f"{folder}/output")
                peers = [wall for name, (wall, _, _) in best.items() if name != "gorun" and name[0] != "["]
                ratio = f"  ratio {best['gorun'][0] / min(peers):.2f}" if peers else ""
                print(f"{corpus}, {algorithm}{ratio}")
                for name, (wall, cpu, peak) in sorted(best.items(), key=lambda row: row[1]):
                    print(f"  {name:10} {wall:7.3f} {cpu:7.3f} {peak / 1024:6.0f}", flush=True)
    finally:
        if given is None:
            shutil.rmtree(folder)


main()
