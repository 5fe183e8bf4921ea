#!/usr/bin/env python3
"""bench_http.py GORUN SERVER FLOOR [COUNT [CONNECTIONS...]] - requests per second against a local server.

SERVER is the test server (tests/support/http_server_main.cc). COUNT requests (default 10,000) for a
page of 6 bytes, over 16, 64 and 256 connections, by the kind "http", by a Go client with as many
goroutines and, where it is installed, by wrk, which parses no more of an answer than it must. FLOOR
(http_floor.cc) is the least that a client on libcurl costs, with one thread and with one for each
processor, whichever is faster. The commands run in turn; each figure is the best of its rounds.
gorun's time is that of the whole command, start and end included; the others' are their own.

The ratio is gorun's rate to the peer's: 1 is as fast, more is faster.
GORUN_BENCH_ROUNDS says how many rounds (default 5).
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

ROUNDS = int(os.environ.get("GORUN_BENCH_ROUNDS", "5"))
HERE = os.path.dirname(os.path.abspath(__file__))


def run(command, **more):
    result = subprocess.run(command, capture_output=True, text=True, **more)
    if result.returncode != 0:
        sys.exit(f"bench_http: {' '.join(command)} failed:\n{result.stdout}{result.stderr}")
    return result.stdout


def rate_of_gorun(gorun, folder, url, count, connections):
    job = {"gorun": 1, "stages": {
        "numbers": {"kind": "lines", "path": f"{folder}/numbers"},
        "pages": {"kind": "http", "from": "numbers", "url": url, "workers": connections},
        "out": {"kind": "write", "from": "pages", "path": f"{folder}/out"}}}
    path = f"{folder}/job.json"
    with open(path, "w") as file:
        json.dump(job, file)
    start = time.monotonic()
    run([gorun, "-q", path])
    seconds = time.monotonic() - start
    with open(f"{folder}/out", "rb") as file:
        if file.read() != b"hello\n\n" * count:
            sys.exit("bench_http: gorun's answers are wrong")
    return count / seconds


def rate_of_wrk(url, connections):
    threads = min(connections, len(os.sched_getaffinity(0)))
    text = run(["wrk", "-t", str(threads), "-c", str(connections), "-d", "1s", url])
    return float(re.search(r"Requests/sec:\s+([\d.]+)", text).group(1))


def main():
    gorun, server, floor = (os.path.abspath(path) for path in sys.argv[1:4])
    count = int(sys.argv[4]) if len(sys.argv) > 4 else 10_000
    sizes = [int(size) for size in sys.argv[5:]] or [16, 64, 256]
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        os.environ.pop(name, None)
    with tempfile.TemporaryDirectory() as folder:
        go = None
        if shutil.which("go"):
            go = f"{folder}/httpbench"
            run(["go", "build", "-o", go, "."], cwd=f"{HERE}/go_http")
        with open(f"{folder}/numbers", "w") as file:
            file.writelines(f"{i}\n" for i in range(count))
        process = subprocess.Popen([server], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            url = f"http://127.0.0.1:{process.stdout.readline().strip()}/hello"
            print(f"{count:,} requests, {len(os.sched_getaffinity(0))} processors, best of {ROUNDS}, "
                  "requests per second")
            for connections in sizes:
                clients = {"gorun": lambda: rate_of_gorun(gorun, folder, url, count, connections)}
                if go:
                    clients["Go"] = lambda: count / float(run([go, url, str(count), str(connections)]))
                if shutil.which("wrk"):
                    clients["wrk"] = lambda: rate_of_wrk(url, connections)
                processors = len(os.sched_getaffinity(0))
                clients["libcurl"] = lambda: max(
                    count / float(run([floor, url, str(count), str(connections), str(threads)]))
                    for threads in sorted({1, processors}))
                best = dict.fromkeys(clients, 0.0)
                for _ in range(ROUNDS):
                    for name, measure in clients.items():
                        best[name] = max(best[name], measure())
                line = f"{connections:5} connections  gorun {best['gorun']:9,.0f}"
                for name in clients:
                    if name != "gorun":
                        line += f"   {name} {best[name]:9,.0f} (ratio {best['gorun'] / best[name]:.2f})"
                print(line, flush=True)
        finally:
            process.stdin.close()
            process.wait()


if __name__ == "__main__":
    main()
