#!/usr/bin/env python3
"""bench_exec.py BUILD_DIR - what running a command costs, gorun against its peers, side by side.

Three commands: `bare` (a program without a C library that only exits, so that the runner's own cost
shows), /bin/true, and sh -c :. Runners take turns, two commands in flight each; what is shown is
the best of the rounds: microseconds a command, as a ratio to the floor (two threads, each vfork,
execve, waitpid: exec/floor.cc) and to the best peer, CPU a command, and the peak memory of the
largest process. Each command gets an argument, as xargs cannot do without: with one /bin/true looks for
its language, which costs it as much as all the rest. make knows ":" and does not run it. Only ratios mean something on a machine that others use as well.

And a build: gorun's own runtime, by gorun (a job file of a stage for each source) and by ninja,
which is what it is held against; both must make the same objects.

GORUN_BENCH_JOBS=2000 commands a run (default 10000), GORUN_BENCH_ROUNDS=3 (default 5; builds: at
most 3), GORUN_BENCH_ONLY=bare,true,sh,build,long which commands, GORUN_BENCH_RUNNERS=floor,gorun which
runners.
"""

import filecmp
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

JOBS = int(os.environ.get("GORUN_BENCH_JOBS", "10000"))
ROUNDS = int(os.environ.get("GORUN_BENCH_ROUNDS", "5"))
SLOW = {"GNU parallel": 10}  # such a runner gets the JOBS divided by this, or nobody would wait


def commands(build):
    """name -> (words, the same for a shell)"""
    all_of_them = {
        "bare": [f"{build}/tests/bench/exec_bare"],
        "true": ["/bin/true"],
        "sh": ["/bin/sh", "-c", ":"],
    }
    return {name: words for name, words in all_of_them.items() if is_wanted(name)}


def is_wanted(name):
    only = os.environ.get("GORUN_BENCH_ONLY")
    return only is None or name in only.split(",")


def runners(build, folder, name, words, jobs):
    """name -> (words, standard input)"""
    given = [*words, "1"]
    line = " ".join(given)
    numbers = f"{folder}/numbers-{jobs}"
    with open(numbers, "w") as file:
        file.writelines(f"{i}\n" for i in range(jobs))
    lines = f"{folder}/{name}-lines-{jobs}"
    with open(lines, "w") as file:
        file.writelines(f"{line}\n" for _ in range(jobs))
    makefile = f"{folder}/{name}-{jobs}.mk"
    with open(makefile, "w") as file:
        targets = " ".join(f"t{i}" for i in range(jobs))
        file.write(f"all: {targets}\n.PHONY: all {targets}\n{targets}:\n\t@{line}\n")
    ninja = f"{folder}/{name}-{jobs}.ninja"
    with open(ninja, "w") as file:
        file.write(f"builddir = {folder}/{name}\nrule run\n  command = {line}\n")
        file.writelines(f"build t{i}: run\n" for i in range(jobs))
    gorun = f"{build}/gorun"
    found = {
        "floor": ([f"{build}/tests/bench/exec_floor", str(jobs), *given], None),
        "gorun raw": ([gorun, "map", "-j2", "--output", "raw", "--", *words], numbers),
        "gorun group": ([gorun, "map", "-j2", "--", *words], numbers),
        "xargs": (["xargs", "-P2", "-n1", *words], numbers),
        "xjobs": (["xjobs", "-j2", "-v0"], lines),
        "moreutils parallel": (["parallel.moreutils", "-j2", *words, "--",
                                *(str(i) for i in range(jobs))], None),
        "make": (["make", "-s", "-j2", "-f", makefile] if name != "sh" else [""], None),
        "ninja": (["ninja", "-j2", "--quiet", "-f", ninja], None),
        "GNU parallel": (["parallel", "--will-cite", "-j2", *words], numbers),
    }
    only = os.environ.get("GORUN_BENCH_RUNNERS")
    return {
        name: run
        for name, run in found.items()
        if (shutil.which(run[0][0]) or os.path.exists(run[0][0]))
        and (only is None or name in only.split(","))
    }


def measure(build, folder, words, stdin=None):
    """Wall and CPU seconds, and KiB."""
    result = f"{folder}/measured"
    with open(stdin, "rb") if isinstance(stdin, str) else (stdin or open(os.devnull, "rb")) as source:
        ended = subprocess.run([f"{build}/tests/bench/exec_measure", result, *words], stdin=source,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if ended.returncode != 0:
        sys.exit(f"{words[:4]} ended with {ended.returncode}")
    with open(result) as file:
        wall, cpu, peak = file.read().split()
    return float(wall), float(cpu), int(peak)


def compare(build, folder, name, words):
    contest = {}
    for runner in runners(build, folder, name, words, JOBS):
        jobs = max(1, JOBS // SLOW.get(runner, 1))
        contest[runner] = (jobs, runners(build, folder, name, words, jobs)[runner])
    best = {}
    for _ in range(ROUNDS):
        for runner, (jobs, run) in contest.items():
            wall, cpu, peak = measure(build, folder, *run)
            found = (wall / jobs * 1e6, cpu / jobs * 1e6, peak)
            if runner not in best or found[0] < best[runner][0]:
                best[runner] = found
    floor = best["floor"][0] if "floor" in best else None
    peers = [us for runner, (us, _, _) in best.items() if runner.split()[0] not in ("floor", "gorun")]
    print(f"{name}: {' '.join(words)}")
    for runner, (us, cpu, peak) in best.items():
        row = f"  {runner:<20}{us:8.1f} us {1e6 / us:8.0f}/s  cpu {cpu:8.1f} us {peak:8d} KiB"
        if floor:
            row += f"  {us / floor:6.2f} of the floor"
        if peers and runner.startswith("gorun"):
            row += f"  {us / min(peers):5.2f} of the best peer"
        print(row, flush=True)


def long_list(build, folder):
    """10,000 commands from ten million lines on standard input: peak memory; and the first command."""
    gorun = f"{build}/gorun"
    bare = f"{build}/tests/bench/exec_bare"
    scale = JOBS / 10_000
    lines = int(10_000_000 * scale)
    writer = subprocess.Popen(["seq", str(lines)], stdout=subprocess.PIPE)
    words = [gorun, "map", "-j2", "-n", "1000", "--", bare]
    wall, _, peak = measure(build, folder, words, writer.stdout)
    writer.wait()
    print(f"long list: {lines:,} lines, {lines // 1000:,} commands, {wall:.1f} s, "
          f"peak {peak / 1024:.1f} MiB")
    one = f"{folder}/one"
    with open(one, "w") as file:
        file.write("1\n")
    first = min(measure(build, folder, [gorun, "map", "--", bare], one)[0] for _ in range(20))
    print(f"one command, from start to end of gorun: {first * 1e3:.1f} ms")


def compile_commands(build, to):
    """name of the object -> (directory, command that compiles it to the directory `to`)"""
    with open(f"{build}/compile_commands.json") as file:
        entries = json.load(file)
    found = {}
    for entry in entries:
        if "/runtime/" in entry["file"] and entry["file"].endswith(".cc"):
            before, after = entry["command"].split(" -o ")
            name = os.path.basename(entry["file"])[:-3]
            found[name] = (entry["directory"],
                           f"{before} -o {to}/{name}.o {after.split(' ', 1)[1]}")
    return found


def ninja_file(commands_of, to):
    text = f"builddir = {to}\nrule compile\n  command = cd $dir && $line\n"
    for name, (directory, line) in commands_of.items():
        line = line.replace("$", "$$")
        text += f"build {to}/{name}.o: compile\n  dir = {directory}\n  line = {line}\n"
    return text


def job_file(commands_of):
    stages = {name: {"kind": "exec", "shell": line, "cwd": directory, "pool": "compilers"}
              for name, (directory, line) in commands_of.items()}
    return json.dumps({"gorun": 1, "pools": {"compilers": 2}, "stages": stages})


def compare_builds(build, folder):
    runs = {}
    for runner in ("ninja", "gorun"):
        to = f"{folder}/by-{runner}"
        path = f"{folder}/build.{runner}"
        commands_of = compile_commands(build, to)
        with open(path, "w") as file:
            file.write(ninja_file(commands_of, to) if runner == "ninja" else job_file(commands_of))
        words = {"ninja": ["ninja", "--quiet", "-j2", "-f", path], "gorun": [f"{build}/gorun", "-q", path]}
        runs[runner] = (to, words[runner])
    best = {}
    for _ in range(min(ROUNDS, 3)):
        for runner, (to, words) in runs.items():
            shutil.rmtree(to, ignore_errors=True)
            os.mkdir(to)
            wall, cpu, _ = measure(build, folder, words)
            best[runner] = min(best.get(runner, (wall, cpu)), (wall, cpu))
    objects = sorted(f"{name}.o" for name in compile_commands(build, ""))
    same, _, _ = filecmp.cmpfiles(runs["ninja"][0], runs["gorun"][0], objects, shallow=False)
    if len(same) != len(objects):
        sys.exit(f"the objects differ: {sorted(set(objects) - set(same))}")
    print(f"build: {len(objects)} sources, two at a time; all objects are the same")
    for runner, (wall, cpu) in best.items():
        print(f"  {runner:<20}{wall:8.2f} s  cpu {cpu:8.2f} s  {wall / best['ninja'][0]:6.3f} of ninja",
              flush=True)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    build = os.path.abspath(sys.argv[1])
    folder = tempfile.mkdtemp(prefix="gorun-bench-exec-")
    try:
        for name, words in commands(build).items():
            compare(build, folder, name, words)
        if "GORUN_BENCH_RUNNERS" not in os.environ:
            if is_wanted("build") and shutil.which("ninja"):
                compare_builds(build, folder)
            if is_wanted("long"):
                long_list(build, folder)
    finally:
        shutil.rmtree(folder)


main()
