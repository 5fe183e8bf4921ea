#!/usr/bin/env python3
"""junit_check.py FILE - is it JUnit XML as the schema has it that Jenkins publishes (junit-10.xsd)?

That schema as a table: the elements, the attributes that each must and may have, and what may stand
inside. Also: counts are those of the cases, times are numbers.
"""

import sys
import xml.etree.ElementTree as tree

# element: (attributes it must have, attributes it may have, elements inside)
SCHEMA = {
    "testsuites": (set(), {"name", "time", "tests", "failures", "errors", "disabled"}, {"testsuite"}),
    "testsuite": ({"name", "tests"},
                  {"failures", "errors", "time", "disabled", "skipped", "timestamp", "hostname", "id",
                   "package"},
                  {"properties", "testcase", "system-out", "system-err", "testsuite"}),
    "testcase": ({"name"}, {"classname", "time", "status", "assertions"},
                 {"skipped", "error", "failure", "system-out", "system-err"}),
    "failure": (set(), {"message", "type"}, set()),
    "error": (set(), {"message", "type"}, set()),
    "skipped": (set(), {"message", "type"}, set()),
    "system-out": (set(), set(), set()),
    "system-err": (set(), set(), set()),
    "properties": (set(), set(), {"property"}),
    "property": ({"name", "value"}, set(), set()),
}

problems = []


def check(element, parents):
    must, may, inside = SCHEMA[element.tag]
    where = "/".join([*parents, element.tag])
    for name in must - set(element.attrib):
        problems.append(f"{where} lacks {name}")
    for name in set(element.attrib) - must - may:
        problems.append(f"{where} has {name}")
    for name in ("time", "tests", "failures", "errors", "skipped", "disabled"):
        if name in element.attrib:
            (float if name == "time" else int)(element.attrib[name])
    for child in element:
        if child.tag in inside:
            check(child, [*parents, element.tag])
        else:
            problems.append(f"{where} holds {child.tag}")


root = tree.parse(sys.argv[1]).getroot()
if root.tag not in ("testsuites", "testsuite"):
    problems.append(f"the root is {root.tag}")
else:
    check(root, [])
cases = list(root.iter("testcase"))
counts = {
    "tests": len(cases),
    "failures": sum(case.find("failure") is not None for case in cases),
    "errors": sum(case.find("error") is not None for case in cases),
    "skipped": sum(case.find("skipped") is not None for case in cases),
}
for suite in root.iter("testsuite"):
    for name, count in counts.items():
        if int(suite.get(name, "0")) != count:
            problems.append(f"{name} is {suite.get(name)}, and there are {count}")
print("\n".join(problems), end="\n" if problems else "", file=sys.stderr)
print(f"{counts['tests']} cases, {counts['failures']} failures, {counts['errors']} errors")
sys.exit(1 if problems else 0)
