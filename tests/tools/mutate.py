#!/usr/bin/env python3
"""Plant faults in bgpd/core, one at a time, and see which the tests notice.

usage: mutate.py [--count N] [--seed N] [--only SUBSTRING] [--timeout S] [--verbose]

The tree is copied (tracked files as they stand), configured once without
optimisation, and for each fault only the changed file is compiled and the
core's unit and property tests are run.  A fault that does not compile, or
gives the same object code, is drawn again.  The seed makes a run repeatable.
The last line is "planted N, noticed N, survived N"; the exit status is 1 when
more than a fifth survive.
"""
import argparse
import hashlib
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile

SWAPS = [
    (r" == ", " != "), (r" != ", " == "),
    (r" < ", " <= "), (r" <= ", " < "), (r" > ", " >= "), (r" >= ", " > "),
    (r" && ", " || "), (r" \|\| ", " && "),
    (r" \+ 1\b", " + 2"), (r" - 1\b", " - 2"),
]
CHECK = re.compile(r"^(\t+)if \((.*)\)$")
LEAVES = re.compile(r"^\t+(return\b.*|continue|break|goto \w+);$")
NUMBER = re.compile(r"(?<= [<>] )(\d+)\b|(?<= [<>=!]= )(\d+)\b")


def repo_top():
    return subprocess.check_output(["git", "rev-parse", "--show-toplevel"], text=True,
                                   cwd=os.path.dirname(os.path.abspath(__file__))).strip()


def copy_tree(top, to):
    names = subprocess.check_output(["git", "ls-files", "-z"], cwd=top).split(b"\0")
    for name in filter(None, (n.decode() for n in names)):
        src, dst = os.path.join(top, name), os.path.join(to, name)
        if not os.path.isfile(src):
            continue
        os.makedirs(os.path.dirname(dst), exist_ok=True)
        shutil.copy2(src, dst)


def code_lines(text):
    """Line numbers that hold code: no comments, directives or strings with operators."""
    inside = False
    for no, line in enumerate(text):
        stripped = line.strip()
        if inside:
            inside = "*/" not in stripped
            continue
        if stripped.startswith("/*"):
            inside = "*/" not in stripped
            continue
        if not stripped or stripped.startswith(("#", "*", "//")) or '"' in line:
            continue
        if "assert(" in line:
            continue
        yield no


def sites(path):
    """Every fault that can be planted in a file: (line number, new line, kind)."""
    with open(path) as f:
        text = f.read().split("\n")
    for no in code_lines(text):
        line = text[no]
        code = line.split("/*")[0]
        for pattern, repl in SWAPS:
            for m in re.finditer(pattern, code):
                kind = "off by one" if repl.endswith("2") else "flipped comparison"
                yield no, line[:m.start()] + repl + line[m.end():], kind
        for m in NUMBER.finditer(code):
            yield no, line[:m.start()] + str(int(m.group()) + 1) + line[m.end():], "off by one"
        m = CHECK.match(code)
        if m and no + 1 < len(text) and LEAVES.match(text[no + 1]):
            yield no, f"{m.group(1)}if (0 && ({m.group(2)}))", "removed check"


def session_pids(sid):
    """Pids of a session: check gives each test a process group of its own."""
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat") as f:
                if int(f.read().rpartition(")")[2].split()[3]) == sid:
                    yield int(name)
        except (OSError, IndexError):
            pass        # gone meanwhile


def run(cmd, cwd, timeout):
    """True when cmd ends with status 0 in time; nothing of it is left running."""
    proc = subprocess.Popen(cmd, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                            start_new_session=True)
    try:
        return proc.wait(timeout) == 0
    except subprocess.TimeoutExpired:
        return False
    finally:
        for pid in session_pids(proc.pid):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        proc.wait()


class Bench:
    """A configured copy of the tree in which faults are planted."""

    def __init__(self, top, timeout):
        self.dir = tempfile.mkdtemp(prefix="weft-mutate-")
        self.src = os.path.join(self.dir, "src")
        self.build = os.path.join(self.dir, "build")
        self.timeout = timeout
        os.makedirs(self.build)
        copy_tree(top, self.src)
        steps = [(["autoreconf", "-fi"], self.src),
                 ([os.path.join(self.src, "configure"), "-q", "--disable-hardening",
                   "--disable-dependency-tracking", "CFLAGS=-O1"], self.build)]
        for cmd, cwd in steps:
            subprocess.run(cmd, cwd=cwd, check=True, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
        if not self.tests_pass():
            sys.exit("mutate: the tests fail without any fault; run `make check-core`")

    def tests_pass(self):
        return run(["make", "-j2", "-s", "check-core"], self.build, self.timeout)

    def objects(self):
        """Digest of the core library; None when it does not compile."""
        if not run(["make", "-j2", "-s", "bgpd/core/libbgpcore.a"], self.build, 120):
            return None
        with open(os.path.join(self.build, "bgpd/core/libbgpcore.a"), "rb") as f:
            return hashlib.sha256(f.read()).hexdigest()

    def write(self, name, text):
        path = os.path.join(self.src, name)
        with open(path, "w") as f:
            f.write(text)
        obj = os.path.basename(name)[:-2] + ".o"
        for root, _, files in os.walk(os.path.join(self.build, "bgpd")):
            for f in files:
                if f.endswith(obj):
                    os.unlink(os.path.join(root, f))

    def close(self):
        shutil.rmtree(self.dir, ignore_errors=True)


def plant(bench, clean, name, no, new):
    """None: cannot be planted; True: the tests noticed; False: it survived."""
    path = os.path.join(bench.src, name)
    with open(path) as f:
        old = f.read()
    lines = old.split("\n")
    lines[no] = new
    try:
        bench.write(name, "\n".join(lines))
        digest = bench.objects()
        if digest is None or digest == clean:
            return None
        return not bench.tests_pass()
    finally:
        bench.write(name, old)


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    ap.add_argument("--count", type=int, default=50)
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--only", default="")
    ap.add_argument("--timeout", type=int, default=120)
    args = ap.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(2))
    top = repo_top()
    bench = Bench(top, args.timeout)
    try:
        core = os.path.join(bench.src, "bgpd/core")
        names = sorted("bgpd/core/" + n for n in os.listdir(core)
                       if n.endswith(".c") and args.only in n)
        pool = [(n, *s) for n in names for s in sites(os.path.join(bench.src, n))]
        random.Random(args.seed).shuffle(pool)
        clean = bench.objects()
        survived = noticed = 0
        for name, no, new, kind in pool:
            if survived + noticed == args.count:
                break
            verdict = plant(bench, clean, name, no, new)
            if verdict is None:
                continue
            noticed += verdict
            survived += not verdict
            print(f"{'noticed ' if verdict else 'SURVIVED'} {name}:{no + 1}: {kind}: "
                  f"{new.strip()}", flush=True)
        total = survived + noticed
        print(f"planted {total}, noticed {noticed}, survived {survived}")
        return 1 if survived * 5 > total else 0
    finally:
        bench.close()


if __name__ == "__main__":
    sys.exit(main())
