#!/usr/bin/python3
"""make interop: the features of features.py against every daemon; prints the matrix.

    run.py [-f FEATURE ...] [-d DAEMON ...] [-j JOBS] [--write FILE] [-v]

Needs root and the private copies of the daemons (tests/deps.sh). Exit status 1 when
anything failed. --write puts the table between the markers in FILE (doc/standards.md);
only a complete run without a fail may do so.
"""

import argparse
import concurrent.futures
import multiprocessing
import os
import sys
import textwrap
import time

import matrix

BEGIN = "<!-- BEGIN interop (written by make interop) -->"
END = "<!-- END interop -->"


def arguments():
    p = argparse.ArgumentParser(description="features against other makers' BGP daemons")
    p.add_argument("-f", "--feature", nargs="+", help="only these")
    p.add_argument("-d", "--daemon", nargs="+", choices=list(matrix.DAEMONS))
    p.add_argument("-j", "--jobs", type=int, default=2 * (os.cpu_count() or 1))
    p.add_argument("--write", metavar="FILE")
    p.add_argument("-v", "--verbose", action="store_true", help="say how long each took")
    p.add_argument("-l", "--list", action="store_true", help="what is asserted, and stop")
    return p.parse_args()


def listing(features):
    for f in features:
        print(f"{f.name}: {f.title} (RFC {f.rfc})")
        print(textwrap.indent(textwrap.fill(f.asserted, 90), "    "))


def gather(todo, njobs, verbose):
    """Results of all jobs; a job that dies leaves its features without one."""
    results = {}
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(njobs, mp_context=context,
                                                max_tasks_per_child=1) as pool:
        for done in concurrent.futures.as_completed([pool.submit(matrix.one, j) for j in todo]):
            scenario, daemon, found, took = done.result()
            results.update({(name, daemon): r for name, r in found.items()})
            failed = [n for n, r in found.items() if r[0] == matrix.FAIL]
            if verbose or failed:
                print(f"{scenario:<12} {daemon:<9} {took:5.1f} s"
                      + (f"  failed: {', '.join(failed)}" if failed else ""), flush=True)
            for name in failed:
                print(textwrap.indent(textwrap.fill(f"{name}: {found[name][1]}", 110), "    "))
    return results


def versions():
    from daemons import version
    return ", ".join(f"{matrix.DAEMONS[d]} {version(k.package)}"
                     for d, k in matrix.peers.ALL.items())


def cannot_run():
    """Why nothing can work here, in a sentence; None when it can."""
    if os.geteuid() != 0:
        return "needs root for network namespaces"
    try:
        versions()
    except AssertionError as e:
        return str(e)
    return None


def shown(lines):
    """Markdown's table with columns in line for a terminal."""
    rows = [[c.strip() for c in line.strip("|").split("|")] for line in lines if "---" not in line]
    widths = [max(len(r[i]) for r in rows) for i in range(len(rows[0]))]
    return "\n".join("  ".join(c.ljust(w) for c, w in zip(r, widths)).rstrip() for r in rows)


def main():
    a = arguments()
    features, _ = matrix.load()
    if a.list:
        listing(features)
        return 0
    if (missing := cannot_run()):
        print(f"make interop: {missing}", file=sys.stderr)
        return 2
    began = time.monotonic()
    todo = matrix.jobs(features, a.daemon or list(matrix.DAEMONS), a.feature)
    results = gather(todo, a.jobs, a.verbose)
    rows = [f for f in features if a.feature is None or f.name in a.feature]
    print(shown(matrix.table(rows, results)))
    print("\nnot in that daemon:")
    print("\n".join(matrix.citations(rows)))
    failed = {k: why for k, (state, why) in results.items() if state == matrix.FAIL}
    count = {s: sum(r[0] == s for r in results.values())
             for s in (matrix.PASS, matrix.FAIL, matrix.ABSENT)}
    print(f"\n{len(rows)} features: " + ", ".join(f"{n} {s}" for s, n in count.items())
          + f" ({time.monotonic() - began:.0f} s)")
    if a.write and not failed and a.feature is None and a.daemon is None:
        matrix.rewrite(a.write, BEGIN, END, [
            "", f"Last run: {versions()}.", "", *matrix.table(features, results), "",
            "Not in that daemon, with the manual that was read:", "",
            *matrix.citations(features), ""])
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
