"""What was measured: kept as plain data, summed up, shown as tables.

A file of results is JSON: {"made": ..., "machine": {...}, "versions": {...},
"repeat": n, "scenarios": [{"name", "title", "made", "versions", "changed": {key: value},
"columns", "cells": [{"daemon", "runs"}]}], "verdicts": [...]}. A run is {"values":
{key: number}, "usage": {pause: {...}}, "seconds": s} or {"failed": why}; one that was not
done in time has its values so far, and "late": seconds that what is missing was waited for,
and "why". Scenarios that a
run leaves out stay in the file as an earlier one has put them there, with its date and
versions. changed: what --set has made another task of it, which no target is for.
"""

import dataclasses
import json
import os
import statistics
import time

from plan import TABLE, USED


def machine():
    """What the figures depend on, and nothing that names the machine."""
    return {"cores": os.cpu_count(), "kernel": os.uname().release.split("-")[0],
            "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)}


def numbers(scenario, result):
    """{key: number} of a cell.Result: the generator's values, and what the daemon used."""
    found = {k: v for k, v in result.values.items()
             if isinstance(v, (int, float)) and not isinstance(v, bool)}
    if result.usage:
        last = list(result.usage.values())[-1]
        found |= scenario.derived(found, result.usage)
        found |= {k: getattr(last, k) for k in USED}
        found["peak"] = max(u.peak for u in result.usage.values())
    return found


class Results:
    """All cells of a run of the runner."""

    def __init__(self, versions, repeat):
        self.versions, self.repeat = versions, repeat
        self.scenarios, self.cells, self.verdicts = {}, {}, []
        self.earlier = {"scenarios": [], "verdicts": []}    # of a file, as it has them
        self.machine, self.made = machine(), time.strftime("%Y-%m-%d", time.gmtime())

    def add(self, scenario, daemon, result=None, failed=None, **more):
        """One more run of a cell, or why it gave nothing; more: late and why."""
        self.scenarios[scenario.name] = scenario
        run = {"failed": failed} if failed is not None else {
            "values": numbers(scenario, result), "seconds": round(result.seconds, 3), **more,
            "usage": {k: dataclasses.asdict(u) for k, u in result.usage.items()}}
        self.cells.setdefault((scenario.name, daemon), []).append(run)
        return run

    def runs(self, scenario, daemon, late=False):
        """The runs of a cell that have figures; late: those too that were not done in time."""
        return [r for r in self.cells.get((scenario, daemon), [])
                if "values" in r and (late or "late" not in r)]

    def told(self, key):
        """(scenario, daemon, text) of the runs that have a text of that key."""
        return [(s, d, r[key]) for (s, d), runs in self.cells.items() for r in runs if key in r]

    def failures(self):
        return self.told("failed")

    def daemons(self, scenario):
        return [d for s, d in self.cells if s == scenario]

    def values(self, scenario, daemon, key, late=False):
        return [r["values"][key] for r in self.runs(scenario, daemon, late) if key in r["values"]]

    def median(self, scenario, daemon, key, late=False):
        """Median of a key, or None where there is none."""
        found = self.values(scenario, daemon, key, late)
        return statistics.median(found) if found else None

    def best_peer(self, scenario, figure):
        """(name, median) of the best of the others, or None."""
        peers = [(d, self.median(scenario, d, figure.key)) for d in self.daemons(scenario)
                 if d not in ("weft", "kernel")]
        peers = [(d, m) for d, m in peers if m is not None]
        return (max if figure.more else min)(peers, key=lambda x: x[1], default=None)

    def keep(self, path):
        """Take over what a file has; the scenarios kept, none when they are another machine's."""
        if not os.path.exists(path):
            return []
        try:
            with open(path) as f:
                data = json.load(f)
        except ValueError:
            return []
        if data["machine"] != self.machine:
            return []
        self.earlier = data
        for s in data["scenarios"]:
            s.setdefault("made", data["made"])
            s.setdefault("versions", data["versions"])
        return [s["name"] for s in data["scenarios"]]

    def _plain(self, s):
        """A scenario of this run as the file has it."""
        return {"name": s.name, "title": s.title, "made": self.made, "versions": self.versions,
                "changed": s.told, "columns": [dataclasses.asdict(c) for c in s.columns()],
                "cells": [{"daemon": d, "runs": self.cells[s.name, d]}
                          for d in self.daemons(s.name)]}

    def save(self, path):
        def others(rows, key):
            return [x for x in rows if x[key] not in self.scenarios]

        every = others(self.earlier["scenarios"], "name") + [
            self._plain(s) for s in self.scenarios.values()]
        verdicts = others(self.earlier["verdicts"], "scenario") + self.verdicts
        place = list(TABLE).index
        data = {"made": self.made, "machine": self.machine, "versions": self.versions,
                "repeat": self.repeat,
                "verdicts": sorted(verdicts, key=lambda v: place(v["scenario"])),
                "scenarios": sorted(every, key=lambda s: place(s["name"]))}
        with open(f"{path}.new", "w") as f:
            json.dump(data, f, indent=1)
            f.write("\n")
        os.replace(f"{path}.new", path)


def load(path, table):
    """Results from a file; table: {name: Scenario} that gives the columns.

    of (of the Results): {scenario: (date, versions)}.
    """
    with open(path) as f:
        data = json.load(f)
    r = Results(data["versions"], data["repeat"])
    r.machine, r.made, r.verdicts = data["machine"], data["made"], data["verdicts"]
    r.of = {}
    for s in data["scenarios"]:
        r.scenarios[s["name"]] = dataclasses.replace(table[s["name"]], title=s["title"],
                                                     told=s.get("changed", {}))
        r.of[s["name"]] = s.get("made", r.made), s.get("versions", r.versions)
        for c in s["cells"]:
            r.cells[s["name"], c["daemon"]] = c["runs"]
    return r


def shown(value, figure):
    return "-" if value is None else f"{value * figure.scale:,.{figure.digits}f}"


def rows(results, scenario):
    """Header and one row of text per daemon: median, least, most and ratio of each figure."""
    head = ["daemon"]
    for f in scenario.figures:
        head += [f"{f.label} ({f.unit})", "min", "max", "ratio"]
    head += [f"{f.label} ({f.unit})" for f in scenario.columns()[len(scenario.figures):]] + ["runs"]
    return [head] + [_row(results, scenario, d) for d in results.daemons(scenario.name)]


def _row(results, scenario, daemon):
    name, row, late = scenario.name, [daemon], _late(results, scenario, daemon)
    for f in scenario.figures:
        found, best = results.values(name, daemon, f.key, late=True), results.best_peer(name, f)
        median = results.median(name, daemon, f.key, late=True)
        row.append(late if f is _missing(results, scenario, daemon) else shown(median, f))
        row += [shown(min(found, default=None), f), shown(max(found, default=None), f)]
        row.append(f"{median / best[1]:.2f}" if found and best and best[1] else "-")
    row += [shown(results.median(name, daemon, f.key, late=True), f)
            for f in scenario.columns()[len(scenario.figures):]]
    done, tried = len(results.runs(name, daemon)), len(results.cells[name, daemon])
    return [*row, f"{done}" if done == tried else f"{done} of {tried}"]


def _late(results, scenario, daemon):
    """"> 148" of a cell whose runs were not done in time, after so many seconds; or "-"."""
    waited = [r["late"] for r in results.cells[scenario.name, daemon] if "late" in r]
    return f"> {int(min(waited)):,}" if waited else "-"


def _missing(results, scenario, daemon):
    """The first figure that is not there, where it is the time that was waited for."""
    for f in scenario.figures:
        if not results.values(scenario.name, daemon, f.key, late=True):
            return f if f.unit == "s" else None
    return None


def in_columns(table):
    """Lines of a table for a terminal; all but the first column to the right."""
    widths = [max(len(r[i]) for r in table) for i in range(len(table[0]))]
    return ["  ".join(c.ljust(w) if i == 0 else c.rjust(w)
                      for i, (c, w) in enumerate(zip(r, widths))).rstrip() for r in table]


def in_markdown(table, align="---:"):
    """Lines of a table in markdown; align: of all columns but the first."""
    head, *body = table
    lines = [head, ["---"] + [align] * (len(head) - 1), *body]
    return ["| " + " | ".join(r) + " |" for r in lines]
