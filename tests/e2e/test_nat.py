"""natOutgoing: what pods send to the outside has the node's address, nothing else is translated."""

import socket

import pytest

from fabric.traffic import Pinger
from fabric.wait import No, wait_until
from fabric.weft import Weft, config, peer

pytestmark = pytest.mark.patient

PODS = ["10.244.1.0/24", "fd00:10:244:1::/64"]
PERMIT = ["10.244.0.0/16", "fd00:10:244::/48"]
POD = ("10.244.1.2", "fd00:10:244:1::2")
NODE = ("10.9.1.1", "fd09:1::1")
OUTSIDE = ("203.0.113.9", "2001:db8:9::9")
# Where pods are seen as they are: another node's pod, another node, a service, what else was named.
INSIDE = {"pod": ("10.244.2.2", "fd00:10:244:2::2"), "node": ("10.9.1.2", "fd09:1::2"),
          "service": ("10.96.0.10", "fd00:10:96::a")}
EXCLUDE = ["10.96.0.0/12", "fd00:10:96::/112", "fd09:1::2"]
PORT = 9


class Fabric:
    """A pod, its node, and one namespace that is all the rest: node, pod, service, internet."""

    def __init__(self, lab, **nat):
        self.lab = lab
        self.pod, self.node, self.rest = lab.ns("pod"), lab.ns("node"), lab.ns("rest")
        lab.link(self.pod, "eth0", self.node, "pod0", [f"{POD[0]}/24", f"{POD[1]}/64"],
                 ["10.244.1.1/24", "fd00:10:244:1::1/64"])
        lab.link(self.node, "eth0", self.rest, "eth0", [f"{NODE[0]}/24", f"{NODE[1]}/64"],
                 ["10.9.1.2/24", "fd09:1::2/64"])
        self.pod.batch(["route add default via 10.244.1.1", "route add default via fd00:10:244:1::1"])
        self.node.batch(["route add default via 10.9.1.2", "route add default via fd09:1::2",
                         "route add 10.244.2.0/24 via 10.9.1.2",
                         "route add fd00:10:244:2::/64 via fd09:1::2"])
        self.rest.batch(["route add 10.244.1.0/24 via 10.9.1.1",
                         "route add fd00:10:244:1::/64 via fd09:1::1"])
        for v4, v6 in (INSIDE["pod"], INSIDE["service"], OUTSIDE):
            self.rest.addr("lo", f"{v4}/32", f"{v6}/128")
        self.servers = {}
        with self.rest.entered():
            for family in (socket.AF_INET, socket.AF_INET6):
                s = socket.socket(family, socket.SOCK_DGRAM)
                if family == socket.AF_INET6:
                    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                s.bind(("", PORT))
                s.settimeout(5)
                self.servers[family] = s
        self.weft = Weft(self.node, config(
            "node", 64512, NODE, [peer("rest", "10.9.1.2", 64512)], PODS, PERMIT, **nat))

    def seen(self, address):
        """The source that the other end sees of a new flow from the pod."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with self.pod.entered(), socket.socket(family, socket.SOCK_DGRAM) as s:
            s.connect((address, PORT))
            s.send(b"who am I")
            return self.servers[family].recvfrom(64)[1][0]

    def sources(self):
        return {name: tuple(self.seen(a) for a in addresses)
                for name, addresses in {**INSIDE, "outside": OUTSIDE}.items()}

    def tables(self):
        return self.node.run("nft", "list", "tables").split("\n")[:-1]

    def reload(self, **nat):
        self.weft.write_config({**{k: v for k, v in self.weft.config.items()
                                   if k != "natOutgoing"}, **nat})
        self.weft.weft("reload")

    def translating(self):
        return "table inet weft" in self.tables() or No(self.tables())


UNTOUCHED = {name: POD for name in (*INSIDE, "outside")}


def test_translation(lab):
    """Off: nothing. On: only to the outside, put back, kept over a restart. Off again: nothing."""
    f = Fabric(lab)
    f.node.run("nft", "-f", "-", stdin="table inet other { chain c { }; }\ntable ip weft { }\n")
    others = f.node.run("nft", "list", "ruleset")
    f.weft.start()
    assert f.sources() == UNTOUCHED and f.node.run("nft", "list", "ruleset") == others
    assert "nothing is translated" in f.weft.weft("nat")
    assert f.weft.status()["nat"] == {"on": False, "state": "off", "why": None, "repairs": 0}

    f.reload(natOutgoing={"enabled": True, "exclude": EXCLUDE})
    assert f.sources() == {**UNTOUCHED, "outside": NODE}
    rows = f.weft.json("nat")["nat"]
    assert [(r["family"], r["state"], r["pods"], r["flows"]) for r in rows] == \
        [("ipv4", "installed", PODS[:1], 1), ("ipv6", "installed", PODS[1:], 1)]
    assert rows[0]["not_translated"] == ["10.9.1.2/32", "10.96.0.0/12", "10.244.0.0/16"]
    listing = f.node.run("nft", "list", "table", "inet", "weft")
    assert "made by weft-agent" in listing and "fully-random" in listing

    f.reload(natOutgoing={"enabled": True, "exclude": [*EXCLUDE, OUTSIDE[0]]})
    assert f.sources()["outside"] == (POD[0], NODE[1])
    f.reload(natOutgoing={"enabled": True, "exclude": EXCLUDE})

    for change in ("delete table inet weft",
                   "add element inet weft inside4 { 203.0.113.0/24 }"):
        before = f.weft.status()["nat"]["repairs"]
        f.node.run("nft", *change.split())
        wait_until(lambda: f.weft.status()["nat"]["repairs"] == before + 1, 8, f"put back: {change}")
        assert f.sources() == {**UNTOUCHED, "outside": NODE}, change

    f.reload(natOutgoing=False)
    assert f.sources() == UNTOUCHED and f.node.run("nft", "list", "ruleset") == others


def test_restart(lab, figure):
    """The agent, then all of weft, is killed: what is translated stays so, and no packet is lost."""
    f = Fabric(lab, natOutgoing=True, kernel={"permit": PERMIT})
    f.weft.start()
    wait_until(f.translating, 5, "the table is there")
    pings = [Pinger(f.pod, a) for a in (OUTSIDE[0], INSIDE["pod"][0])]
    agent = f.weft.pid("weft-agent")
    f.weft.kill("weft-agent")
    wait_until(lambda: f.weft.pid("weft-agent") not in (agent, None) and f.weft.answers(), 10,
               "another agent")
    assert f.seen(OUTSIDE[0]) == NODE[0]
    f.weft.kill()
    assert f.seen(OUTSIDE[1]) == NODE[1]        # nobody is there but the kernel
    f.weft.start()
    wait_until(lambda: f.weft.status()["nat"]["state"] == "installed", 5, "its table again")
    assert f.seen(OUTSIDE[0]) == NODE[0]
    results = [p.result() for p in pings]
    figure(f"lost {[r['lost'] for r in results]} of {[r['sent'] for r in results]}")
    assert all(r["lost"] == 0 and r["received"] for r in results)
    f.weft.stop()
    assert f.tables() == []                     # kernel.onStop: flush


def test_switched_off_meanwhile(lab):
    """A table that a former life left goes when the next one does not translate."""
    f = Fabric(lab, natOutgoing=True)
    f.weft.start()
    wait_until(f.translating, 5, "the table is there")
    f.weft.kill()
    f.weft.write_config({k: v for k, v in f.weft.config.items() if k != "natOutgoing"})
    f.weft.start()
    wait_until(lambda: not f.tables() or No(f.tables()), 5, "the table is gone")


def test_foreign_table(lab):
    """A table of our name that somebody else made is left alone, and status says so."""
    f = Fabric(lab, natOutgoing=True)
    f.node.run("nft", "-f", "-", stdin="table inet weft { chain mine { }; }\n")
    before = f.node.run("nft", "list", "ruleset")
    f.weft.start()
    wait_until(lambda: f.weft.status()["nat"]["state"] == "foreign", 5, "status says foreign")
    assert any("natOutgoing" in w for w in f.weft.status()["warnings"])
    assert f.seen(OUTSIDE[0]) == POD[0]
    f.reload()
    assert f.node.run("nft", "list", "ruleset") == before


def test_nodes_of_a_cluster(lab, kube):
    """Nodes and their pods are known by the cluster alone; before that nothing is translated."""
    f = Fabric(lab, natOutgoing=True)
    path = kube.attach(lab, f.node)
    f.weft.config["kernel"]["permit"] = ["172.16.0.0/12"]
    f.weft.config["peers"] = []
    f.weft.config["kubernetes"] = {"enabled": True, "kubeconfig": path}
    f.weft.options = ["--secret-dir", path.rsplit("/", 1)[0]]
    kube.apiserver.hang()
    f.weft.start()
    wait_until(lambda: f.weft.status()["nat"]["state"] == "waiting", 5, "it waits for the cluster")
    assert f.tables() == []
    kube.apiserver.go_on()
    kube.create(kube.node("node", NODE, PODS), kube.node("other", INSIDE["node"], ["10.244.2.0/24", "fd00:10:244:2::/64"]))

    wait_until(f.translating, 15, "the table is there")
    want = {**UNTOUCHED, "service": NODE, "outside": NODE}
    wait_until(lambda: f.sources() == want or No(f.sources()), 15, "the other node is known")
    kube.delete("/api/v1/nodes/other")
    wait_until(lambda: f.seen(INSIDE["pod"][0]) == NODE[0], 10, "a node that is gone is outside")
