"""An API server that dies, hangs, forgets and comes back: forwarding does not notice.

Three weft nodes in a full mesh learn of each other from a real kube-apiserver. Whatever is done to
it and its etcd, `ip monitor` sees not one route or next hop change on any node; and a Node made when
the server is there again is known everywhere within 2 s.
"""

import os
import shutil
import time

import pytest

from fabric import apistore, replay
from fabric.monitor import told
from fabric.segment import AS, PERMIT, Segment, addresses, pods
from fabric.wait import No, wait_until
from fabric.weft import Weft, config

pytestmark = pytest.mark.patient
NAMES = ["n1", "n2", "n3"]
BACK_S = 2
TOKEN_S = 16                # a token's life; longer than what comes before its end matters
RULES = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]


class Fabric:
    """Three nodes; kubeconfig(ns) gives each its way to the server."""

    def __init__(self, lab, kubeconfig):
        segment = Segment(lab)
        self.wefts, self.monitors, self.late = [], [], 100
        for i, name in enumerate(NAMES, 1):
            ns = segment.ns(name, i)
            conf = config(name, AS, addresses(i), [], permit=PERMIT, bgp={"nodeToNodeMeshEnabled": True},
                          cni={"enabled": "false"}, kubernetes={"enabled": True, "kubeconfig": kubeconfig(ns)})
            conf["node"]["podCIDRs"] = "auto"
            self.wefts.append(Weft(ns, conf).start(wait=False))

    def wait_up(self):
        for w in self.wefts:
            wait_until(w.answers, 15, "weft answers")
        for i, w in enumerate(self.wefts, 1):
            others = [p for k in (1, 2, 3) if k != i for p in pods(k)]
            wait_until(lambda: all(w.ns.ip("route", "show", "table", "all", p, "proto", "212") for p in others)
                       or No([w.ns.name, w.json("peers")["peers"]]), 20, "every pod range has its route")
            w.wait_synced()
        return self

    def monitor(self):
        """From now on every change of a route or next hop is written down."""
        self.monitors = [w.ns.spawn("ip", "monitor", "route", "nexthop", log="monitor.out") for w in self.wefts]

    def assert_untouched(self, what):
        for m in self.monitors:
            assert m.alive() and not told(m), f"{what}: {m.text()}"

    def late_node(self, create, figure, what):
        """A Node made now is a peer of everybody's soon."""
        self.late += 1
        name, begin = f"late{self.late}", time.monotonic()
        create(name, [f"10.8.0.{self.late}"])
        for w in self.wefts:
            wait_until(lambda: any(f"10.8.0.{self.late}" == p["address"] for p in w.json("peers")["peers"])
                       or No(w.json("peers")["peers"]), BACK_S, f"{what}: {w.ns.name} knows {name}")
        figure(f"{what}: caught up after {time.monotonic() - begin:.2f} s")
        self.assert_untouched(what)


def rest(seconds):
    """An outage of that length."""
    end = time.monotonic() + seconds
    wait_until(lambda: time.monotonic() > end, seconds + 1, "an outage")


# -- a real server ----------------------------------------------------------------------


@pytest.fixture
def tokens(lab, kube):
    """Write the nodes' token files: tokens(token)."""
    files = []

    def path_for(ns):
        files.append(f"{ns.dir}/token")
        path = f"{ns.dir}/kubeconfig"
        shutil.copy(kube.token_kubeconfig("weft", file=files[-1]), path)
        os.chmod(path, 0o644)
        return path

    def write(token):
        for f in files:
            with open(f + ".new", "w") as out:
                out.write(token)
            os.rename(f + ".new", f)

    kube.service_account("weft", RULES)
    write.path_for = path_for
    return write


@pytest.mark.slow
def test_real_server(lab, kube, tokens, figure):
    """Killed, hung, restarted, without its etcd, with a token that expired and was rotated."""
    kube.create(*[kube.node(n, addresses(i), pods(i)) for i, n in enumerate(NAMES, 1)])

    first, second = (kube.sign_token("weft", s) for s in (TOKEN_S, 3600))

    def kubeconfig(ns):
        kube.attach(lab, ns)
        path = tokens.path_for(ns)
        tokens(first)
        return path

    fabric, born = Fabric(lab, kubeconfig), time.monotonic()
    fabric.wait_up().monitor()

    def create(name, ips):
        kube.create(kube.node(name, ips))

    def try_faults(*faults):
        for what, fault, outage in faults:
            fault()
            rest(outage)
            fabric.assert_untouched(what)
            kube.ensure()
            fabric.late_node(create, figure, what)

    fabric.late_node(create, figure, "all is well")
    try_faults(("hung", kube.apiserver.hang, 2), ("no etcd", kube.etcd.kill, 1))
    kube.apiserver.kill()
    wait_until(lambda: time.monotonic() > born + TOKEN_S, TOKEN_S, "the token that the nodes know has expired")
    tokens(second)
    fabric.assert_untouched("killed")
    kube.ensure()
    fabric.late_node(create, figure, "killed, token expired and rotated")
    if os.environ.get("WEFT_SOAK") == "1":      # a server takes some seconds to start
        try_faults(("killed", kube.apiserver.kill, 1), ("stopped", kube.apiserver.stop, 0),
                   ("both killed", lambda: (kube.etcd.kill(), kube.apiserver.kill()), 10))


# -- a server that does worse on demand ----------------------------------------------------


def test_replayed_and_cut(lab, api_server, figure):
    """Old revisions again, watches cut in mid-word, refusals after a restart, a server hung."""
    ns = lab.ns("api")
    ns.addr("lo", "172.31.255.1/32")
    api = api_server(ns, "172.31.255.1")
    for i, n in enumerate(NAMES, 1):
        api.store.put(replay.NODES, apistore.node(n, addresses(i), pods(i)))
    links = iter(range(1, 9))

    def kubeconfig(node):
        k = next(links)
        lab.link(node, "kube", ns, f"to{k}", [f"172.31.{k}.2/30"], [f"172.31.{k}.1/30"])
        node.ip("route", "add", "172.31.255.1", "via", f"172.31.{k}.1")
        return api.kubeconfig(f"{node.dir}/kubeconfig")

    def create(name, ips):
        api.store.put(replay.NODES, apistore.node(name, ips))

    fabric = Fabric(lab, kubeconfig).wait_up()
    fabric.monitor()

    def cut(how, half):
        wait_until(lambda: len(api.watches(replay.NODES)) == 3, 5, "all watch")
        assert api.cut_watches(how, half=half) >= 3

    for how, half in (("rst", True), ("eof", True), ("clean", False)):
        cut(how, half)
        fabric.late_node(create, figure, f"watches cut ({how})")

    old = {n: api.store.get(replay.NODES, n) for n in NAMES}
    for n in NAMES:
        api.store.put(replay.NODES, apistore.heartbeat(api.store.get(replay.NODES, n)))
    wait_until(lambda: len(api.watches(replay.NODES)) == 3, 5, "all watch")
    assert api.say_again(replay.NODES) >= 3
    api.say(b'{"type":"DELETED","object":%s}\n' % apistore.encode(old["n2"]), replay.NODES)
    fabric.late_node(create, figure, "old revisions")

    api.fault(f"GET {replay.NODES}", replay.forbidden(), times=3)
    api.store.compact()
    api.stop()
    rest(1)
    api.start()
    fabric.late_node(create, figure, "restarted, 403 first")
    api.freeze()
    rest(2)
    api.thaw()
    fabric.late_node(create, figure, "frozen")
