"""What weft has to reach, judged within one run: against others in it, never against old figures.

A Target is a row: the figure of weft's median and its bound, which is `limit` in the
figure's own unit, or `factor` times another daemon's median ("best": of the best peer;
"kernel": what the kernel alone needs). It is not judged when that one is not there, and
never for a scenario that --set has changed.
"""

import dataclasses

from results import shown


@dataclasses.dataclass(frozen=True)
class Target:
    scenario: str
    key: str
    factor: float = 1
    of: str = ""
    limit: float = None

    def judge(self, results):
        """{"scenario", "text", "ok"}, or None when something is missing."""
        scenario = results.scenarios.get(self.scenario)
        if scenario is None or scenario.told:     # not here, or another task than the target's
            return None
        figure = next(f for f in scenario.columns() if f.key == self.key)
        have, bound = results.median(self.scenario, "weft", self.key), self._bound(results, figure)
        if have is None or bound is None:
            return None
        ok = have >= bound if figure.more else have <= bound
        return {"scenario": self.scenario, "ok": ok, "text": self._text(results, figure, have, bound)}

    def _bound(self, results, figure):
        if self.limit is not None:
            return self.limit / figure.scale
        other = self._other(results, figure)
        return None if other is None else self.factor * other

    def _other(self, results, figure):
        if self.of == "best":
            best = results.best_peer(self.scenario, figure)
            return best and best[1]
        return results.median(self.scenario, self.of, self.key)

    def _text(self, results, figure, have, bound):
        least = "at least" if figure.more else "at most"
        text = f"{figure.label} {shown(have, figure)} {figure.unit}, {least} {shown(bound, figure)}"
        if self.limit is None:
            other = self._other(results, figure)
            text += f" ({self.factor:g} x {self.of}); it is {have / other:.2f} x"
        return text


MB = "peak"

TARGETS = (
    Target("S1", "seconds_complete", 0.5, "bird"),
    Target("S1", MB, 0.6, "bird"),
    Target("S2", "seconds_complete", 0.5, "bird"),
    Target("S2", MB, 0.6, "bird"),
    Target("S2", "redundant", 0.5, "bird"),
    Target("S3", "seconds_complete", 1.15, "kernel"),
    Target("S3", MB, limit=31),
    Target("S4", "seconds_complete", 0.7, "frr"),
    Target("S4", MB, 1, "bird"),
    Target("S4k", "seconds_up", 1, "bird"),
    Target("S4k", "seconds_complete", 0.7, "frr"),
    Target("S4k", MB, limit=29),
    Target("S5", "seconds_moved", limit=10),
    Target("S5", "seconds_unused", limit=100),
    Target("S5-v6", "seconds_moved", limit=10),
    Target("S5-v6", "seconds_unused", 1.2, "kernel"),
    Target("S6", "seconds_up", limit=15),
    Target("S6", "seconds_own", limit=20),
    Target("S6", "seconds_kernel", limit=40),
    Target("S6", "anon", limit=2.5),
    Target("S6", "cpu_idle", limit=2),
    Target("S6-dial", "seconds_own", limit=25),
    Target("S7", "cpu_each", 0.7, "bird"),
    Target("S7", "events_per_s", 1, "bird"),
    Target("S8", "seconds_complete", limit=2),
    Target("S8", MB, limit=24),
    Target("S9", "us_there_median", limit=300),
    Target("S9", "us_there_99", limit=1000),
    Target("S10-S1", "seconds_complete", 1, "best"),
    Target("S10-S1", MB, 1, "best"),
    Target("S10-S3", "seconds_complete", 1, "best"),
    Target("S10-S3", MB, 1, "best"),
    Target("S11", "seconds_complete", 0.5, "bird"),
    Target("S11", MB, 0.6, "bird"),
)


def judge(results, targets=TARGETS):
    """Verdicts of all targets that can be judged."""
    return [v for v in (t.judge(results) for t in targets) if v]
