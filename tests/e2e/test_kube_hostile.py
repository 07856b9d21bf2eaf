"""An API server that says anything: objects of any shape, answers that are none.

Everything that the agent reads of a cluster is replaced bit by bit with what no server would send:
other types, numbers out of range, names without end, nesting, lost brackets. The agent does not
crash, and once the server is itself again it knows its cluster. WEFT_SEED chooses other nonsense.
"""

import copy
import json
import os
import random

import pytest

from fabric import apistore, replay
from fabric.replay import LEASES, NODES, SECRETS, SERVICES, SLICES, Recording
from fabric.segment import AS, PERMIT
from fabric.topo import wire
from fabric.wait import No, wait_until
from fabric.weft import Weft, config, peer

pytestmark = [pytest.mark.patient, pytest.mark.slice]
SOAK = os.environ.get("WEFT_SOAK") == "1"
ROUNDS = 200 if SOAK else 6
SEED = int(os.environ.get("WEFT_SEED", "1"))
WEFT_DEV = "/apis/weft.dev/v1alpha1"


def deep(n):
    out = {"x": 1}
    for _ in range(n):
        out = {"metadata": out} if n % 2 else [out]
    return out


NONSENSE = [None, True, False, 0, -1, 2**31, 2**63 - 1, -2**63, 1e308, "", " ", "x", "x" * 300, "y" * 70000, "\u0000",
            "a\nb", "%s%n", "\ud7ff\ufffd", "::1", "10.0.0.0/8", "0.0.0.0/0", "999.1.1.1/99", "fe80::1%eth0", [], {},
            [[]], [None], [{}] * 600, ["10.1.0.0/16"] * 600, {str(i): "v" for i in range(700)}, deep(50), deep(51),
            deep(200), "9223372036854775807", "-5", "2026-99-99T99:99:99Z"]


def places(value, found=None):
    """Every (container, key) in plain data."""
    found = [] if found is None else found
    for key in (value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()):
        found.append((value, key))
        places(value[key], found)
    return found


def spoil(rng, obj):
    """A copy with a few places changed, removed, doubled or swapped."""
    obj = copy.deepcopy(obj)
    for _ in range(rng.randint(1, 4)):
        spots = places(obj)
        if not spots:
            break
        box, key = rng.choice(spots)
        what = rng.random()
        if what < 0.7:
            box[key] = copy.deepcopy(rng.choice(NONSENSE))
        elif what < 0.8:
            del box[key]
        elif what < 0.9 and isinstance(box[key], list):
            box[key] = box[key] * rng.choice((2, 100))
        else:
            other, key2 = rng.choice(spots)
            box[key] = copy.deepcopy(other.get(key2) if isinstance(other, dict) else
                                     other[key2] if key2 < len(other) else None)
    return obj


def spoil_octets(rng, octets):
    """Some octets changed, some lost."""
    octets = bytearray(octets)
    for _ in range(rng.randint(1, 5)):
        at = rng.randrange(len(octets))
        if rng.random() < 0.5:
            octets[at] = rng.choice(b'{}[]",:\\\n\0x\xff')
        else:
            del octets[at:at + rng.randint(1, 20)]
        if not octets:
            break
    return bytes(octets) or b"x"


def samples():
    """Collection -> whole objects."""
    real = Recording("k8s-136")
    spec = {"nodeSelector": 'rack == "r1"', "peerIP": "10.9.1.9", "asNumber": 64999,
            "password": {"secretKeyRef": {"name": "bgp", "key": "k"}}, "families": ["ipv4"], "timers": {"hold": "9s"}}
    def named(name, **more):
        return {"metadata": {"name": name, **more.pop("meta", {})}, **more}
    return {
        NODES: [apistore.node("n2", ["10.9.1.7", "fd09:1::7"], ["10.244.2.0/24"], {"rack": "r1"},
                              {"weft.dev/as-number": "64512"}, real.node_body(), taints=[{"key": "k", "effect": "NoSchedule"}]),
                apistore.node("weft", ["10.9.1.1"], ["10.244.1.0/24"], {"rack": "r1"})],
        SERVICES: [e["object"] for e in real.events("45-watch-services") if "name" in e["object"]["metadata"]],
        SLICES: [e["object"] for e in real.events("46-watch-endpointslices") if "name" in e["object"]["metadata"]],
        SECRETS: [named("bgp", meta={"namespace": "kube-system"}, data={"k": "c2VjcmV0", "other": "eA=="})],
        f"{WEFT_DEV}/bgppeers": [named("p1", spec=spec, status={"conditions": [{"type": "Accepted", "status": "True"}]})],
        f"{WEFT_DEV}/bgpconfigurations": [named("default", spec={"bgp": {"asNumber": AS, "nodeToNodeMeshEnabled": True}})],
        f"{WEFT_DEV}/bgpfilters": [named("f1", spec={"exportV4": [
                {"cidr": "0.0.0.0/0", "matchOperator": "In", "prefixLength": {"min": 32}, "action": "Reject"}]})],
        f"{WEFT_DEV}/bgpadvertisements": [named("a1", spec={"type": "Service", "addresses": ["LoadBalancerIP"]})],
        LEASES: [named("weft", meta={"namespace": "kube-system"}, spec={"holderIdentity": "x",
                       "leaseDurationSeconds": 15, "renewTime": "2026-11-22T23:51:35.000000Z", "leaseTransitions": 1})],
    }


class Hostile:
    """The server and one node that follows everything there is."""

    def __init__(self, lab, api_server):
        self.rng = random.Random(SEED)
        w, a = lab.ns("weft"), lab.ns("api")
        mine, other = wire(lab, w, "eth0", a, "eth0", 1)
        self.api, self.samples = api_server(a, other[0]), samples()
        self.put_all()
        conf = config("weft", AS, mine, [peer("p0", "10.9.1.2", 64998, password={"secretKeyRef": {"name": "bgp", "key": "k"}})],
                      permit=PERMIT, bgp={"nodeToNodeMeshEnabled": True},
                      cni={"enabled": "false"},
                      kubernetes={"enabled": True, "kubeconfig": self.api.kubeconfig(f"{w.dir}/kubeconfig")},
                      advertisements=[{"type": "Service", "addresses": ["LoadBalancerIP", "ExternalIP", "ClusterIP"]}],
                      loadBalancerPools=[{"name": "p", "addresses": ["203.0.113.0/28"]}])
        conf["node"]["podCIDRs"] = "auto"
        self.weft = Weft(w, conf).start()

    def put_all(self):
        for path, objects in self.samples.items():
            for o in objects:
                self.api.store.put(path, copy.deepcopy(o))

    def event(self, path):
        """A spoiled event, mostly with a revision that is news."""
        obj = spoil(self.rng, self.rng.choice(self.samples[path]))
        self.api.store.revision += 1
        if isinstance(obj.get("metadata"), dict) and self.rng.random() < 0.95:
            obj["metadata"]["resourceVersion"] = str(self.api.store.revision)
        kind = self.rng.choice(("ADDED", "MODIFIED", "MODIFIED", "DELETED", "BOOKMARK", "NONE"))
        octets = b'{"type":"%s","object":%s}\n' % (kind.encode(), json.dumps(obj).encode())
        return spoil_octets(self.rng, octets) if self.rng.random() < 0.03 else octets

    def list(self, path):
        """A spoiled list."""
        items = [spoil(self.rng, self.rng.choice(self.samples[path])) for _ in range(self.rng.randint(0, 30))]
        whole = {"metadata": {"resourceVersion": str(self.api.store.revision)}, "items": items}
        octets = json.dumps(spoil(self.rng, whole) if self.rng.random() < 0.3 else whole).encode()
        return spoil_octets(self.rng, octets) if self.rng.random() < 0.2 else octets

    def round(self):
        api = self.api
        for path in self.samples:
            if self.rng.random() < 0.5:
                api.fault(f"GET .*{path.rsplit('/', 1)[1]}", replay.answer(200, self.list(path)))
                api.fault(f"GET .*{path.rsplit('/', 1)[1]}.*watch=", replay.gone_event())
            api.fault("(POST|PUT|PATCH)", replay.answer(self.rng.choice((200, 201, 409, 422, 500)), self.list(path)))
            if api.watches(path):
                api.say(b"".join(self.event(path) for _ in range(60)), path)
        api.cut_watches(self.rng.choice(("rst", "clean", "eof")))
        wait_until(lambda: len(api.watches(NODES)) > 0, 15, "it watches again")
        p = self.weft.weft("status", check=False)
        assert p.returncode in (0, 1), f"{p.stdout}{p.stderr}"


def test_any_shape(lab, api_server):
    """No process ends; the cluster is known again when the server is itself."""
    h = Hostile(lab, api_server)
    wait_until(lambda: len(h.api.watches()) >= 3, 10, "it watches")
    pids = h.weft.pids()
    for i in range(ROUNDS):
        h.round()
        assert h.weft.pids() == pids, f"round {i} of seed {SEED}"
    h.api.heal()
    h.put_all()
    h.api.store.put(NODES, apistore.node("late", ["10.9.1.77"]))
    h.api.cut_watches("rst")
    wait_until(lambda: any(p["address"] == "10.9.1.77" for p in h.weft.json("peers")["peers"]) or No(h.weft.text()[-500:]),
               40, "a new node is known")
    assert h.weft.pids() == pids
