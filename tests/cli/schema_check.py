"""Compares the verdicts of `gorun schema` and `gorun check`: python3 schema_check.py GORUN SEED COUNT.

Good files: both accept. Files whose keys or types are wrong: both refuse. Then COUNT random
changes of the good files: what the schema refuses, `check` refuses as well, and the other way round
but for what no schema can know (beyond_schema.py). Prints every disagreement.
"""
import copy
import json
import pathlib
import random
import subprocess
import sys
import tempfile

import jsonschema

sys.dont_write_bytecode = True  # not beside the sources
sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from beyond_schema import unexplained

GORUN, SEED, COUNT = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
SCHEMA = json.loads(subprocess.run([GORUN, "schema"], capture_output=True, check=True).stdout)
jsonschema.Draft202012Validator.check_schema(SCHEMA)
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)

ECHO = {"kind": "exec", "argv": ["echo"]}
GOOD = [
    {"gorun": 1, "stages": {"a": ECHO}},
    {"gorun": 1.0, "x-mine": [1], "name": "n", "vars": {"a": 1, "b": True, "c": "x",
        "d": {"default": 2.5, "enum": [2.5, "y"], "required": False, "secret": True, "env": "NO_SUCH", "x-n": 1}},
     "env": {"A": "${{ vars.a }}", "B": 2, "C": False}, "limits": {"procs": "auto", "x-l": 0, "open_files": 1000}, "fail": "fast",
     "report": {"junit": "j.xml", "trace": "t.json", "summary": "${{ vars.c }}.json", "html": "r.html", "github": "auto", "x-r": 1},
     "pools": {"p": 4, "q": "${{ vars.a }}"}, "targets": {"default": "a", "more": ["a", "b"]},
     "defaults": {"workers": "cpus", "buffer": 5, "stdin": "none", "weight": 1, "x-d": None},
     "stages": {"a": {**ECHO, "if": "vars.b", "needs": ["b"], "when": "always", "pool": "p", "weight": 2,
                      "env": {"X": "${{ run.status }}"}, "ok_codes": [0, 1], "cwd": ".", "x-s": {}},
                "b": {"kind": "exec", "shell": "true", "stdout": "discard", "ok_codes": 3, "if": True,
                      "matrix": {"k": [1, "b", True]}, "workers": 3, "needs": []}}},
    {"gorun": 1, "limits": {"procs": 3}, "report": {"github": False}, "stages": {
        "w": {"kind": "walk", "root": ["a", "b"], "include": "*.c", "type": "any", "hidden": False,
              "max_depth": 3, "min_size": "4KiB", "max_size": "10 MB", "sort": True, "symlinks": "follow"},
        "g": {"kind": "glob", "pattern": "*.c", "exclude": ["x"]},
        "l": {"kind": "lines", "path": "f", "delimiter": "\u0000", "skip": 2},
        "i": {"kind": "items", "items": ["a", 1, True, {"f": "b", "n": 2}]},
        "r": {"kind": "read", "from": ["w", {"stage": "g", "port": "out", "buffer": 9, "x-e": 1}], "chunk": 4096, "workers": "cpus"},
        "s": {"kind": "split", "from": "r", "by": "regex", "pattern": "x"},
        "n": {"kind": "range", "from_n": -3, "to": 9, "step": 2},
        "ma": {"kind": "manifest", "path": ["a", "b"], "format": "bsd", "algorithm": "md5"},
        "ve": {"kind": "verify", "from": "ma", "audit_root": ".", "missing": "ignore", "rotational_workers": 2},
        "de": {"kind": "dedupe", "from": "n", "by": "x", "memory": "1MiB", "spill": "/tmp"},
        "ba": {"kind": "batch", "from": "de", "n": 3, "separator": ""},
        "me": {"kind": "merge", "from": ["ba", "ve"], "policy": "any"},
        "ro": {"kind": "route", "from": "me", "otherwise": "out", "to": {"big": {"a": {">=": 5, "in": [1, "x"]}, "b": True},
               "e": {"item": {"exists": False, "contains": "x"}}}},
        "so": {"kind": "sort", "from": ["ro", "ro.big", "ro.e"], "by": "x", "numeric": True, "order": "desc", "n": 3, "memory": "1MiB",
               "spill": "/tmp"},
        "f": {"kind": "filter", "from": ["s", "l", "so"], "match": "^a", "invert": True, "field": "f", "where": {"a": 1}},
        "m": {"kind": "map", "from": "f", "text": "${{ item }}", "fields": {"a": "{}"}, "json": {"j": "/a/b", "all": ""},
              "replace": [{"pattern": "a", "with": "b"}]},
        "h": {"kind": "hash", "from": "i", "algorithm": "md5", "rotational_workers": 0},
        "d": {"kind": "reduce", "from": "m", "by": "a", "agg": "sum", "field": "b"},
        "re": {"kind": "reduce", "from": "m", "by": ["a", "b"], "field": "b", "argv": ["cat", "{%}"], "shards": 2, "cwd": ".", "nice": 1,
               "env": {"A": "b"}, "ok_codes": [0, 1], "output": "group", "max_output": 0, "kill_after": 1, "grace": "1s", "memory": "1MiB",
               "max_record": "2MiB"},
        "t": {"kind": "top", "from": ["d", "re"], "n": 3, "by": "value", "order": "asc", "workers": 1},
        "k": {"kind": "take", "from": "h", "n": 1e1},
        "u": {"kind": "http", "from": "i", "url": "http://h/${{ item }}", "method": "PUT", "headers": {"A": "b"}, "body": "x",
              "save": "${{ item }}", "status": "any", "per_host": 2, "max_body": "1MiB", "max_redirects": 0, "retry_after": False,
              "ca_file": "ca.pem", "workers": 100},
        "o": {"kind": "write", "from": ["t", "k", "u"], "path": "o", "format": "tsv", "atomic": False, "buffer": 1}}},
    {"gorun": 1, "vars": {"n": 3, "g": True}, "report": {"github": "${{ vars.g }}"}, "fail": "keep-going", "limits": {"memory": "1MiB"},
     "defaults": {"timeout": "1h", "retry": {"max": 2}, "tolerate": 1, "on_error": "fail"}, "stages": {
        "w": {"kind": "walk", "tolerate": {"count": 3, "percent": 0.5, "x-t": 1}, "on_error": "continue", "timeout": 1.5e1},
        "h": {"kind": "hash", "from": {"stage": "w", "bytes": "1MiB"}, "order": "input", "window": 5, "retry": 3, "on_error": "route",
              "timeout": "1d2h3.5m"},
        "e": {"kind": "exec", "argv": ["x", "{}"], "from": "h", "timeout": "${{ vars.n }}", "order": "input", "tolerate": "${{ vars.n }}",
              "retry": {"max": "${{ vars.n }}", "on": ["timeout", "exit 75", "signal"], "base": ".5s", "cap": 0, "factor": 1.5, "jitter": "none"}},
        "f": {"kind": "exec", "argv": ["x"], "retry": {"on": "io 5"}, "inputs": "a*", "outputs": ["b", "c/"], "cache": "d",
              "artifacts": {"paths": ["e"], "when": "always", "to": "k", "x-a": 1}},
        "g": {"kind": "exec", "argv": ["x"], "from": "w", "outputs": "{.}.o", "cache": False, "artifacts": "{.}.log"},
        "o": {"kind": "write", "from": "h.errors", "on_error": "fail"}}},
    {"gorun": 1, "vars": {"n": 3, "f": True, "w": "sha1"}, "stages": {
        "\u00e9-1_x": {"kind": "walk", "max_depth": "${{ vars.n }}", "min_size": "${{ vars.n }}", "sort": "${{ vars.f }}"},
        "h": {"kind": "hash", "from": "\u00e9-1_x", "algorithm": "${{ vars.w }}", "workers": "${{ vars.n }}"},
        "o": {"kind": "write", "from": "h"}}},
    {"gorun": 1, "defaults": {"n": 3, "items": ["a"]}, "stages": {
        "i": {"kind": "items"}, "t": {"kind": "take", "from": "i"}, "b": {"kind": "batch", "from": "t", "n": 2},
        "o": {"kind": "write", "from": "b"}}},
]
# A path into one of GOOD, and what makes it wrong by its keys or types alone.
BAD = [
    (1, ["gorun"], 2), (1, ["gorun"], "1"), (1, ["gorun"], True), (1, ["nope"], 1), (1, ["stages"], []),
    (1, ["stages"], {}), (1, ["stages", "a b"], ECHO), (1, ["stages", "a.b"], ECHO), (1, ["stages", "a\n"], ECHO),
    (1, ["stages", ""], ECHO), (1, ["stages", "a"], 1), (1, ["stages", "a"], {}), (1, ["stages", "a"], {"kind": "no"}),
    (1, ["stages", "a", "kind"], 1), (1, ["name"], 1), (1, ["vars"], []), (1, ["vars", "a"], None), (1, ["vars", "a"], [1]),
    (1, ["vars", "c"], "${{ vars.a }}"), (1, ["vars", "d", "default"], {}), (1, ["vars", "d", "required"], 1),
    (1, ["vars", "d", "enum"], []), (1, ["vars", "d", "enum"], [[]]), (1, ["vars", "d", "nope"], 1),
    (1, ["vars", "d", "env"], ""), (1, ["vars", "d", "env"], 1), (1, ["vars", "d", "secret"], "yes"),
    (1, ["env"], []), (1, ["env", "A=B"], "x"), (1, ["env", ""], "x"), (1, ["env", "A"], None), (1, ["env", "A"], {}),
    (1, ["limits"], 1), (1, ["limits", "procs"], 0), (1, ["limits", "procs"], "many"), (1, ["limits", "procs"], 1.5),
    (1, ["limits", "nope"], 1), (1, ["limits", "open_files"], 0), (1, ["limits", "open_files"], "many"), (1, ["limits", "open_files"], 1.5),
    (2, ["stages", "de", "memory"], 1), (2, ["stages", "de", "spill"], 1), (1, ["limits", "procs"], 2000), (1, ["fail"], "slow"), (1, ["fail"], True),
    (1, ["report"], "x"), (1, ["report", "junit"], ""),
    (1, ["report", "junit"], "a\0b"), (1, ["vars", "d", "env"], "a\0b"), (2, ["stages", "l", "path"], ""),
    (2, ["stages", "l", "path"], "a\0b"), (2, ["stages", "o", "path"], ""), (2, ["stages", "de", "spill"], ""),
    (3, ["stages", "f", "cache"], "a\0b"), (3, ["stages", "f", "artifacts", "to"], "a\0b"),
    (1, ["report", "junit"], 1), (1, ["report", "html"], None), (1, ["report", "nope"], "x"), (1, ["report", "github"], "on"),
    (1, ["report", "github"], "true"), (1, ["report", "github"], 1), (1, ["pools"], []), (1, ["pools", "p"], 0), (1, ["pools", "p"], "x"), (1, ["pools", "p"], 1.5), (1, ["targets"], []),
    (1, ["targets", "default"], []), (1, ["targets", "default"], 1), (1, ["targets", "more"], ["a", 1]),
    (1, ["defaults"], []), (1, ["defaults", "kind"], "exec"), (1, ["defaults", "nope"], 1), (1, ["defaults", "workers"], 0),
    (1, ["defaults", "stdin"], "no"), (1, ["defaults", "from"], "a"), (1, ["defaults", "by"], 3), (1, ["defaults", "chunk"], 1),
    (1, ["include"], 1), (1, ["include"], [1]), (1, ["dotenv"], 1), (1, ["dotenv"], [True]),
    (1, ["stages", "a", "if"], 1), (1, ["stages", "a", "if"], None), (1, ["stages", "a", "needs"], 1),
    (1, ["stages", "a", "needs"], [1]), (1, ["stages", "a", "when"], "never"), (1, ["stages", "a", "when"], 1),
    (1, ["stages", "a", "pool"], 1), (1, ["stages", "a", "weight"], 0), (1, ["stages", "a", "argv"], []),
    (1, ["stages", "a", "argv"], "echo"), (1, ["stages", "a", "argv"], [""]), (1, ["stages", "a", "argv"], ["a", 1]),
    (1, ["stages", "a", "env"], {"": "x"}), (1, ["stages", "a", "env"], {"A": 1}), (1, ["stages", "a", "ok_codes"], []),
    (1, ["stages", "a", "ok_codes"], [256]), (1, ["stages", "a", "ok_codes"], -1), (1, ["stages", "a", "cwd"], 1),
    (1, ["stages", "a", "nope"], 1), (1, ["stages", "a", "root"], "x"), (1, ["stages", "a", "from"], []),
    (1, ["stages", "a", "buffer"], 4), (1, ["stages", "b", "matrix"], {}), (1, ["stages", "b", "matrix"], {"k": []}),
    (1, ["stages", "b", "matrix"], {"k": 1}), (1, ["stages", "b", "matrix"], {"1k": [1]}), (1, ["stages", "b", "matrix"], {"k": [{}]}),
    (1, ["stages", "b", "workers"], 0), (1, ["stages", "b", "workers"], "all"), (1, ["stages", "b", "workers"], 1.5),
    (2, ["stages", "w", "from"], "g"), (2, ["stages", "w", "root"], []), (2, ["stages", "w", "root"], 1),
    (2, ["stages", "w", "hidden"], "true"), (2, ["stages", "w", "max_depth"], -1), (2, ["stages", "w", "max_depth"], "3"),
    (2, ["stages", "w", "min_size"], "4 "), (2, ["stages", "w", "min_size"], "4XB"), (2, ["stages", "w", "min_size"], True),
    (2, ["stages", "w", "type"], "pipe"), (2, ["stages", "g", "pattern"], {}), (2, ["stages", "l", "delimiter"], "ab"),
    (2, ["stages", "l", "delimiter"], "\u00e9"), (2, ["stages", "l", "delimiter"], ""), (2, ["stages", "l", "workers"], 2),
    (2, ["stages", "i", "items"], "a"), (2, ["stages", "i", "items"], [None]), (2, ["stages", "i", "items"], [{}]),
    (2, ["stages", "i", "items"], [{"a": []}]), (2, ["stages", "r", "chunk"], 1), (2, ["stages", "r", "from"], [1]),
    (2, ["stages", "r", "from"], {"port": "out"}), (2, ["stages", "r", "from"], {"stage": "w", "nope": 1}),
    (2, ["stages", "r", "from"], {"stage": "w", "buffer": 0}), (2, ["stages", "m", "replace"], {"pattern": "a"}),
    (2, ["stages", "m", "replace"], [1]), (2, ["stages", "m", "fields"], {"a": 1}), (2, ["stages", "m", "text"], 1),
    (1, ["fail"], "keep"), (3, ["limits", "memory"], 5), (3, ["limits", "memory"], "x"),
    (3, ["defaults", "retry"], "x"), (3, ["defaults", "window"], 1), (3, ["defaults", "tolerate"], {"count": "a"}),
    (3, ["stages", "w", "retry"], 3), (3, ["stages", "w", "order"], "any"), (3, ["stages", "w", "tolerate"], -1),
    (3, ["stages", "w", "tolerate"], {"percent": 101}), (3, ["stages", "w", "tolerate"], {"nope": 1}), (3, ["stages", "w", "tolerate"], True),
    (3, ["stages", "w", "on_error"], "no"), (3, ["stages", "w", "timeout"], 0), (3, ["stages", "w", "timeout"], -1),
    (3, ["stages", "w", "timeout"], 10**9), (3, ["stages", "w", "tolerate"], {}), (3, ["stages", "w", "tolerate"], {"x-t": 1}),
    (3, ["stages", "w", "timeout"], "5 s"), (3, ["stages", "w", "timeout"], ""), (3, ["stages", "w", "timeout"], "1s1m"),
    (3, ["stages", "w", "timeout"], True), (3, ["stages", "h", "from"], {"stage": "w", "bytes": 1}), (3, ["stages", "h", "window"], 0),
    (3, ["stages", "h", "order"], "output"), (3, ["stages", "h", "retry"], 0), (3, ["stages", "h", "retry"], "3"), (3, ["stages", "h", "retry"], [3]),
    (3, ["stages", "e", "retry", "max"], 0), (3, ["stages", "e", "retry", "on"], []), (3, ["stages", "e", "retry", "on"], ["exit x"]),
    (3, ["stages", "e", "retry", "on"], ["timeout 3"]), (3, ["stages", "e", "retry", "on"], ["nope"]), (3, ["stages", "e", "retry", "on"], 75),
    (3, ["stages", "e", "retry", "base"], "soon"), (3, ["stages", "e", "retry", "cap"], -1), (3, ["stages", "e", "retry", "factor"], 0.5),
    (3, ["stages", "e", "retry", "factor"], "2"), (3, ["stages", "e", "retry", "jitter"], "half"), (3, ["stages", "e", "retry", "nope"], 1),
    (3, ["stages", "f", "order"], "input"), (3, ["stages", "f", "window"], 3), (3, ["stages", "o", "order"], "input"),
    (3, ["stages", "f", "inputs"], []), (3, ["stages", "f", "inputs"], ""), (3, ["stages", "f", "inputs"], {"paths": "a"}),
    (3, ["stages", "f", "outputs"], [1]), (3, ["stages", "f", "cache"], 1), (3, ["stages", "f", "cache"], ""),
    (3, ["stages", "f", "cache"], ["x"]), (3, ["stages", "f", "artifacts"], True), (3, ["stages", "f", "artifacts"], {"when": "always"}),
    (3, ["stages", "f", "artifacts", "paths"], []), (3, ["stages", "f", "artifacts", "when"], "never"),
    (3, ["stages", "f", "artifacts", "to"], ""), (3, ["stages", "f", "artifacts", "nope"], 1),
    (3, ["stages", "o", "retry"], 2), (2, ["stages", "k", "on_error"], "fail"), (2, ["stages", "f", "tolerate"], 1),
    (2, ["stages", "t", "n"], 0), (2, ["stages", "t", "workers"], "cpus"), (2, ["stages", "o", "atomic"], "yes"),
    (5, ["defaults", "n"], 0), (5, ["defaults"], {}), (1, ["pools", ""], 3), (1, ["stages", "a", "pool"], ""),
    (1, ["vars", "1st"], 1), (1, ["vars", "a b"], 1), (1, ["vars", ""], 1),
]
# Keys that have to be there.
MISSING = [(1, ["gorun"]), (1, ["stages"]), (1, ["stages", "a", "kind"]), (2, ["stages", "r", "from"]),
           (2, ["stages", "g", "pattern"]), (2, ["stages", "i", "items"]), (2, ["stages", "ro", "to"]), (2, ["stages", "ba", "n"]),
           (2, ["stages", "t", "n"]), (2, ["stages", "o", "from"]), (5, ["defaults", "n"]), (5, ["defaults", "items"]), (5, ["defaults"])]


def changed(base, path, value=None):
    job = copy.deepcopy(GOOD[base])
    at = job
    for key in path[:-1]:
        at = at[key]
    if value is MISSING:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return job


def schema_accepts(job):
    return VALIDATOR.is_valid(job)


def check_accepts(job):
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(job, file)
        file.flush()
        done = subprocess.run([GORUN, "check", "-q", file.name], capture_output=True)
    assert done.returncode in (0, 2, 3), done
    return done.returncode == 0, done.stderr.decode()


def places(value, path=()):
    yield path
    if isinstance(value, dict):
        for key in value:
            yield from places(value[key], path + (key,))
    elif isinstance(value, list):
        for i in range(len(value)):
            yield from places(value[i], path + (i,))


def mutated(rng):
    job = copy.deepcopy(rng.choice(GOOD))
    path = rng.choice([p for p in places(job) if p])
    at = job
    for key in path[:-1]:
        at = at[key]
    value = rng.choice([None, True, 0, -1, 1, 2.5, 10**9, "", "x", "${{ vars.n }}", "a", [], {}, [1], ["x"],
                        {"a": 1}, [[]], "4KiB", "cpus", rng.choice(list(GOOD[2]["stages"].values()))])
    if isinstance(at, dict) and rng.random() < 0.3:
        at[rng.choice(["from", "x-a", "kind", "needs", "workers", "n", "by", "env", "if", "", "root"])] = value
    elif rng.random() < 0.15:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return job


wrong = 0


def disagree(what, job, said=""):
    global wrong
    wrong += 1
    print(what, json.dumps(job), said)


for job in GOOD:
    accepted, said = check_accepts(job)
    if not accepted:
        disagree("check refuses a good file:", job, said)
    for error in VALIDATOR.iter_errors(job):
        disagree("the schema refuses a good file:", job, error.message)
for base, path, value in BAD + [(base, path, MISSING) for base, path in MISSING]:
    job = changed(base, path, value)
    if schema_accepts(job):
        disagree("the schema accepts a bad file: %s" % path, value if value is not MISSING else "missing")
    if check_accepts(job)[0]:
        disagree("check accepts a bad file: %s" % path, value if value is not MISSING else "missing")
rng = random.Random(SEED)
refused = 0
for _ in range(COUNT):
    job = mutated(rng)
    accepted, said = check_accepts(job)
    if schema_accepts(job):
        left = unexplained(said, json.dumps(job))
        if left:
            disagree("check refuses what the schema accepts:", job, left)
        continue
    refused += 1
    if accepted:
        disagree("check accepts what the schema refuses:", job)
print("%d good, %d bad, %d of %d changed refused, %d disagreements" %
      (len(GOOD), len(BAD) + len(MISSING), refused, COUNT, wrong))
sys.exit(1 if wrong or refused == 0 else 0)
