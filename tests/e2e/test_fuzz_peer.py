"""A peer that mutates OPENs and UPDATEs over real sockets; a slice of what `make fuzz-peer` runs.

WEFT_FUZZ_SECONDS (20), WEFT_FUZZ_SEED (from the clock) and WEFT_FUZZ_CASE (LANE.K, one
case alone) change the run. After every case weft takes a clean session and the observer
of that lane is still the one it was: tests/vectors/fuzz_peer.c sees to that.
"""

import os
import re
import threading
import time

import pytest

from fabric.weft import BUILD, SANITIZER_ENV, TOP
from test_vectors import Bench, memory

SECONDS = int(os.environ.get("WEFT_FUZZ_SECONDS") or 20)
SEED = os.environ.get("WEFT_FUZZ_SEED") or str(int(time.time()))
CASE = os.environ.get("WEFT_FUZZ_CASE")
LANES = 4


class Meter(threading.Thread):
    """Resident octets and descriptors of the three processes, now and then."""

    def __init__(self, pids):
        super().__init__(daemon=True)
        self.pids, self.done, self.seen = pids, threading.Event(), []
        self.start()

    def run(self):
        while not self.done.wait(SECONDS / 20):
            self.seen.append([(memory(p), len(os.listdir(f"/proc/{p}/fd"))) for p in self.pids])


@pytest.mark.slice
def test_fuzz_peer(lab, figure):
    """No crash, no leak, no innocent session lost."""
    b = Bench(lab, level="error")
    names = ("weftd", "weft-agent", "weft-bgpd")
    pids = [b.weft.pid(n) for n in names]
    meter = Meter(pids)
    words = ["--seed", SEED] + (["--case", CASE] if CASE else ["--seconds", str(SECONDS), "--lanes", str(LANES)])
    p = b.p.run(f"{BUILD}/tests/vectors/fuzz_peer", *words, check=False,
                env={"srcdir": TOP, **SANITIZER_ENV}, timeout=SECONDS + 120)
    meter.done.set()
    assert p.returncode == 0, f"seed {SEED}:\n{p.stdout[-6000:]}{p.stderr}"
    assert [b.weft.pid(n) for n in names] == pids, b.weft.text()[-3000:]
    b.check()
    if CASE:
        return
    quarter = len(meter.seen) // 4
    early, late = meter.seen[quarter], meter.seen[-1]
    figure(f"{re.search(r'[0-9]+ cases', p.stdout)[0]} in {SECONDS} s, seed {SEED}; "
           + ", ".join(f"{n} {e[0] >> 10} to {l[0] >> 10} KiB" for n, e, l in zip(names, early, late)))
    for name, e, l in zip(names, early, late):
        assert SANITIZER_ENV or l[0] < e[0] + (1 << 20), f"{name} grew from {e[0]} to {l[0]}"
        assert l[1] <= e[1] + 2 * LANES, f"{name}: {e[1]}, then {l[1]} descriptors"
