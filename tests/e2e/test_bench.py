"""A slice of the bench (make bench runs all of it, and times it): every check passes.

The load generator compares each prefix and attribute set that it gets, and each route that
the kernel has, with what it must be.
"""

import dataclasses
import os
import struct
import sys

import pytest

from fabric.net import namespaces
from fabric.wait import wait_until
from fabric.weft import BUILD

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "bench"))

import adapters  # noqa: E402  (needs the path above)
import cell  # noqa: E402
import ground  # noqa: E402
import results  # noqa: E402
import plan  # noqa: E402
import survive  # noqa: E402
import targets  # noqa: E402

pytestmark = [pytest.mark.patient, pytest.mark.release]

SLICE = {
    "S1": {"prefixes": 20_000},
    "S2": {"prefixes": 2_000},
    "S3": {"prefixes": 5_000},
    "S4": {"peers": 50},
    "S5": {"prefixes": 5_000},
    "S5-v6": {"prefixes": 5_000},
    "S6": {"seconds": 1},
    "S7": {"prefixes": 10_000, "change": 1_000, "rounds": 5},
    "S8": {"peers": 50},
    "S9": {"rounds": 50},
}


@pytest.mark.parametrize("daemon", ["weft", "bird"])
@pytest.mark.parametrize("name", list(SLICE))
def test_slice(lab, figure, name, daemon):
    """A small run of the scenario: nothing wrong, nothing missing, nothing too much."""
    scenario = plan.TABLE[name].changed(**SLICE[name])
    result = cell.run(lab, BUILD, scenario, adapters.ALL[daemon])
    assert result.values["ok"]
    used = list(result.usage.values())[-1]
    assert used.processes > 0 and used.peak > 0
    figure(f"{result.seconds:.1f} s")


def attribute(flags, kind, value):
    return struct.pack("!BBH", flags | 0x10, kind, len(value)) + value


def mrt_record(i):
    """An UPDATE of 2 prefixes as an MRT file has it; its path, communities and so on vary with i."""
    path = struct.pack("!BB3I", 2, 3, 64700, 100_000 + i, 200_000)
    path += struct.pack("!BB2I", 1, 2, 300, 400) if i % 3 == 0 else b""
    attributes = [(0x40, 1, b"\0"), (0x40, 2, path), (0x40, 3, b"\xc6\x33\x64\x01"),
                  (0x80, 4, struct.pack("!I", i)), (0x40, 5, struct.pack("!I", 100)),
                  (0xc0, 8, struct.pack("!2I", 1000 << 16 | i, 7))]
    attributes += [(0x40, 6, b""), (0xc0, 7, struct.pack("!II", 64700, i))] if i % 2 else []
    attributes += [(0xc0, 32, struct.pack("!3I", 64700, i, 1))] if i % 5 == 0 else []
    sets = b"".join(attribute(*a) for a in attributes)
    body = struct.pack("!HH", 0, len(sets)) + sets + bytes((24, 20, i // 256, i % 256, 16, 30, i % 50))
    message = b"\xff" * 16 + struct.pack("!HB", 19 + len(body), 2) + body
    record = struct.pack("!IIHH8x", 64700, 64701, 0, 1) + message
    return struct.pack("!IHHI", 1, 17, 4, 4 + len(record)) + b"\0" * 4 + record


def test_table(lab, tmp_path):
    """S11 with a small table, in which later announcements replace some of the earlier ones."""
    file = tmp_path / "table"
    file.write_bytes(b"".join(mrt_record(i) for i in range(500)))
    result = cell.run(lab, BUILD, plan.TABLE["S11"].changed(mrt=str(file)), adapters.ALL["weft"])
    assert result.values["ok"] and result.values["prefixes"] == 550, result.values


def test_rib_dump_is_told(lab, tmp_path):
    """S11 with a RIB dump, which has no messages, says what is wrong with it."""
    file = tmp_path / "rib"
    file.write_bytes(struct.pack("!IHHI", 1, 13, 1, 4) + b"\0" * 4)
    with pytest.raises(cell.Failed, match="RIB dump"):
        cell.run(lab, BUILD, plan.TABLE["S11"].changed(mrt=str(file)), adapters.ALL["weft"])


def test_a_broken_cell_leaves_nothing(lab, monkeypatch):
    """A set-up that fails half way costs that cell only: the next one finds its place free."""
    scenario = plan.TABLE["S1"].changed(prefixes=2_000)
    with monkeypatch.context() as m:
        m.setattr(ground, "know", lambda *_: [][0])
        with pytest.raises(IndexError):
            cell.run(lab, BUILD, scenario, adapters.ALL["weft"])
    assert cell.run(lab, BUILD, scenario, adapters.ALL["weft"]).values["ok"]


class Deaf(adapters.Weft):
    """A daemon that does nothing at all."""

    def start(self):
        return adapters.Daemon(self.ns, ["exec sleep 600"], None, ())

    def ready(self):
        return True


def test_a_late_cell_is_ended(lab):
    """A daemon that does not do its work costs the time it is given, and nothing is left of it."""
    scenario = dataclasses.replace(plan.TABLE["S1"].changed(prefixes=2_000), deadline_s=2)
    with pytest.raises(cell.Late, match="sessions up: not within") as late:
        cell.run(lab, BUILD, scenario, Deaf)
    assert late.value.seconds >= 1.5 and late.value.result.usage["late"].processes == 1
    assert not namespaces(lab.prefix)


def test_a_hanging_generator_is_ended(lab, monkeypatch):
    """The generator, too, is killed when it does not end by itself; that is no slow daemon."""
    monkeypatch.setattr(cell, "SPARE_S", 1)
    monkeypatch.setattr(cell.Generator, "go_on", lambda self: None)
    scenario = dataclasses.replace(plan.TABLE["S1"].changed(prefixes=2_000), deadline_s=2)
    with pytest.raises(cell.Failed, match="the generator was not done in time") as failed:
        cell.run(lab, BUILD, scenario, adapters.ALL["weft"])
    assert not isinstance(failed.value, cell.Late)
    assert not namespaces(lab.prefix)


def test_a_late_cell_has_a_row():
    """It says how long what is missing was waited for, and is nobody's measure."""
    r, scenario = results.Results({}, 1), plan.TABLE["S4"]
    used = {"late": ground.Usage(peak=1024)}
    r.add(scenario, "frr", cell.Result({"seconds_up": 1, "seconds_complete": 2}, {}, 3.0))
    r.add(scenario, "gobgp", cell.Result({"seconds_up": 1.5}, used, 150.0), late=148.25, why="late")
    row = dict(zip(*[results.rows(r, scenario)[i] for i in (0, 2)]))
    assert row["sessions up (s)"] == "1.500" and row["reflected (s)"] == "> 148", row
    assert row["peak (MB)"] == "1.0" and row["runs"] == "0 of 1", row
    assert r.best_peer("S4", plan.PEAK) is None and r.best_peer("S4", plan.UP) == ("frr", 1)
    assert r.told("why") == [("S4", "gobgp", "late")] and not r.failures()


def test_a_lost_session_is_seen(lab):
    """BIRD's side of make bench-survive: a session that was down in between fails it."""
    field = lab.ns("field")
    weft = survive.Node(field)
    bird = survive.neighbour(lab, field, 0)
    weft.start().go()
    before = wait_until(bird.changes, 20, "BIRD's session and BFD are up")
    survive.unchanged([bird], [before])
    bird.birdc("restart", "n0")
    wait_until(lambda: bird.changes() and bird.changes() != before, 20, "they are up again")
    with pytest.raises(AssertionError, match="n0: State changed to"):
        survive.unchanged([bird], [before])


def saved(path, scenario, seconds):
    """A run of the scenario with that time, saved into a file that may have others'."""
    r = results.Results({"weft": "1"}, 1)
    r.keep(path)
    r.add(scenario, "weft", cell.Result({"us_there_median": 1, "seconds_complete": seconds}, {}, 1.0))
    r.verdicts = targets.judge(r)
    r.save(path)


def test_results_of_other_scenarios_stay(tmp_path):
    """What is run again is replaced, the rest stays; targets are for the task as it stands."""
    path = str(tmp_path / "bench.json")
    for name, seconds in (("S9", 1.0), ("S8", 1.0), ("S8", 3.0)):
        saved(path, plan.TABLE[name], seconds)
    r = results.load(path, plan.TABLE)
    assert list(r.scenarios) == ["S8", "S9"]
    assert r.values("S8", "weft", "seconds_complete") == [3.0]
    assert [(v["scenario"], v["ok"]) for v in r.verdicts] == [("S8", False), ("S9", True)]
    saved(path, plan.TABLE["S8"].told_otherwise(peers=10), 1.0)
    r = results.load(path, plan.TABLE)
    assert r.scenarios["S8"].told == {"peers": 10} and "peers=10" in r.scenarios["S8"].title
    assert [v["scenario"] for v in r.verdicts] == ["S9"]


@pytest.mark.parametrize("name", ["S1", "S3"])
def test_what_is_wrong_is_found(lab, name):
    """The checks can fail: an octet of what comes in is corrupted, a kernel route overlooked."""
    scenario = plan.TABLE[name].changed(prefixes=2_000)
    with pytest.raises(cell.Failed):
        cell.run(lab, BUILD, scenario.changed(**{"expect-wrong": "yes"}), adapters.ALL["weft"])
