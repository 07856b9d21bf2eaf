"""Count what `make check` ran: "PASSED FAILED" on standard output.

A program built with libcheck says "Checks: N, Failures: F, Errors: E" in its log
and counts as that many tests; any other program counts as one, by its .trs file.
Failures go to standard error with the end of their log.
"""

import glob
import os
import re
import sys

SUMMARY = re.compile(rb"Checks: (\d+), Failures: (\d+), Errors: (\d+)")


def one(trs):
    """(passed, failed) of one test program."""
    with open(trs, "rb") as f:
        results = re.findall(rb"^:test-result: (\w+)", f.read(), re.M)
    with open(trs[:-3] + "log", "rb") as f:
        log = f.read()
    bad = sum(r in (b"FAIL", b"ERROR", b"XPASS") for r in results)
    total = failures = 0
    for m in SUMMARY.finditer(log):
        total += int(m.group(1))
        failures += int(m.group(2)) + int(m.group(3))
    if bad:
        name = os.path.basename(trs)[:-4]
        sys.stderr.write(f"    {name}: {log[-3000:].decode(errors='replace')}\n")
        failures = max(failures, 1)
    if total == 0:
        return sum(r in (b"PASS", b"XFAIL") for r in results), bad
    return max(total - failures, 0), failures


def main():
    found = [one(t) for t in glob.glob(f"{sys.argv[1]}/**/*.trs", recursive=True)]
    if not found:
        sys.stderr.write("    make check ran nothing\n")
    print(sum(p for p, _ in found), sum(f for _, f in found) if found else 1)


if __name__ == "__main__":
    main()
