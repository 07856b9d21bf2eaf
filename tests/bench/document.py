"""The tables of doc/benchmarks.md, written from a file of results."""

import results

BEGIN = "<!-- BEGIN bench (written by make bench-doc from a file of results) -->"
END = "<!-- END bench -->"


def when(made, versions):
    return f"on {made} with " + ", ".join(f"{d} {v}" for d, v in versions.items())


def tables(r):
    """Lines of markdown: what was measured where, then a table per scenario, then the targets."""
    m = r.machine
    lines = ["", f"Measured {when(r.made, r.versions)}; {m['cores']} cores, {m['memory_gb']} GB, "
             f"Linux {m['kernel']}.", ""]
    for s in r.scenarios.values():
        lines += [f"### {s.name}: {s.title}", ""]
        if r.of[s.name] != (r.made, r.versions):
            lines += [f"Measured {when(*r.of[s.name])}.", ""]
        lines += [*results.in_markdown(results.rows(r, s)), ""]
    lines += ["### Targets", ""]
    lines += results.in_markdown([["scenario", "verdict", "figure"], *(
        [v["scenario"], "reached" if v["ok"] else "missed", v["text"]] for v in r.verdicts)], "---")
    return [*lines, ""]


def growth(tables_of):
    """Lines of markdown: the tables of growth.py."""
    lines = ["### Growth", ""]
    for t in tables_of:
        lines += [f"{t['title']}:", "", *results.in_markdown(t["rows"]), ""]
    return lines


def rewrite(path, lines):
    """Put lines between the markers of a document."""
    with open(path) as f:
        before, rest = f.read().split(BEGIN)
    after = rest.split(END)[1]
    with open(path, "w") as f:
        f.write(before + BEGIN + "\n" + "\n".join(lines) + "\n" + END + after)
