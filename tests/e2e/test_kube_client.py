"""What API servers do to a client, and what the client makes of it.

Each test plays what a real server did (tests/kube/recorded) or does the same on demand, and looks
at what the program kubewatch, which is nothing but agent/kube's client, says it has learned.

    fact                                                   test
     1 410 in two forms, a fresh token in one of them      test_too_old_*
     2 410 soon after a restart: follow bookmarks          test_bookmark_is_followed
     3 403 after a restart means nothing                   test_403_is_no_empty_cluster
     4 429 in two forms, with Retry-After                  test_retry_after
     5 chunks are not events                               test_recorded_watches_in_pieces
     6 bookmarks are partial objects                       test_recorded_watches_in_pieces
     7 no etcd: lists hang without an octet                test_hung_list
     8 streams end cut, or clean                           test_stream_ends
     9 a future resourceVersion                            test_future_version
    10 sendInitialEvents is refused by 1.20                test_no_initial_events_asked
    11 one Secret: list it by fieldSelector                test_one_secret
    12 a kubelet's 4 KB every 10 s                         test_kube_scale.py
    13 a definition goes: DELETED, clean end, 404          test_definition_deleted
    14 h2 is offered                                       test_http2_is_not_offered
    15 a CNI plugin's second DEL                           test_cni_second_del
"""

import contextlib
import json
import os
import shutil
import signal

import pytest

from fabric import apistore, replay
from fabric.pki import Authority
from fabric.replay import NODES, SECRETS, Recording
from fabric.wait import No, holds_for, wait_until
from fabric.weft import BUILD, SANITIZER_ENV

pytestmark = pytest.mark.patient
LEAKS_TOO = {**SANITIZER_ENV, "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=1"} if SANITIZER_ENV else None
NEW, OLD = Recording("k8s-136"), Recording("k8s-120")


class Watcher:
    """kubewatch: one reflector; what it says, line by line."""

    def __init__(self, ns, kubeconfig, path=NODES, query="", list_ms=0):
        self.ns = ns
        self.proc = ns.spawn(f"{BUILD}/tests/e2e/kubewatch", kubeconfig, path, query, list_ms,
                             log="kubewatch.out", env=LEAKS_TOO)

    def end(self):
        """It frees everything: with sanitizers, a leak is an exit status."""
        if self.proc.alive():
            assert self.proc.kill(signal.SIGTERM) == 0, self.proc.text()

    def lines(self):
        assert self.proc.alive(), self.proc.text()
        return self.proc.text().splitlines()

    def count(self, word):
        """How many lines begin with it."""
        return sum(line.startswith(word) for line in self.lines())

    def objects(self):
        """Keys that were told and not deleted, as a listener keeps them."""
        held = {}
        for line in self.lines():
            word, _, rest = line.partition(" ")
            if word == "object":
                key, rv = rest.split(" ")
                held[key] = rv
            elif word == "deleted":
                assert rest in held, f"{rest} deleted that was not there"
                del held[rest]
        return held

    def wait_line(self, start, deadline_s=5, times=1):
        wait_until(lambda: self.count(start) >= times or No(self.lines()[-5:]), deadline_s, f"kubewatch: {start}")
        return self

    def wait_objects(self, names, deadline_s=5):
        wait_until(lambda: set(self.objects()) == set(names) or No(sorted(self.objects())), deadline_s,
                   f"kubewatch knows {sorted(names)[:9]}")
        return self


@pytest.fixture
def api(lab, api_server):
    ns = lab.ns("api")
    ns.addr("lo", "10.9.1.1/32", "fd09:1::1/128")
    return api_server(ns, "10.9.1.1")


@pytest.fixture
def watch(api):
    """watch(path, query, list_ms, **credentials): a Watcher of the server."""
    made = []

    def start(path=NODES, query="", list_ms=0, **credentials):
        config = api.kubeconfig(f"{api.ns.dir}/kubeconfig{len(made)}", **credentials)
        made.append(Watcher(api.ns, config, path, query, list_ms))
        return made[-1]

    yield start
    for w in made:
        w.end()


def fill(api, n, path=NODES):
    names = [f"n{i}" for i in range(n)]
    for i, name in enumerate(names):
        api.store.put(path, apistore.node(name, [f"10.8.0.{i + 1}"], [f"10.244.{i}.0/24"]))
    return names


def lists(api, path=NODES):
    """Without those for one object, by which the client learns the server's revision."""
    return [r for r in api.asked(f"GET {path}") if "watch" not in r.query and r.query.get("limit") != "1"]


def watches(api, path=NODES):
    return [r for r in api.asked(f"GET {path}") if "watch" in r.query]


def wait_watching(api, times=1, deadline_s=5, path=NODES):
    wait_until(lambda: len(watches(api, path)) >= times and api.watches(path), deadline_s,
               f"watch number {times}")


# -- pages, 410 -----------------------------------------------------------------------


def test_pages_of_fifty(api, watch):
    names = fill(api, 120)
    watch().wait_line("synced").wait_objects(names)
    assert [r.query["limit"] for r in lists(api)] == ["50"] * 3
    assert all("resourceVersion" not in r.query or r.query["resourceVersion"] != "0" for r in lists(api))
    wait_watching(api)
    assert watches(api)[0].query["allowWatchBookmarks"] in ("1", "true")


@pytest.mark.parametrize("name", ["98-watch-too-old-410", "123-watch-compacted"])
def test_too_old_watch(api, watch, name):
    """HTTP 200 and an ERROR in the stream: list again, tell only what changed."""
    fill(api, 3)
    api.fault("watch=", NEW.octets(name))
    w = watch().wait_line("synced", times=2, deadline_s=10)
    assert len(lists(api)) == 2 and w.count("object") == 3 and w.count("deleted") == 0


def test_too_old_list(api, watch):
    """HTTP 410 to a list."""
    fill(api, 3)
    api.fault(f"GET {NODES}", NEW.octets("121-list-exact-compacted"))
    watch().wait_objects(["n0", "n1", "n2"], 10)


@pytest.mark.slice
def test_too_old_page(api, watch):
    """An expired token in the middle of a list: complete in the end, deletions included."""
    names = fill(api, 120)
    w = watch().wait_line("synced")
    wait_watching(api)
    api.store.delete(NODES, "", "n7")
    wait_until(lambda: "n7" not in w.objects(), 5, "n7 is gone")
    api.fault("continue=", NEW.octets("122-continue-expired"))
    api.fault("watch=", NEW.octets("98-watch-too-old-410"))
    api.store.compact()
    api.cut_watches("rst")
    w.wait_line("synced", times=2, deadline_s=15)
    w.wait_objects([n for n in names if n != "n7"])
    assert w.count("deleted") == 1


def test_bookmark_is_followed(api, watch):
    """The next watch begins at the bookmark; everything before it may be forgotten."""
    fill(api, 2)
    w = watch().wait_line("synced")
    wait_watching(api)
    api.store.put(SECRETS, {"metadata": {"name": "x", "namespace": "y"}})    # revisions of others
    api.store.bookmark(NODES)
    mark = api.store.revision
    api.store.compact()
    api.say(b"\n")
    wait_until(lambda: api.cut_watches("eof") or No("no watch"), 5, "cut")
    wait_watching(api, 2)
    assert watches(api)[-1].query["resourceVersion"] == str(mark)
    assert len(lists(api)) == 1 and w.count("synced") == 1


# -- refusals -------------------------------------------------------------------------


def test_403_is_no_empty_cluster(api, watch):
    """Refused for a while, as after a restart: nothing is deleted, and it asks again soon."""
    names = fill(api, 3)
    w = watch().wait_objects(names)
    wait_watching(api)
    api.fault(f"GET {NODES}", NEW.octets("05-no-rbac-403"), times=2)
    api.store.compact()
    api.cut_watches("rst")
    wait_watching(api, 2, 10)
    assert w.count("deleted") == 0 and set(w.objects()) == set(names)
    assert w.count("problem") >= 1 and w.lines()[-1] in ("problem ", "synced")


@pytest.mark.parametrize("octets", [replay.too_many(2), NEW.octets("110-overload-429")], ids=["json", "text"])
def test_retry_after(api, watch, octets):
    """The pause that the server asked for, and not much more."""
    names = fill(api, 2)
    api.fault(f"GET {NODES}", octets)
    watch().wait_objects(names, 10)
    first, second = lists(api)[:2]
    asked = int(octets.split(b"Retry-After: ")[1].split(b"\r")[0])
    assert asked <= second.at - first.at < asked + 1.5


def test_401_reads_the_token_again(api, watch):
    """A token that expired: its file holds the next one by then."""
    names = fill(api, 2)
    folder = api.service_account(f"{api.ns.dir}/account", "first")
    api.tokens = {"first"}
    w = watch(token_file=f"{folder}/token").wait_objects(names)
    wait_watching(api)
    api.tokens = {"second"}
    api.service_account(folder, "second")
    api.cut_watches("rst")
    wait_watching(api, 2)
    api.store.put(NODES, apistore.node("n9"))
    w.wait_objects([*names, "n9"])
    assert api.requests[-1].headers["authorization"] == "Bearer second" and w.count("deleted") == 0


def test_client_certificate(api, watch):
    fill(api, 1)
    watch(client=api.ca.issue("weft/O=weft", client=True)).wait_objects(["n0"])
    assert {r.subject for r in api.requests} == {"weft"}
    assert not any("authorization" in r.headers for r in api.requests)


# -- streams --------------------------------------------------------------------------

STREAMS = [(NEW, "30-watch-nodes-events", NODES), (OLD, "30-watch-nodes-events", NODES),
           (NEW, "211-real-node-watch", NODES),
           (NEW, "46-watch-endpointslices", replay.SLICES), (NEW, "45-watch-services", replay.SERVICES),
           (NEW, "210-real-endpointslice-watch", replay.SLICES)]


def told(recording, name):
    """(words of kubewatch) a recorded stream must lead to; bookmarks say nothing."""
    out = []
    for e in recording.events(name):
        meta = e["object"]["metadata"]
        key = "/".join(filter(None, (meta.get("namespace"), meta.get("name"))))
        if e["type"] in ("ADDED", "MODIFIED"):
            out.append(f"object {key} {meta['resourceVersion']}")
        elif e["type"] == "DELETED":
            out.append(f"deleted {key}")
    return out


@pytest.mark.slice
@pytest.mark.parametrize("recording,name,path", STREAMS, ids=lambda v: v if isinstance(v, str) and "-" in v else "")
def test_recorded_watches_in_pieces(api, watch, recording, name, path):
    """The same events, however the octets arrive."""
    want = told(recording, name)
    api.store.revision = 1          # so that the recorded ones are news
    for fragment in (5, 1000):
        before = len(api.requests)
        api.fault("watch=", recording.octets(name), fragment=fragment, end="eof")
        w = watch(path)
        wait_until(lambda: [x for x in w.lines() if x[0] in "od"][:len(want)] == want
                   or No(w.lines()), 10, f"{name} by {fragment} octets")
        wait_until(lambda: sum("watch" in r.query for r in api.requests[before:]) >= 2, 5, "it watches on")
        w.end()


@pytest.mark.slice
def test_stream_ends(api, watch):
    """Cut by a reset, by a FIN, in mid-word, or ended in good order: it goes on from where it was."""
    names = fill(api, 2)
    w = watch().wait_objects(names)
    ends = [("rst", False), ("eof", False), ("close", False), ("clean", False), ("eof", True), ("rst", True)]
    for i, (how, half) in enumerate(ends):
        wait_watching(api, i + 1)
        rv = api.store.put(NODES, apistore.node(f"m{i}"))["metadata"]["resourceVersion"]
        w.wait_line(f"object m{i} ")
        assert api.cut_watches(how, half=half) == 1
        wait_watching(api, i + 2)
        assert watches(api)[-1].query["resourceVersion"] == rv, (how, half)
    assert len(lists(api)) == 1 and w.count("object") == len(names) + len(ends)
    assert w.count("deleted") == 0


def test_hung_list(api, watch):
    """Not an octet in answer to a list: given up in time, asked again, from the cache as well."""
    names = fill(api, 2)
    f = api.fault(f"GET {NODES}.*limit", times=3, hang=True)
    watch(list_ms=800).wait_objects(names, 10)
    first, second = api.asked(f"GET {NODES}")[:2]
    assert f.hits >= 1 and 0.8 <= second.at - first.at < 2


def test_frozen_server(api, watch):
    """Stopped and continued with a watch open: nothing is lost, nothing told twice."""
    names = fill(api, 2)
    w = watch().wait_objects(names)
    wait_watching(api)
    api.freeze()
    api.store.put(NODES, apistore.node("n2"))
    holds_for(lambda: set(w.objects()) == set(names), 1, "the server is silent")
    api.thaw()
    w.wait_objects([*names, "n2"], 2)
    assert w.count("object") == 3


@pytest.mark.slice
def test_killed_server(api, watch):
    """Killed and started again: it catches up within 2 s."""
    names = fill(api, 2)
    w = watch().wait_objects(names)
    for outage in (0.1, 2):
        wait_watching(api)
        api.stop()
        api.store.put(NODES, apistore.node(f"after{outage}"))
        holds_for(lambda: set(w.objects()) == set(names), outage, "nobody is there")
        api.start()
        names.append(f"after{outage}")
        w.wait_objects(names, 2)
    assert w.count("deleted") == 0


def test_old_events_again(api, watch):
    """Revisions that were told before come once more: what is known stays the newest."""
    names = fill(api, 2)
    w = watch().wait_objects(names)
    wait_watching(api)
    for _ in range(3):
        api.store.put(NODES, apistore.heartbeat(api.store.get(NODES, "n0")))
    newest = api.store.get(NODES, "n0")["metadata"]["resourceVersion"]
    wait_until(lambda: w.objects()["n0"] == newest, 5, "the newest")
    api.say_again(NODES)
    api.store.put(NODES, apistore.node("n5"))
    w.wait_objects([*names, "n5"])
    assert w.objects()["n0"] == newest


def test_future_version(api, watch):
    """A revision that the server has not reached: an empty watch, or 504 to a list."""
    names = fill(api, 2)
    api.fault("watch=", NEW.octets("90-watch-rv-in-future"))
    api.fault(f"GET {NODES}", NEW.octets("91-list-rv-in-future"))
    w = watch().wait_objects(names, 10)
    wait_watching(api, 2)
    api.store.put(NODES, apistore.node("n3"))
    w.wait_objects([*names, "n3"])


def test_no_initial_events_asked(api, watch):
    """What 1.20 answers with 422 is never asked, so that 1.20 to 1.36 are served alike."""
    api.version = "1.20"
    watch().wait_objects(fill(api, 2))
    wait_watching(api)
    assert not any("sendInitialEvents" in r.query for r in api.requests)


def test_one_secret(api, watch):
    """Who may read one Secret only lists and watches it by its name."""
    path = "/api/v1/namespaces/default/secrets"
    api.allow = lambda r: r.query.get("fieldSelector") == "metadata.name=bgp"
    for name in ("bgp", "other"):
        api.store.put(SECRETS, {"metadata": {"name": name, "namespace": "default"}, "data": {"k": "eA=="}})
    w = watch(path, "fieldSelector=metadata.name%3Dbgp").wait_objects(["default/bgp"])
    api.store.delete(SECRETS, "default", "bgp")
    w.wait_objects([])


@pytest.mark.slice
def test_definition_deleted(api, watch):
    """DELETED, a clean end, then 404 for a while; back again when the definition is."""
    path = "/apis/weft.dev/v1alpha1/bgppeers"
    api.store.put(path, {"metadata": {"name": "rr1"}, "spec": {}})
    w = watch(path).wait_objects(["rr1"])
    wait_watching(api, path=path)
    api.store.retire(path)
    w.wait_objects([]).wait_line("problem ")
    api.store.serve(path, "BGPPeer")
    api.store.put(path, {"metadata": {"name": "rr2"}, "spec": {}})
    w.wait_objects(["rr2"], 10)
    missed = [r for r in lists(api, path)]
    assert len(missed) < 12, "it asks in a hurry"


# -- TLS ------------------------------------------------------------------------------


def test_http2_is_not_offered(api, watch):
    """The server would choose h2 if the client offered it."""
    watch().wait_objects(fill(api, 1))
    assert {r.alpn for r in api.requests} <= {None, "http/1.1"} and not api.refusals


@pytest.mark.slice
def test_wrong_certificates(lab, api, watch):
    """Another name, another authority, one that expired: refused, with the reason, and no token sent."""
    fill(api, 1)
    other = Authority(f"{api.ns.dir}/other", "other-ca")
    bad = {"name": api.ca.issue("wrong", ["10.99.99.99", "elsewhere"]),
           "authority": other.issue("kube-apiserver", [api.address]),
           "expired": api.ca.issue("expired", [api.address], days=-1)}
    good = api.cert
    w = None
    for what, cert in bad.items():
        api.stop()
        api.use_certificate(cert)
        api.start()
        w = watch().wait_line("problem ", 10)
        assert w.count("object") == 0 and not api.requests, what
    api.stop()
    api.use_certificate(good)
    api.start()
    w.wait_objects(["n0"], 5)


# -- CNI ------------------------------------------------------------------------------

CNI = os.path.join(replay.RECORDED, "cni")


def cni_call(ns, step, plugin, folder, prev=None, **env):
    """One recorded call of containerd's, given to a real plugin."""
    with open(f"{CNI}/{step}.env") as f:
        recorded = dict(line.rstrip("\n").split("=", 1) for line in f)
    with open(f"{CNI}/{step}.stdin") as f:
        conf = json.load(f)
    conf["type"], conf["bridge"] = plugin, "cni0"
    conf["ipam"]["dataDir"] = folder
    if "prevResult" in conf:
        conf["prevResult"] = prev
    if recorded["CNI_NETNS"]:
        recorded["CNI_NETNS"] = env["netns"]
    p = ns.run(f"/usr/lib/cni/{plugin}", stdin=json.dumps(conf), check=False,
               env={**recorded, "CNI_PATH": "/usr/lib/cni", "PATH": os.environ["PATH"]})
    assert p.returncode == 0, f"{step}: {p.stdout}{p.stderr}"
    return json.loads(p.stdout) if p.stdout.strip() else None


@pytest.mark.parametrize("plugin", ["bridge", "ptp"])
def test_cni_second_del(lab, plugin):
    """containerd deletes a pod twice, the second time without a namespace: nothing stays behind."""
    node, pod = lab.ns("node"), lab.ns("pod", router=False)
    folder = f"{node.dir}/ipam"
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        result = cni_call(node, "1-ADD", plugin, folder, netns=pod.path)
        held = os.listdir(f"{folder}/k8snet")
        assert "10.244.1.2" in held and "fd00:10:244:1::2" in held
        cni_call(node, "2-DEL", plugin, folder, prev=result, netns=pod.path)
        cni_call(node, "3-DEL", plugin, folder)
        assert not [f for f in os.listdir(f"{folder}/k8snet") if f[0].isdigit() or f.startswith("fd")]
        assert not [a for a in pod.ipj("addr", "show") if a["ifname"] == "eth0"]
