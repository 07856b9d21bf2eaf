"""The machinery of the matrix: cells, benches, checks, and the table that comes out.

A scenario is a function that sets up a bench with one daemon and asserts several
features, each in a `with run.check(name)` block; what raises inside is a fail of that
feature. A feature that its scenario never reaches is a fail as well.
"""

import contextlib
import dataclasses
import importlib
import os
import re
import sys
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(os.path.dirname(HERE), "e2e"), HERE]

from fabric import peers  # noqa: E402  (needs the path above)
from fabric.net import Lab  # noqa: E402

DAEMONS = {"bird": "BIRD", "frr": "FRR", "gobgp": "GoBGP", "openbgpd": "OpenBGPD",
           "exabgp": "ExaBGP"}
PASS, FAIL, ABSENT = "pass", "fail", "not in that daemon"


class Conf:
    """How a daemon is told: lines of its own configuration, by place.

    session, family, config, capability: see fabric.peers.Neighbor.text; glob, router,
    rules, ipv4, ipv6: for the whole daemon; route: attributes of one announced
    prefix, in the daemon's words; api: a command to ExaBGP; whole: everything.
    Without any: it does so by default.
    """

    def __init__(self, **places):
        self.places = places

    def text(self, place):
        return self.places.get(place, "")


@dataclasses.dataclass
class Not:
    """Not in that daemon: manual and section that were read, and why in our words."""
    manual: str
    why: str


@dataclasses.dataclass
class Feature:
    """One row: its RFC, what is asserted on both ends, where, and a cell for each daemon."""
    name: str
    title: str
    rfc: str
    asserted: str
    scenario: str
    cells: dict

    def __post_init__(self):
        missing = set(DAEMONS) - set(self.cells)
        assert not missing, f"{self.name}: no cell for {sorted(missing)}"


class Run:
    """One scenario with one daemon."""

    def __init__(self, daemon, features, table):
        self.daemon, self.kind = daemon, peers.ALL[daemon]
        self.features = {f.name: f for f in features}
        self.cells = {f.name: f.cells[daemon] for f in table}
        self.results = {f.name: (ABSENT, f.cells[daemon].why) for f in features
                        if isinstance(f.cells[daemon], Not)}
        self.todo = [n for n in self.features if n not in self.results]

    def wants(self, name):
        return name in self.todo

    def cell(self, name):
        cell = self.cells[name]
        return cell if isinstance(cell, Conf) else Conf()

    def places(self, names):
        """Texts of several features' cells, joined by place."""
        out = {}
        for name in names:
            for place, text in self.cell(name).places.items():
                out[place] = "\n".join(filter(None, [out.get(place, ""), text]))
        return out

    @contextlib.contextmanager
    def check(self, name):
        """Assert one feature; skipped where the daemon has it not (see wants())."""
        if not self.wants(name):
            yield
            return
        try:
            yield
        except Exception as e:
            self.results.setdefault(name, (FAIL, said(e)))
        else:
            self.results.setdefault(name, (PASS, ""))

    def go(self, scenario):
        """Run it in a lab of its own; every feature of it has a result afterwards."""
        began = time.monotonic()
        try:
            if self.todo:
                with Lab() as lab:
                    self.lab = lab
                    scenario(self)
                    assert not (found := crashes(lab)), f"weft crashed: {found}"
                why = "the scenario never asserted it"
        except Exception as e:
            why = said(e)
            if "weft crashed" in why:
                self.results = {n: (FAIL, why) for n in self.todo}
        for name in self.todo:
            self.results.setdefault(name, (FAIL, why))
        self.took = time.monotonic() - began
        return self


def said(e):
    """An exception in one line, with the place in the scenario where it was raised."""
    at = [f for f in traceback.extract_tb(e.__traceback__) if "/interop/" in f.filename]
    where = f" ({os.path.basename(at[-1].filename)}:{at[-1].lineno})" if at else ""
    return " ".join(f"{type(e).__name__}: {e}".split())[:600] + where


CRASH = re.compile(r"AddressSanitizer|runtime error:|signal[= ](?:4|6|7|8|11|31)\b|Assertion")


def crashes(lab):
    """Lines of weft's log that nothing may cause: sanitizers' reports, fatal signals."""
    path = f"{lab.dir}/weft/weftd.log"
    if not os.path.exists(path):
        return []
    with open(path, errors="replace") as f:
        return [line.strip() for line in f if CRASH.search(line)][:3]


def load():
    """(features, scenarios by name) of the fixed table."""
    table = importlib.import_module("features")
    scenarios = importlib.import_module("scenarios")
    names = [f.name for f in table.FEATURES]
    assert len(names) == len(set(names)), "a feature stands twice"
    for f in table.FEATURES:
        assert hasattr(scenarios, f.scenario), f"{f.name}: no scenario {f.scenario}"
    return table.FEATURES, scenarios


def one(job):
    """A worker's job: (scenario, daemon, feature names or None for all of the scenario)."""
    scenario, daemon, only = job
    features, scenarios = load()
    mine = [f for f in features if f.scenario == scenario and (only is None or f.name in only)]
    run = Run(daemon, mine, features).go(getattr(scenarios, scenario))
    return scenario, daemon, run.results, run.took


def jobs(features, daemons, only=None):
    """All jobs of a run."""
    wanted = [f for f in features if only is None or f.name in only]
    scenarios = list(dict.fromkeys(f.scenario for f in wanted))
    return [(s, d, only and [f.name for f in wanted if f.scenario == s])
            for s in scenarios for d in daemons]


def table(features, results, mark=str):
    """The matrix as lines of Markdown; results: {(feature, daemon): (state, why)}."""
    head = ["feature", "RFC", *DAEMONS.values()]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for f in features:
        cells = [mark(results.get((f.name, d), ("", ""))[0]) for d in DAEMONS]
        lines.append("| " + " | ".join([f.title, f.rfc, *cells]) + " |")
    return lines


def citations(features):
    """A line for every feature that a daemon does not have."""
    return [f"* {f.title}, {DAEMONS[d]}: {c.manual}: {c.why}"
            for f in features for d, c in f.cells.items() if isinstance(c, Not)]


def rewrite(path, begin, end, lines):
    """Replace what stands between two marker lines of a file."""
    with open(path) as f:
        text = f.read()
    new = re.sub(rf"({re.escape(begin)}\n).*?({re.escape(end)}\n)",
                 lambda m: m.group(1) + "\n".join(lines) + "\n" + m.group(2), text, flags=re.S)
    assert begin in text and end in text, f"{path} has no markers {begin}"
    with open(path, "w") as f:
        f.write(new)
