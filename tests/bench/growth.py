"""make bench-growth: time and memory of S1 and S4 as they become larger, with the exponents.

An exponent is the slope of a line through the logarithms (least squares): 1 is linear.
What a figure should be linear in is its size: for S1 the routes; for S4's memory the
clients and the routes they announce; for S4's time the clients and the routes that are
sent to them, whose number the task itself makes grow with the square.
"""

import dataclasses
import math
import statistics

import adapters
import results
import plan

PER_CLIENT = 4


def routes(n):
    return n


def clients(n):
    return n


def kept(n):
    """Clients, and routes of theirs."""
    return n + n * PER_CLIENT


def sent(n):
    """Clients, and routes sent: everybody's to everybody else."""
    return n + n * (n - 1) * PER_CLIENT


@dataclasses.dataclass(frozen=True)
class Row:
    """A scenario with several values for a key; columns: {figure: size it is held against}."""
    scenario: str
    key: str
    sizes: tuple
    columns: dict


ROWS = (
    Row("S1", "prefixes", (100_000, 300_000, 1_000_000, 2_000_000),
        {plan.TIME: routes, plan.CPU: routes, plan.PEAK: routes,
         plan.PRIVATE: routes}),
    Row("S4", "peers", (100, 300, 1_000, 2_000, 4_000),
        {plan.UP: clients, plan.REFLECTED: sent, plan.CPU: sent,
         plan.PEAK: kept, plan.PRIVATE: kept}),
)


def exponent(sizes, values):
    """Slope of log(values) over log(sizes)."""
    return statistics.linear_regression([math.log(s) for s in sizes],
                                        [math.log(v) for v in values]).slope


def measure(runner, row, kind, repeat):
    """{size: Scenario of that size}, run."""
    made = {}
    for size in row.sizes:
        s = plan.TABLE[row.scenario].changed(**{row.key: size})
        made[size] = dataclasses.replace(s, name=f"{row.scenario} {row.key} {size:,}",
                                         title=kind.name)
        runner.scenario(made[size], [kind], repeat)
    return made


def table(runner, row, kind):
    """The figures of each size, and the exponents below: of all sizes, and of the last two,
    where what every size has in common counts least."""
    made = {n: f"{row.scenario} {row.key} {n:,}" for n in row.sizes}
    lines = [[row.key, *(f"{f.label} ({f.unit})" for f in row.columns)]]
    medians = {f: [runner.results.median(name, kind.name, f.key) for name in made.values()]
               for f in row.columns}
    for i, n in enumerate(row.sizes):
        lines.append([f"{n:,}", *(results.shown(m[i], f) for f, m in medians.items())])
    if all(None not in m for m in medians.values()):
        for name, first in (("exponent", 0), ("last step", -2)):
            lines.append([name, *(
                f"{exponent([size(n) for n in row.sizes[first:]], medians[f][first:]):.2f}"
                for f, size in row.columns.items())])
    return lines


def run(runner, names, repeat):
    """All rows with every daemon named (weft when none is): [{"title", "rows"}]."""
    tables = []
    for name in names or ["weft"]:
        kind = adapters.ALL[name]
        for row in ROWS:
            measure(runner, row, kind, repeat)
            tables.append({"title": f"{name}: {row.scenario} by {row.key}",
                           "rows": table(runner, row, kind)})
            print(f"\n{tables[-1]['title']}")
            print("\n".join(results.in_columns(tables[-1]["rows"])), flush=True)
    return tables
