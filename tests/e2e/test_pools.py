"""Addresses for Services of type LoadBalancer, given out by one of two agents of a real cluster."""

import pytest

from fabric.wait import No, wait_until
from fabric.weft import Weft, config

pytestmark = pytest.mark.patient

# What the part needs, and nothing else (agent/kube/pools.h, lease.h).
RULES = [{"apiGroups": [""], "resources": ["services"], "verbs": ["list", "watch"]},
         {"apiGroups": [""], "resources": ["services/status"], "verbs": ["patch"]},
         {"apiGroups": [""], "resources": ["events"], "verbs": ["create", "patch"]},
         {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["get", "create", "patch"]},
         {"apiGroups": [""], "resources": ["nodes"], "verbs": ["get", "list", "watch"]}]
POOLS = [{"name": "public", "addresses": ["203.0.113.10-203.0.113.13", "2001:db8:10::10-2001:db8:10::13"]},
         {"name": "reserved", "addresses": ["198.51.100.0/28"], "autoAssign": False}]
LEASE_S = 2
SERVICES = "/api/v1/namespaces/default/services"
LEASE = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/weft-load-balancer"


class Agents:
    """Two nodes whose agents may give addresses out."""

    def __init__(self, lab, kube, pools=None):
        self.kube = kube
        kube.service_account("weft-pools", RULES)
        self.weft = []
        for i in (1, 2):
            ns = lab.ns(f"node{i}")
            kube.attach(lab, ns)
            ns.addr("lo", f"10.0.0.{i}/32")
            path = kube.token_kubeconfig(f"pools{i}", kube.token("weft-pools"))
            self.weft.append(Weft(ns, config(
                f"node{i}", 64512, [f"10.0.0.{i}"], [], permit=["10.244.0.0/16"],
                kubernetes={"enabled": True, "kubeconfig": path},
                loadBalancer={"leaseDuration": f"{LEASE_S}s"}, loadBalancerPools=pools or POOLS)))
            self.weft[-1].options = ["--secret-dir", path.rsplit("/", 1)[0]]

    def start(self):
        for w in self.weft:
            w.start()
        return self

    def leader(self, alive=None):
        """The one that leads, once it does."""
        def one():
            rows = [(w, w.json("pools")["pools"]) for w in alive or self.weft]
            lead = [w for w, r in rows if r[0]["leads"] and r[0]["services"] is not None]
            return len(lead) == 1 and lead[0] or No([r[0] for _, r in rows])
        return wait_until(one, 20, "one agent leads")

    def addresses(self, name):
        status = self.kube.get(f"{SERVICES}/{name}").get("status", {}).get("loadBalancer", {})
        return [i["ip"] for i in status.get("ingress") or []]

    def wait_addresses(self, name, want, deadline_s=10):
        def same():
            have = self.addresses(name)
            return have == want or No(have)
        wait_until(same, deadline_s, f"{name} has {want}")

    def events(self, name):
        return {e["reason"]: e["message"] for e in self.kube.items("/api/v1/namespaces/default/events")
                if e["involvedObject"]["name"] == name}

    def wait_event(self, name, reason):
        def there():
            return self.events(name).get(reason) or No(self.events(name))
        return wait_until(there, 10, f"{name}: an Event {reason}")


def lb(kube, name, port=80, annotations=None, **spec):
    o = kube.service(name, port, type="LoadBalancer", **spec)
    o["metadata"].setdefault("annotations", {}).update(annotations or {})
    return o


def asks(**what):
    return {"weft.dev/" + k.replace("_", "-"): v for k, v in what.items()}


def test_addresses(lab, kube, figure):
    """Given, requested, shared, refused, released; and all of it kept when another one leads."""
    a = Agents(lab, kube).start()
    first = a.leader()
    kube.create(lb(kube, "auto"))
    a.wait_addresses("auto", ["203.0.113.10"])
    assert "203.0.113.10" in a.wait_event("auto", "AddressAssigned")
    kube.create(lb(kube, "named", annotations=asks(load_balancer_ips="198.51.100.7")),
                lb(kube, "dual", ipFamilyPolicy="PreferDualStack"),
                lb(kube, "web", annotations=asks(allow_shared_ip="x", load_balancer_ips="203.0.113.12")),
                lb(kube, "dns", 53, annotations=asks(allow_shared_ip="x", load_balancer_ips="203.0.113.12")))
    a.wait_addresses("named", ["198.51.100.7"])
    a.wait_addresses("dual", ["203.0.113.11", "2001:db8:10::10"])
    a.wait_addresses("web", ["203.0.113.12"])
    a.wait_addresses("dns", ["203.0.113.12"])

    kube.create(lb(kube, "thief", annotations=asks(load_balancer_ips="203.0.113.10")))
    assert "default/auto" in a.wait_event("thief", "AddressConflict")
    kube.create(lb(kube, "last"), lb(kube, "late"))
    a.wait_addresses("last", ["203.0.113.13"])
    a.wait_event("late", "AddressPoolExhausted")
    rows = {r.get("pool") if "service" not in r else r["service"]: r for r in first.json("pools")["pools"]}
    assert (rows["public"]["used_ipv4"], rows["public"]["free_ipv4"], rows["public"]["conflicts"]) == (4, 0, 1)
    assert rows["default/thief"]["state"] == "taken" and rows["default/late"]["state"] == "exhausted"

    kube.delete(f"{SERVICES}/auto")             # one asks for that very address, and has waited longer
    a.wait_addresses("thief", ["203.0.113.10"])
    kube.delete(f"{SERVICES}/last")
    a.wait_addresses("late", ["203.0.113.13"])
    kube.patch(f"{SERVICES}/named", {"spec": {"type": "ClusterIP"}})
    a.wait_addresses("named", [])

    names = ("dual", "web", "dns", "thief", "late")
    before = {n: (a.addresses(n), kube.get(f"{SERVICES}/{n}")["metadata"]["resourceVersion"]) for n in names}
    other = next(w for w in a.weft if w is not first)
    first.kill()
    a.leader([other])
    assert kube.get(LEASE)["spec"]["holderIdentity"].startswith("node2_" if other is a.weft[1] else "node1_")
    kube.delete(f"{SERVICES}/thief")
    kube.create(lb(kube, "next"))
    a.wait_addresses("next", ["203.0.113.10"])
    for n in names:
        if n != "thief":                        # not one was written again
            assert (a.addresses(n), kube.get(f"{SERVICES}/{n}")["metadata"]["resourceVersion"]) == before[n]
    assert "AddressConflict" not in a.events("next")


def test_pool_shrinks_and_server_goes(lab, kube):
    """An address that is in no pool any more stays and is reported; no server, no lead."""
    a = Agents(lab, kube).start()
    first = a.leader()
    kube.create(lb(kube, "one"), lb(kube, "two"))
    a.wait_addresses("two", ["203.0.113.11"])
    for w in a.weft:
        w.write_config({**w.config, "loadBalancerPools": [
            {"name": "public", "addresses": ["203.0.113.10"]}]})
        w.weft("reload")
    a.wait_event("two", "AddressOutsidePool")
    assert a.addresses("two") == ["203.0.113.11"]

    kube.apiserver.hang()
    def alone():
        leads = [w.json("pools")["pools"][0]["leads"] for w in a.weft]
        return not any(leads) or No(leads)
    wait_until(alone, LEASE_S + 3, "nobody leads whose renewals are not answered")
    kube.apiserver.go_on()
    a.leader()
    kube.create(lb(kube, "three"))
    a.wait_event("three", "AddressPoolExhausted")
    assert first.json("pools")
