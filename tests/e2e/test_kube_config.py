"""Configuration in the cluster: custom resources against a real API server."""

import contextlib
import os
import threading
import time

import pytest

from fabric.kube import ApiError, Kube
from fabric.weft import BUILD, Weft, config, to_yaml
from fabric.wait import No, wait_until

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
CRDS = os.path.join(TOP, "etc/kubernetes/crds")
SAMPLES = os.path.join(TOP, "etc/kubernetes/samples")
GROUP = "weft.dev/v1alpha1"
ROOT = f"/apis/{GROUP}"


def define(kube):
    """The definitions as they are shipped, by the real kubectl; served when this returns."""
    kube.kubectl("apply", "-f", CRDS)
    for name in os.listdir(CRDS):
        kube.wait_served(f"{ROOT}/{name.removesuffix('.yaml')}")


def resource(kind, name, **spec):
    return {"apiVersion": GROUP, "kind": kind, "metadata": {"name": name}, "spec": spec}


def peer(name, **spec):
    return resource("BGPPeer", name, **{"peerIP": "10.0.0.1", "asNumber": 65000, **spec})


BAD = [
    (peer("a", peerIP="10.0.0.300"), "spec.peerIP"),
    (peer("a", asNumber=0), "spec.asNumber"),
    (peer("a", asNumber="inside"), "spec.asNumber"),
    (peer("a", timers={"hold": "9"}), "spec.timers.hold"),
    (peer("a", families=["ipx"]), "spec.families"),
    (peer("a", maxPrefixes={"limit": 0}), "spec.maxPrefixes.limit"),
    (peer("a", maxPrefixes={"warnAt": "80"}), "spec.maxPrefixes.warnAt"),
    (peer("a", passive="yes"), "spec.passive"),
    (peer("a", extendedNextHop="perhaps"), "spec.extendedNextHop"),
    (peer("a", filters="f"), "spec.filters"),
    (resource("BGPPeer", "a", asNumber=1), "spec"),
    (peer("x" * 64), "metadata.name"),
    (resource("BGPConfiguration", "all", bgp={}), "metadata.name"),
    (resource("BGPConfiguration", "default", bgp={"asNumber": 4294967296}), "spec.bgp.asNumber"),
    (resource("BGPConfiguration", "default", kernel={"permit": ["10.0.0.0"]}), "spec.kernel.permit"),
    (resource("BGPFilter", "a", importV4=[{"action": "Refuse"}]), "spec.importV4"),
    (resource("BGPAdvertisement", "a", type="Pods"), "spec.type"),
    (resource("BGPAdvertisement", "a"), "spec.type"),
]


# What a file may have, too: a list of one as its element, words that are truth values.
LENIENT = [o for o, where in BAD if where in ("spec.filters", "spec.passive")]


def test_definitions(kube):
    """A real server takes the definitions and the samples, and refuses what the schema excludes.

    weft check refuses the same.
    """
    define(kube)
    for crd in kube.items("/apis/apiextensions.k8s.io/v1/customresourcedefinitions"):
        wrong = [c for c in crd["status"]["conditions"] if c["type"] == "NonStructuralSchema"]
        assert not wrong, wrong
    kube.kubectl("apply", "-f", SAMPLES)
    shown = kube.kubectl("get", "bgppeers")
    assert "65001" in shown and "192.0.2.1" in shown and "ACCEPTED" in shown
    for o in (peer("b", extendedNextHop=True, ebgpMultihop=True),
              peer("c", extendedNextHop="auto", ebgpMultihop=3, asNumber="internal"),
              peer("d", peerIP="[2001:db8::1]:1179", timers={"hold": 0})):
        kube.create(o)
    for o, where in BAD:
        with pytest.raises(ApiError) as e:
            kube.create(o)
        assert e.value.status == 422 and where in str(e.value), str(e.value)
        checked = kube.ns.run(f"{BUILD}/ctl/weft", "check", "-", stdin=to_yaml(o) + "\n", check=False)
        assert checked.returncode == 2 or where.startswith("metadata") or o in LENIENT, (o, checked.stdout)


@contextlib.contextmanager
def watching(probe):
    """Call probe all the time; the list it gives has the times at which it was false."""
    gaps, stop = [], threading.Event()

    def run():
        while not stop.wait(0.02):
            if not probe():
                gaps.append(time.monotonic())
    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield gaps
    finally:
        stop.set()
        thread.join()


# ---- an agent that follows them -----------------------------------------------------


class Pair:
    """A node in the cluster and a router that knows nothing of it, on one link."""

    def __init__(self, lab, kube, router_peer=None, router_pods=(), **more):
        self.kube = kube
        self.node, self.router = lab.ns("node"), lab.ns("router")
        lab.link(self.node, "eth0", self.router, "eth0", ["10.0.0.1/24"], ["10.0.0.2/24"])
        self.tor = Weft(self.router, config("router", 65000, ["10.0.0.2"], [
            {"name": "node", "peerIP": "10.0.0.1", "asNumber": 64512, "passive": True, **(router_peer or {})}],
            router_pods, ["10.244.0.0/16"])).start()
        self.weft = Weft(self.node, config(
            "node", 64512, ["10.0.0.1"], [], ["10.244.1.0/24"], ["10.244.0.0/16"],
            kubernetes={"enabled": True, "kubeconfig": kube.attach(lab, self.node)}, **more))

    def object(self, kind, name):
        return self.kube.get(f"{ROOT}/{kind}/{name}")

    def condition(self, kind, name):
        """The condition Accepted when it is about the object as it is now."""
        o = self.object(kind, name)
        status = o.get("status", {})
        if status.get("observedGeneration") != o["metadata"]["generation"]:
            return No(status)
        return next(c for c in status["conditions"] if c["type"] == "Accepted")

    def wait_status(self, kind, name, status, *words, deadline_s=10):
        def said():
            c = self.condition(kind, name)
            return c and c["status"] == status and all(w in c["message"] for w in words) or No(c)
        wait_until(said, deadline_s, f"{kind}/{name}: {status} {words}")

    def up(self, name, deadline_s=10):
        wait_until(lambda: name in self.weft.peers() and self.weft.established(name), deadline_s, f"{name} is up")

    def events(self, reason, namespace="default"):
        return [e for e in self.kube.items(f"/api/v1/namespaces/{namespace}/events") if e["reason"] == reason]


def test_objects_are_configuration(lab, kube):
    """Taken, refused by weft with status and Event while the last good stays, and gone again."""
    define(kube)
    t = Pair(lab, kube)
    kube.create(peer("tor", peerIP="10.0.0.2", filters=["f"]),
                resource("BGPFilter", "f", exportV4=[{"action": "Accept"}]))
    t.weft.start()
    t.up("tor")
    t.wait_status("bgppeers", "tor", "True", "in force")
    t.wait_status("bgpfilters", "f", "True")
    assert "True" in kube.kubectl("get", "bgppeers")
    born = t.weft.peer("tor")["established_count"]

    # the schema has nothing against it, weft has
    kube.patch(f"{ROOT}/bgppeers/tor", {"spec": {"filters": ["nope"]}})
    t.wait_status("bgppeers", "tor", "False", 'spec.filters[0]: no filter has the name "nope"', "last good", "(node)")
    wait_until(lambda: t.events("Invalid"), 10, "an Event")
    [e] = t.events("Invalid")
    assert e["involvedObject"]["kind"] == "BGPPeer" and e["type"] == "Warning" and "nope" in e["message"]
    # a new one with the address of another: the newcomer is refused
    kube.create(peer("another", peerIP="10.0.0.2"))
    t.wait_status("bgppeers", "another", "False", "10.0.0.2 is the address of BGPPeer/tor, too", "left out")
    warnings = t.weft.status()["warnings"]
    assert any(w.startswith("BGPPeer/tor is not in force as it is written, its last good text is: ") for w in warnings)
    assert '1 more object is not in force as written (see: weft events)' in warnings
    # what is still needed is not taken away
    kube.delete(f"{ROOT}/bgpfilters/f")
    kube.create(resource("BGPConfiguration", "default", communities=[{"name": "c", "value": "1:1"}]),
                resource("BGPConfiguration", "node.other", bgp={"asNumber": 1}))
    t.wait_status("bgpconfigurations", "default", "True")
    assert "status" not in t.object("bgpconfigurations", "node.other")
    p = t.weft.peer("tor")
    assert p["state"] == "Established" and p["established_count"] == born
    assert list(t.weft.peers()) == ["tor"]
    # right again
    kube.patch(f"{ROOT}/bgppeers/tor", {"spec": {"filters": None, "description": "right"}})
    t.wait_status("bgppeers", "tor", "True")
    assert t.weft.peer("tor")["established_count"] == born
    kube.delete(f"{ROOT}/bgppeers/another")
    kube.delete(f"{ROOT}/bgppeers/tor")
    wait_until(lambda: not t.weft.peers(), 5, "no peer")


def test_a_cluster_without_them(lab, kube):
    """Nothing defined: not a word; defined later, with the number that the file has not: a session."""
    t = Pair(lab, kube)
    del t.weft.config["bgp"]["asNumber"]
    t.weft.config["kubernetes"] = dict(t.weft.config["kubernetes"])
    t.weft.start()
    assert not t.weft.peers()
    assert any("nothing says bgp.asNumber" in w for w in t.weft.status()["warnings"])
    define(kube)
    kube.create(resource("BGPConfiguration", "default", bgp={"asNumber": 64512}), peer("tor", peerIP="10.0.0.2"))
    t.up("tor", 40)
    assert "object-refused" not in t.weft.text()


def secret(password, name="bgp"):
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "kube-system"},
            "stringData": {"tor": password + "\n"}}


@pytest.mark.patient
def test_passwords_of_secrets(lab, kube):
    """A missing Secret stops the peer and says so; it comes, changes under the session, and goes."""
    define(kube)
    t = Pair(lab, kube, {"password": {"file": "key"}, "passive": False, "timers": {"connectRetry": "1s"}})
    key = os.path.join(t.router.dir, "key")

    def write(password):
        with open(key, "w", encoding="utf-8") as f:
            f.write(password)
        t.tor.weft("reload")

    t.tor.options = ["--secret-dir", t.router.dir]
    t.tor.stop()
    with open(key, "w", encoding="utf-8") as f:
        f.write("one")
    t.tor.start()
    kube.create(peer("tor", peerIP="10.0.0.2", timers={"hold": "9s"},
                     password={"secretKeyRef": {"name": "bgp", "key": "tor"}}))
    t.weft.start()
    why = "password: there is no Secret bgp in namespace kube-system"
    wait_until(lambda: t.weft.peers().get("tor", {}).get("reason") == why or No(t.weft.peers()), 10, why)
    kube.create(secret("one"))
    t.up("tor", 15)
    for password in ("two", "three"):
        write(password)
        kube.patch("/api/v1/namespaces/kube-system/secrets/bgp", {"stringData": {"tor": password}})

    def lasted():
        p = t.weft.peer("tor")
        return p["state"] == "Established" and p["uptime_s"] >= 10 or No(p)
    wait_until(lasted, 25, "longer than the hold time")
    assert t.weft.peer("tor")["established_count"] == 1
    kube.patch("/api/v1/namespaces/kube-system/secrets/bgp", {"data": {"tor": None, "other": "eA=="}})
    wait_until(lambda: t.weft.peer("tor")["reason"] == "password: Secret bgp has no key tor" or
               No(t.weft.peer("tor")), 5, "no key")
    for text in (t.weft.text(), str(t.weft.json("peers")), str(t.weft.json("events"))):
        assert "three" not in text


def test_config_map_is_followed(lab, kube):
    """The volume's ..data link moves to another directory; a text with a mistake changes nothing."""
    t = Pair(lab, kube)
    volume = os.path.join(t.node.dir, "volume")
    os.mkdir(volume)

    def project(version, text):
        """As a kubelet does it: a new directory, a link to it that is renamed into place."""
        os.mkdir(os.path.join(volume, version))
        with open(os.path.join(volume, version, "weft.yaml"), "w", encoding="utf-8") as f:
            f.write(text)
        os.symlink(version, os.path.join(volume, "..data_tmp"))
        os.rename(os.path.join(volume, "..data_tmp"), os.path.join(volume, "..data"))

    def with_peers(*peers):
        t.weft.config["peers"] = list(peers)
        return to_yaml({**t.weft.config, "drain": {"settle": "0s"}}) + "\n"

    project("..1", with_peers())
    os.symlink("..data/weft.yaml", os.path.join(volume, "weft.yaml"))
    t.weft.write_config = lambda config=None: None
    t.weft.file = os.path.join(volume, "weft.yaml")
    t.weft.start()
    project("..2", with_peers({"name": "tor", "peerIP": "10.0.0.2", "asNumber": 65000}))
    t.up("tor")
    project("..3", with_peers({"name": "tor", "peerIP": "10.0.0.300", "asNumber": 65000}))
    wait_until(lambda: t.events("InvalidConfiguration"), 10, "an Event")
    [e] = t.events("InvalidConfiguration")
    assert e["involvedObject"]["kind"] == "Node" and "10.0.0.300" in e["message"]
    assert e["involvedObject"]["uid"] == e["involvedObject"]["name"]    # where `kubectl describe node` looks
    assert t.weft.status()["config"]["failures"] == 1
    p = t.weft.peer("tor")
    assert p["state"] == "Established" and p["established_count"] == 1


@pytest.mark.patient
def test_one_status_of_many_nodes(lab, kube):
    """Nodes that agree write it once; one that does not is heard, and nobody writes again and again."""
    define(kube)
    path, wefts = None, []
    for i in range(3):
        node = lab.ns(f"n{i}")
        path = kube.attach(lab, node)
        lab_peers = [{"name": "own", "peerIP": "10.9.0.9", "asNumber": 1}] if i == 1 else []
        wefts.append(Weft(node, config(node.name, 64512, [f"10.9.0.{i + 1}"], lab_peers, [], ["10.244.0.0/16"],
                                       kubernetes={"enabled": True, "kubeconfig": path})).start())

    def version(name):
        return kube.get(f"{ROOT}/bgppeers/{name}")["metadata"]["resourceVersion"]

    def condition(name):
        o = kube.get(f"{ROOT}/bgppeers/{name}")
        return next((c for c in o.get("status", {}).get("conditions", []) if c["type"] == "Accepted"), {})

    kube.create(peer("all", peerIP="10.9.0.8"), peer("but-one", peerIP="10.9.0.9"))
    wait_until(lambda: condition("all").get("status") == "True", 10, "all of them take it")
    wait_until(lambda: condition("but-one").get("status") == "False", 10, "one of them does not")
    assert condition("but-one")["message"].endswith(" (n1)")
    before, since = {n: version(n) for n in ("all", "but-one")}, time.monotonic()
    wait_until(lambda: time.monotonic() > since + 3, 5, "nobody writes")
    assert before == {n: version(n) for n in before}
    written = [w for w in wefts if "own" in w.peers()]
    assert len(written) == 1 and set(written[0].peers()) == {"own", "all"}


def test_restart_waits_for_objects(lab, kube):
    """An agent that starts again knows peers out of objects before it takes away what they gave."""
    define(kube)
    t = Pair(lab, kube, router_pods=["10.244.2.0/24"])
    kube.create(Kube.node("node", ["10.0.0.1"], ["10.244.1.0/24"]), peer("tor", peerIP="10.0.0.2"))
    t.weft.start()
    t.up("tor")

    def installed():
        return any(r["dst"] == "10.244.2.0/24" for r in t.weft.kernel_routes())
    wait_until(installed, 5, "the route is there")
    with watching(installed) as gaps:
        t.weft.kill("weft-agent")
        wait_until(lambda: t.weft.peers() and t.weft.established("tor"), 20, "again")
        wait_until(lambda: not t.weft.status()["restart"]["deferring"], 20, "all is settled")
        t.weft.wait_synced()
    assert not gaps
