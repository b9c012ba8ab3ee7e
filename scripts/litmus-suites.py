"""Compares what `addonrace explore --format jsonl` says of a suite of litmus tests with what the suite says.

Arguments: the suite's name, the folder that holds the suites, the lines of JSON, where the suite has its verdicts, and the
seconds that exploring took. The verdicts are in each test's header ("headers"), in a file beside each test ("expected"), or
in a table of paths and 1 or 0 (the table's path): 1 where a final state as the condition says is reachable, and of a
"forall" where every final state is so.
"""

import csv
import json
import pathlib
import re
import sys


def table(path, folder):
    """By test: whether the table says 1."""
    root = path.relative_to(folder).parts[0]
    with open(path, newline="") as file:
        return {f"{root}/{row[0]}": row[1] == "1" for row in csv.reader(file) if len(row) > 1}


def beside(path):
    """The word in the file beside a test, or None."""
    file = pathlib.Path(f"{path}.expected")
    if not file.exists():
        return None
    match = re.search(r"^Observation \S+ (Never|Sometimes|Always)", file.read_text(), re.MULTILINE)
    return match and match.group(1)


def main():
    name, folder, lines, where, seconds = sys.argv[1:]
    folder = pathlib.Path(folder)
    said = table(folder / where, folder) if where not in ("headers", "expected") else None
    agree, silent = 0, 0
    differ, unread = [], []
    tests = 0
    for line in open(lines):
        test = json.loads(line)
        path = test["path"]
        if said is not None and path not in said:
            continue
        tests += 1
        found = test.get("observation")
        if found is None:
            unread.append((path, test.get("message", "")))
            continue
        if said is not None:
            expected = said[path]
            found = test["holds"] if test["condition"].startswith("forall") else test["positive"] > 0
        elif where == "expected":
            expected = beside(folder / path)
        else:
            expected = test.get("header")
        if expected is None:
            silent += 1
        elif expected == found:
            agree += 1
        else:
            differ.append((path, f"{found}, expected {expected}"))
    print(f"{name:<12} {tests:>7} {agree:>7} {len(differ):>7} {len(unread):>9} {silent:>9} {seconds:>8}")
    for path, why in differ + unread:
        print(f"  {path}: {why.strip()}")


main()
