#!/usr/bin/env python3
"""House rules that a compiler does not know.

* no function of more than 100 lines, unless the comment above it says "Long: <reason>";
* every function declared in a header has a comment above it, or stands in a
  block of declarations that has one;
* every .c file opens with a comment.

Prints what breaks a rule as file:line: text and exits with 1, or prints the
figures and exits with 0.
"""
import os
import re
import sys

LIMIT = 100
LAYERS = ("lib", "bfdd", "bgpd", "agent", "launch", "ctl")
NAME = re.compile(r"^([a-z_][a-z0-9_]*)\(")
PROTO = re.compile(r"^[a-z][\w \*]*?\**\b([a-z_][a-z0-9_]*)\(")


def files(top, suffix):
    """Paths below the layers, relative to top."""
    for layer in LAYERS:
        for root, _, names in os.walk(os.path.join(top, layer)):
            for name in sorted(names):
                if name.endswith(suffix):
                    yield os.path.relpath(os.path.join(root, name), top)


def lines_of(top, path):
    with open(os.path.join(top, path)) as f:
        return f.read().split("\n")


def functions(lines):
    """(name, first line, length, comment above) of every function in a .c file."""
    start = name = None
    for no, line in enumerate(lines):
        m = NAME.match(line)
        if m and not line.rstrip().endswith(";"):
            name, start = m.group(1), no
        elif line.startswith("}") and start is not None:
            first = start - 2
            while first >= 0 and lines[first].strip() and not lines[first].startswith("}"):
                first -= 1
            yield name, start, no - start + 1, " ".join(lines[first + 1:start])
            start = None


def undocumented(lines):
    """Prototypes in a header without a comment above their block."""
    covered = in_comment = False
    depth = 0
    for no, line in enumerate(lines):
        text = line.strip()
        if in_comment:
            in_comment = "*/" not in text
            continue
        if text.startswith("/*"):
            in_comment = "*/" not in text
            covered = not text.startswith("/* ----")
            continue
        depth += line.count("{") - line.count("}")
        if not text:
            covered = False
            continue
        m = PROTO.match(line)
        if m and depth == 0 and not covered and "static inline" not in line and "/*" not in line:
            yield no, m.group(1)


def main():
    top = sys.argv[1] if len(sys.argv) > 1 else "."
    bad, lengths = [], []
    for path in files(top, ".c"):
        lines = lines_of(top, path)
        if not lines[0].startswith("/*"):
            bad.append(f"{path}:1: no comment that says what the file owns")
        for name, no, length, above in functions(lines):
            lengths.append(length)
            if length > LIMIT and "Long:" not in above:
                bad.append(f"{path}:{no + 1}: {name}() has {length} lines, more than {LIMIT}")
    for path in files(top, ".h"):
        bad += [f"{path}:{no + 1}: {name}() has no comment"
                for no, name in undocumented(lines_of(top, path))]
    for line in bad:
        print(line)
    lengths.sort()
    print(f"{len(lengths)} functions, median {lengths[len(lengths) // 2]} lines, "
          f"p90 {lengths[len(lengths) * 9 // 10]}, longest {lengths[-1]}; {len(bad)} findings")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
