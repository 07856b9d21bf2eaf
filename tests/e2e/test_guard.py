"""The mass-withdraw guard: many routes withdrawn at once are kept for a while, and then go."""

from fabric import bgp
from fabric.topo import PEER_AS, PERMIT, PODS, WEFT_AS, timers, wire
from fabric.wait import No, holds_for, wait_until
from fabric.weft import Weft, config, peer

NEAR, OTHER, OURS = "10.9.1.2", "10.9.1.4", "10.9.1.1"
NETS = [f"172.{20 + i // 250}.{i % 250}.0/24" for i in range(1000)]
HOLD_S = 3


class Fed:
    """A node with a scripted peer that announces 1,000 routes."""

    def __init__(self, lab):
        self.w, self.p = lab.ns("weft"), lab.ns("peer")
        mine, _ = wire(lab, self.w, "eth0", self.p, "eth0", 1)
        self.p.addr("eth0", f"{OTHER}/24")
        self.weft = Weft(self.w, config(
            "weft", WEFT_AS, mine, [peer("rr", NEAR, PEER_AS, timers=timers(hold="60s"))], PODS,
            PERMIT, kernel={"massWithdrawGuard": {"threshold": "50%", "within": "2s",
                                                  "hold": f"{HOLD_S}s"}})).start()
        self.w.wait_port(179)
        self.rr = bgp.connect(self.p, NEAR, OURS).establish(PEER_AS, NEAR)
        self.say(announced=NETS)
        wait_until(lambda: self.count() == 1000 or No(self.count()), 10, "all are installed")

    def say(self, announced=(), withdrawn=(), next_hop=NEAR):
        for i in range(0, len(announced), 200):
            self.rr.send(bgp.UPDATE, bgp.update_body(announced[i:i + 200], next_hop=next_hop,
                                                     as_path=[PEER_AS]))
        for i in range(0, len(withdrawn), 200):
            self.rr.send(bgp.UPDATE, bgp.update_body(withdrawn=withdrawn[i:i + 200]))

    def routes(self):
        return {r["dst"]: r for r in self.weft.kernel_routes(4) if r.get("type") != "unreachable"
                and r["dst"].endswith(".0/24") and r["dst"].startswith("172.2")}

    def count(self):
        return len(self.routes())

    def events(self, name):
        return [e["text"] for e in self.weft.events() if e["event"] == name]


def test_held_then_applied(lab):
    """90 % withdrawn at once: held with an event, shown, and applied; few are applied at once."""
    f = Fed(lab)
    f.say(withdrawn=NETS[:20])
    wait_until(lambda: f.count() == 980 or No(f.count()), 3, "single ones go at once")
    assert not f.events("withdrawals-held")
    f.say(withdrawn=NETS[20:900])
    wait_until(lambda: f.events("withdrawals-held"), 3, "they are held")
    # Those withdrawn a moment before are part of it.
    wait_until(lambda: f.count() == 1000 or No(f.count()), 1, "what went is back", every_s=0.005)
    row = next(r for r in f.weft.fib() if r["prefix"] == NETS[500])
    assert row["state"] == "held" and row["in_kernel"] and row["held_left_s"] >= 1, row
    assert " keeps it for " in row["reason"] and row["reason"].endswith(" s more"), row
    status = f.weft.status()
    assert status["fib"]["withdrawals_held"] == 900, status["fib"]
    assert any("900 of 1000 routes were withdrawn at once" in w for w in status["warnings"])
    f.say(announced=[NETS[100]], next_hop=OTHER)     # a new route wins at once
    wait_until(lambda: OTHER in str(f.w.ipj("route", "get", NETS[100].replace(".0/24", ".1"))), 1,
               "the new route is used")
    holds_for(lambda: f.count() == 1000 or No(f.count()), HOLD_S - 2, "all are there")
    wait_until(lambda: f.count() == 101 or No(f.count()), HOLD_S + 2, "they go after that")
    assert f.events("withdrawals-over") == ["held=900 returned=1 removed=899"]
    f.weft.wait_synced()


def test_session_ends_and_returns(lab):
    """All routes of a session that ended are held; when they are announced again, nothing happened."""
    f = Fed(lab)
    f.rr.close()
    wait_until(lambda: f.events("withdrawals-held"), 5, "they are held")
    f.rr = bgp.connect(f.p, NEAR, OURS).establish(PEER_AS, NEAR)
    f.say(announced=NETS)
    wait_until(lambda: f.events("withdrawals-over") or No(f.count()), HOLD_S - 1, "they are back")
    assert f.events("withdrawals-over") == ["held=1000 returned=1000 removed=0"]
    assert f.count() == 1000
    f.say(withdrawn=NETS)
    wait_until(lambda: len(f.events("withdrawals-held")) == 2, 3, "they are held again")
    f.w.ip("link", "set", "eth0", "down")            # what leads nowhere is not held
    wait_until(lambda: f.count() == 0 or No(f.count()), 1, "gone with the link")
    f.w.ip("link", "set", "eth0", "up")
    assert f.weft.status()["fib"]["withdrawals_held"]
