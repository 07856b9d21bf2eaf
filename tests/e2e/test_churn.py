"""Everything changes at once: sessions flap and pour while the configuration is another every time.

A hostile peer announces, withdraws, refreshes and drops its sessions; at the same time filters get
other names and rules, peers go and come, one host is now a peer and now one of a listenRange, a
BMP collector does not read, MRT records run, and every view is asked for.
"""

import random
import struct
import threading

import pytest

from fabric import bgp
from fabric.topo import WEFT_AS
from fabric.weft import peer

from test_hostile import (AS4, EVIL_IP, GOOD_AS, IDS_IN, IDS_OUT, REFRESHES, V4, WEFT_IP, Siege,
                          raw, with_ids)

SWAP_AS, SWAP_IP = 65005, "10.9.1.5"
VIEWS = (("routes",), ("routes", "--received"), ("routes", "--rejected"), ("routes", "--best"),
         ("routes", "--peer", "evil"), ("routes", "--received", "--peer", "evil"),
         ("routes", "--advertised", "--peer", "good"), ("peers",), ("status",), ("bmp",))
SECONDS = 8
# A collector that takes connections and reads nothing.
DEAF = """
import socket, sys
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
s.bind((sys.argv[1], 11019))
s.listen(16)
kept = []
while True:
    kept.append(s.accept())
"""


def rules(r, export):
    """A chain of random length whose rules edit, refuse or look at prefixes."""
    ops = ({"setMED": r.randrange(9)}, {"setLocalPref": r.randrange(100, 300)},
           {"addCommunities": [f"65000:{r.randrange(50)}"]},
           {"addCommunities": ["65000:1"]} if export else {"setWeight": r.randrange(5)})
    return [{**r.choice(({}, {"cidr": "20.0.0.0/8", "matchOperator": "In"},
                         {"prefixLength": {"min": 24}})),
             "operations": [r.choice(ops)]} for _ in range(r.randrange(1, 40))] + \
        [{"action": r.choice(("Accept", "Accept", "Reject"))}]


class Churn:
    """A siege, and threads that each do one thing over and over."""

    def __init__(self, lab, seed):
        ids = {"addPath": {"send": "all", "receive": True}}
        self.random, self.attacker = random.Random(seed), random.Random(-seed - 1)
        self.done, self.wrong = threading.Event(), []
        self.s = Siege(lab, good={"import": "all", "export": "all", **ids}, export="all",
                       good_caps=V4 + bgp.cap_as4(GOOD_AS) + IDS_IN, **{"import": "all"}, **ids,
                       more={"bgp": {"asNumber": WEFT_AS, "routerID": WEFT_IP, "transit": True},
                             "bmp": [{"name": "deaf", "address": EVIL_IP, "connectRetry": "1s"}]})
        self.s.p.addr("eth0", f"{SWAP_IP}/24")
        self.s.p.spawn("/usr/bin/python3", "-c", DEAF, EVIL_IP, log="deaf.log")
        self.peers = self.s.weft.config["peers"]
        self.turn = 0

    def attack(self):
        r = self.attacker
        c = self.s.session(hold=90, caps=V4 + AS4 + REFRESHES + IDS_OUT)
        try:
            for _ in range(r.randrange(1, 4)):
                c.sock.sendall(with_ids(r.randrange(50), r.randrange(1, 20), r.randrange(1, 800),
                                        r.randrange(1000)))
                c.sock.sendall(raw(bgp.REFRESH, struct.pack("!HBB", 1, r.randrange(3), 1)))
                self.done.wait(r.random() / 3)
        finally:
            c.close()

    def swap(self):
        c = bgp.connect(self.s.p, SWAP_IP, WEFT_IP, timeout=2)
        try:
            c.establish(SWAP_AS, SWAP_IP, hold=90)
            c.send(bgp.UPDATE, bgp.update_body([f"21.0.{k}.0/24" for k in range(100)],
                                               next_hop=SWAP_IP, as_path=[SWAP_AS]))
            self.done.wait(0.2)
        finally:
            c.close()

    def reload(self):
        r = self.random
        self.turn += 1
        names = [f"f{self.turn}.{k}" for k in range(r.randrange(0, 4))]
        entries = [dict(p) for p in self.peers if p["name"] != "evil" or r.random() < 0.9]
        for p in entries:
            if names and r.random() < 0.8:
                p["filters"] = r.sample(names, r.randrange(1, len(names) + 1))
        one = {"asNumber": SWAP_AS, "import": "all"}
        entries.append(r.choice((peer("swap", SWAP_IP, passive=True, asn=SWAP_AS),
                                 {"name": "dyn", "listenRange": [f"{SWAP_IP}/32"], **one},
                                 {"name": "dyn2", "listenRange": ["10.9.1.4/31"], "maxPeers": 1,
                                  "forgetAfter": "1s", **one})))
        config = self.s.weft.config
        config["peers"] = entries
        config["filters"] = {n: {"import": rules(r, False), "export": rules(r, True)} for n in names}
        self.s.weft.write_config()
        self.s.weft.weft("reload")
        self.done.wait(r.random() / 4)

    def look(self):
        for words in VIEWS:
            out = self.s.weft.weft(*words, "-o", "json", check=False)
            assert out.returncode in (0, 1), (words, out.returncode, out.stderr[-300:])

    def record(self):
        self.s.w.run("sh", "-c", f"timeout 1 {self.s.weft.build}/ctl/weft --run-dir "
                     f"{self.s.weft.run_dir} mrt record - | (sleep 0.7; cat) >/dev/null",
                     check=False)

    def guard(self, act):
        """Over and over; a session that comes to nothing, or ends, is part of it."""
        may_fail = (OSError, AssertionError) if act in (self.attack, self.swap) else ()
        while not self.done.is_set():
            try:
                act()
            except may_fail:
                self.done.wait(0.05)
            except Exception as e:      # of a thread: the test shows it
                self.wrong.append(f"{act.__name__}: {e!r}")
                return

    def run(self):
        acts = (self.attack, self.swap, self.reload, self.look, self.record)
        threads = [threading.Thread(target=self.guard, args=(a,), daemon=True) for a in acts]
        for t in threads:
            t.start()
        self.done.wait(SECONDS)
        self.done.set()
        for t in threads:
            t.join(30)


@pytest.mark.parametrize("seed", (1, 2))
def test_churn(lab, seed, figure):
    c = Churn(lab, seed)
    c.run()
    text = c.s.weft.text()
    ups = text.count(" peer-up ")
    figure(f"{c.turn} configurations, {ups} sessions")
    assert not c.wrong, c.wrong
    assert c.turn >= 5 and ups >= 10
    c.s.check(grown=64 << 20)
