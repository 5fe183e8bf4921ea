#!/usr/bin/env python3
"""Compares the runtime's microbenchmarks with the same ones in Go, interleaved on this machine.

    tests/bench/bench_runtime.py --build-dir build/release [--rounds 4] [--procs 1,2] [NAME...]

Builds runtime_bench and runtime_limits in the build directory and the Go program beside them, runs
each benchmark in turns, and prints the median of each figure, the ratio, the ratio it should stay
under, and the floor of this machine where one is known. Who goes first changes from round to round.

Others on the same machine make it slower for minutes at a time, and not both programs alike: who
shares a core has half of its room for stores, and locked instructions cost what they cost. So there
is a second ratio, that of the best figures of all rounds. A row that meets its target only there is
"met at best". What the machine can do is measured before and after: a floor that differs much tells
of such a time.

A virtual machine gives memory that is free for a while back to its host, and who touches it first
pays for getting it again. Benchmarks of much memory are run twice in a row, for the first to get
it, and the second counts.

A benchmark that fails or takes too long shows as "failed"; the exit status is then 1. Without a Go
compiler the columns of Go stay empty. A figure that misses its target does not change the exit
status.
"""

import argparse
import os
import pathlib
import shutil
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent

# At most this part of Go's time (or memory), at 1 and 2 Ps.
TARGETS = {
    "spawn_batch1000": 0.25,
    "yield2": 0.18,
    "yield1000": 0.25,
    "pingpong": 0.30,
    "spsc128": 0.50,
    "mpmc8x8_128": 0.50,
    "select2": 0.35,
    "select8": 0.35,
    "mutex1": 0.40,
    "mutex8": 0.40,
    "skynet1M": 0.12,
    "fib30": 0.12,
    "sieve2000": 0.35,
    "ring1000_hop": 0.22,
    "park1M_create": 0.6,
    "park1M_wakeall": 0.5,
    "park1M_rss": 1.6,
    "timer_newstop": 0.25,
    "timer_newstop_10k": 0.25,
    "sleep100k_wall": 0.5,
    "pfor10M": 0.75,
}

# At least this multiple of Go's rate.
TARGET_RATES = {"tcpecho64": 1.3}

# At most this, whatever Go's figure is.
TARGET_FIGURES = {"idle_cpu": 0.1}

# Whose goroutines run one at a time, so that a second P can only be in the way; and how much slower
# it may make them.
ONE_AT_A_TIME = ["spawn_one", "pingpong", "select2", "select8", "mutex1", "ring1000_hop",
                 "timer_newstop"]
SECOND_P_TARGET = 1.15

# Benchmarks that wait for most of their time: once is enough.
ONCE = {"idle"}

# Benchmarks that touch gigabytes, or hundreds of megabytes in less than a second.
OF_MEMORY = {"park100k", "park1m", "sleepers"}

# The figure of runtime_limits below which ours cannot fall, how many of it an operation needs, and
# from how many Ps on that holds.
FLOORS = {
    "yield1": ("context_switch", 1, 1),
    "yield2": ("context_switch", 1, 1),
    "yield1000": ("context_switch", 1, 1),
    "pingpong": ("context_switch", 2, 1),
    "ring1000_hop": ("context_switch", 1, 1),
    "select2": ("context_switch", 2, 1),
    "select8": ("context_switch", 2, 1),
    "mutex1": ("atomic_rmw", 2, 2),  # with a single P no locked instruction is needed
    "mutex8": ("lock_word", 1, 2),
    "getppid_syscall": ("system_call", 1, 1),
    "blockread_pingpong": ("system_call", 4, 1),
}

# Floors that depend on the number of Ps.
GUARDED_PAGE = {1: "guarded_page_1_thread", 2: "guarded_page_2_threads"}
FLOORS_BY_PROCS = {
    "park100k_create": GUARDED_PAGE,
    "park1M_create": {1: "guarded_page_of_1M_1_thread", 2: "guarded_page_of_1M_2_threads"},
    "sleep100k_wall": GUARDED_PAGE,
    "tcpecho64": {1: "tcp_echo_ring_1_thread", 2: "tcp_echo_ring_2_threads"},
}
# In the row's unit, of a figure of runtime_limits.
FLOORS_OF_FIGURE = {
    # The last of 100,000 begins to sleep when all have a page, and sleeps for 100 ms.
    "sleep100k_wall": lambda page_ns: 100 + page_ns * 100_000 / 1e6,
}

HIGHER_IS_BETTER = {"blockread_compute_progress", *TARGET_RATES}
TIME_LIMIT_S = 120


def parse_figures(text):
    """{name: (value, unit)} from lines of name, value, unit."""
    figures = {}
    for line in text.splitlines():
        name, value, unit = line.split("\t")
        figures[name] = (float(value), unit)
    return figures


def run_figures(command, environment):
    """The figures that `command` prints, or None (with its complaint on stderr) if it fails."""
    try:
        done = subprocess.run(command, env={**os.environ, **environment}, text=True,
                              capture_output=True, timeout=TIME_LIMIT_S, check=False)
    except subprocess.TimeoutExpired:
        print(f"{' '.join(command)}: no end after {TIME_LIMIT_S} s", file=sys.stderr)
        return None
    if done.returncode != 0:
        print(f"{' '.join(command)}: status {done.returncode}: {done.stderr.strip()}",
              file=sys.stderr)
        return None
    return parse_figures(done.stdout)


def build(build_dir):
    """Paths of the three programs; that of Go is None where there is no Go compiler."""
    subprocess.run(["cmake", "--build", build_dir, "--target", "runtime_bench", "runtime_limits"],
                   check=True, stdout=subprocess.DEVNULL)
    programs = build_dir / "tests" / "bench"
    go_program = None
    if shutil.which("go"):
        go_program = programs / "gobench"
        subprocess.run(["go", "build", "-o", go_program, "."], cwd=HERE / "go", check=True,
                       env={**os.environ, "GOTOOLCHAIN": "local", "GOFLAGS": "-buildvcs=false"})
    return programs / "runtime_bench", programs / "runtime_limits", go_program


class Samples:
    """Figures of several rounds, by (program, procs, name)."""

    def __init__(self):
        self.values = {}
        self.units = {}
        self.order = []
        self.failed = []

    def add(self, program, procs, figures):
        for name, (value, unit) in figures.items():
            if name not in self.units:
                self.order.append(name)
            self.units[name] = unit
            self.values.setdefault((program, procs, name), []).append(value)

    def median(self, program, procs, name):
        values = self.values.get((program, procs, name))
        return statistics.median(values) if values else None

    def best(self, program, procs, name):
        values = self.values.get((program, procs, name))
        if not values:
            return None
        return max(values) if name in HIGHER_IS_BETTER else min(values)


def measure(names, rounds, all_procs, ours, gos):
    samples = Samples()
    programs = [("ours", ours, "GORUN_PROCS"), ("go", gos, "GOMAXPROCS")]
    for round_number in range(rounds):
        if round_number > 0:
            programs.reverse()
        for name in names:
            if round_number > 0 and name in ONCE:
                continue
            for procs in all_procs:
                print(f"\rround {round_number + 1} of {rounds}: {name} at {procs} P    ",
                      end="", file=sys.stderr, flush=True)
                for program, command, variable in programs:
                    if command is None:
                        continue
                    for _ in range(2 if name in OF_MEMORY else 1):
                        figures = run_figures([str(command), name], {variable: str(procs)})
                    if figures is None:
                        samples.failed.append(f"{program} {name} at {procs} P")
                    else:
                        samples.add(program, procs, figures)
    print("\r" + " " * 60 + "\r", end="", file=sys.stderr)
    return samples


def shown(value):
    if value is None:
        return "-"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def ratio_of(ours, gos):
    return ours / gos if ours is not None and gos else None


def verdict_on(ratio, best, is_met):
    """What is to be said of a row whose ratio of medians and of best figures these are."""
    if is_met(ratio):
        return "met"
    return "met at best" if is_met(best) else "missed"


def floor_of(name, procs, limits):
    limit, times, from_procs = FLOORS.get(name, (None, 1, 1))
    if name in FLOORS_BY_PROCS:
        limit = FLOORS_BY_PROCS[name].get(procs)
    if limit not in limits or procs < from_procs:
        return None
    figure = limits[limit][0] * times
    return FLOORS_OF_FIGURE[name](figure) if name in FLOORS_OF_FIGURE else figure


def print_table(samples, all_procs, limits):
    row = "{:<28}{:>3}{:>12}{:>12}  {:<6}{:>8}{:>9}{:>8}  {:<12}{:>9}"
    print(row.format("benchmark", "P", "ours", "Go", "unit", "ratio", "of best", "target", "",
                     "floor"))
    for name in samples.order:
        for procs in all_procs:
            ours = samples.median("ours", procs, name)
            gos = samples.median("go", procs, name)
            if ours is None and gos is None:
                continue
            ratio = ratio_of(ours, gos)
            best = ratio_of(samples.best("ours", procs, name), samples.best("go", procs, name))
            target = TARGETS.get(name, TARGET_RATES.get(name))
            verdict = ""
            figure_target = TARGET_FIGURES.get(name)
            if ratio is not None and target is not None:
                verdict = verdict_on(ratio, best, lambda value: value >= target
                                     if name in TARGET_RATES else value <= target)
            elif figure_target is not None and ours is not None:
                target = f"{figure_target} {samples.units[name]}"
                verdict = "met" if ours <= figure_target else "missed"
            elif name in HIGHER_IS_BETTER:
                verdict = "(more is better)"
            print(row.format(name, procs, shown(ours), shown(gos), samples.units[name],
                             shown(ratio), shown(best),
                             target if isinstance(target, str) else shown(target), verdict,
                             shown(floor_of(name, procs, limits))))
    print_second_p(samples, all_procs)


def print_second_p(samples, all_procs):
    """What a second P costs those that have no use for it."""
    if not {1, 2} <= set(all_procs):
        return
    row = "{:<31}{:>12}{:>12}  {:<6}{:>8}{:>9}{:>8}  {:<12}{:>9}"
    print("\n" + row.format("one goroutine at a time", "ours, 1 P", "2 P", "unit", "ratio",
                            "of best", "target", "", "Go's"))
    for name in ONE_AT_A_TIME:
        ours = [samples.median("ours", procs, name) for procs in (1, 2)]
        gos = [samples.median("go", procs, name) for procs in (1, 2)]
        if None in ours:
            continue
        ratio = ours[1] / ours[0]
        best = samples.best("ours", 2, name) / samples.best("ours", 1, name)
        print(row.format(name, shown(ours[0]), shown(ours[1]), samples.units[name], shown(ratio),
                         shown(best), shown(SECOND_P_TARGET),
                         verdict_on(ratio, best, lambda value: value <= SECOND_P_TARGET),
                         shown(None if None in gos else gos[1] / gos[0])))


def better_of(before, after):
    """{name: (value, unit)} of two runs of runtime_limits."""
    better = dict(before)
    for name, (value, unit) in after.items():
        pick = max if unit == "req/s" else min
        better[name] = (pick(value, before.get(name, (value, unit))[0]), unit)
    return better


def print_limits(before, after):
    print(f"\n{'limits of this machine':<31}{'before':>12}{'after':>12}")
    for name, (value, unit) in before.items():
        later = after.get(name, (None, unit))[0]
        print(f"{name:<31}{shown(value):>12}{shown(later):>12}  {unit}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build-dir", required=True, type=pathlib.Path,
                        help="a configured CMake build of release type")
    parser.add_argument("--rounds", type=int, default=4,
                        help="an even number lets both go first as often; default: 4")
    parser.add_argument("--procs", default="1,2", help="numbers of Ps, separated by commas")
    parser.add_argument("names", nargs="*", metavar="NAME", help="benchmarks; default: all")
    arguments = parser.parse_args()
    all_procs = [int(text) for text in arguments.procs.split(",")]
    build_dir = arguments.build_dir.resolve()

    ours, limits_program, gos = build(build_dir)
    names = arguments.names
    if not names:
        names = subprocess.run([ours], check=True, text=True, capture_output=True).stdout.split()
    limits = run_figures([str(limits_program)], {}) or {}
    samples = measure(names, arguments.rounds, all_procs, ours, gos)
    limits_after = run_figures([str(limits_program)], {}) or {}
    print_table(samples, all_procs, better_of(limits, limits_after))
    print_limits(limits, limits_after)
    for what in samples.failed:
        print(f"failed: {what}")
    return 1 if samples.failed or not limits else 0


if __name__ == "__main__":
    sys.exit(main())
