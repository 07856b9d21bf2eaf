"""Bring up the demonstration fabric and show that it carries packets as they are.

Called by ./quickstart, which has installed and built everything:
    quickstart.py up STATE_DIR | down STATE_DIR
Namespaces are named weft-*; the fabric stays up when this program ends.
"""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from fabric import traffic
from fabric.net import Lab, namespaces, remove_directory, remove_namespaces
from fabric.racks import Fabric, kernel_version
from fabric.wait import No, wait_until

PREFIX = "weft-"
FAMILY = ("IPv4", "IPv6")
started = time.monotonic()


def say(text):
    print(f"[{time.monotonic() - started:5.1f} s] {text}", flush=True)


# ---- up and down ---------------------------------------------------------------


def owned(state, prefix=PREFIX):
    """Namespaces that a quickstart of ours made and that still exist."""
    try:
        with open(f"{state}/namespaces") as f:
            mine = set(f.read().split())
    except FileNotFoundError:
        return []
    return [n for n in namespaces(prefix) if n in mine]


INTERRUPTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def interrupted(_signal, _frame, main=os.getpid()):
    """A child between fork and exec ends without a word: only this process is interrupted."""
    if os.getpid() != main:
        os._exit(130)
    raise KeyboardInterrupt


def down(state, prefix=PREFIX):
    """Remove every process, namespace and file of an earlier run; not to be interrupted."""
    for sig in INTERRUPTS:
        signal.signal(sig, signal.SIG_IGN)
    remove_namespaces(owned(state, prefix))
    remove_directory(state)


def interruptible():
    """Ctrl-C, a closed terminal and a plain kill end what is under way."""
    for sig in INTERRUPTS:
        signal.signal(sig, interrupted)


class RecordingLab(Lab):
    """A Lab that outlives us and writes down what it makes, for `down`."""

    def _note(self, name):
        with open(f"{self.dir}/namespaces", "a") as f:
            f.write(self.prefix + name + "\n")

    def ns(self, name, **kw):
        self._note(name)
        return super().ns(name, **kw)

    def borrow(self, name, path):
        self._note(name)
        return super().borrow(name, path)


def build_fabric(lab):
    say("making namespaces and links: spine, 4 top-of-rack routers, 4 nodes, outside host")
    fabric = Fabric(lab)
    say("starting the routers: FRR on tor1a and tor2a, BIRD on tor1b, tor2b and the spine")
    for r in fabric.routers.values():
        r.start()
    say("starting weft on node1 to node4")
    for n in fabric.nodes:
        n.start()
    say("adding two pods to each node with the CNI plugins ptp and host-local")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: [n.add_pod(lab, f"pod{n.n}{x}") for x in "ab"], fabric.nodes))
    return fabric


def wait_for_routes(fabric):
    """Until all sessions are up and every node has the others' ranges in its kernel."""
    for n in fabric.nodes:
        n.daemon.wait_established(*[t["address"] for t in n.tors], deadline_s=30)
        say(f"{n.name}: sessions with {' and '.join(t['name'] for t in n.tors)} are up")
    for n in fabric.nodes:
        others = {c for m in fabric.nodes if m is not n for c in m.cidrs}

        def complete():
            have = {r["dst"] for f in (4, 6) for r in n.ns.routes(family=f)
                    if len(r.get("nexthops", [])) == len(n.tors)}
            return others <= have or No(f"missing {sorted(others - have)}")
        wait_until(complete, 30, f"{n.name} has the routes to all pods by both ToRs")
    say("every node's kernel has the routes to all pods, by both of its ToRs")


# ---- the table -----------------------------------------------------------------


class Probe:
    """One line of the table: pings from src to dst, judged by what was captured."""

    def __init__(self, scope, how, src_ns, src, dst, wires, family):
        self.scope, self.how, self.src_ns = scope, how, src_ns
        self.src, self.dst, self.wires, self.family = src, dst, wires, family
        self.answered = False

    def send(self):
        try:
            wait_until(lambda: traffic.ping(self.src_ns, self.dst, source=self.src), 15,
                       f"{self.dst} answers {self.src}")
            self.answered = True
        except AssertionError:
            pass

    def where(self):
        """Where the capture was, in words."""
        name, dev = self.wires[0]
        return f"{name}'s {dev if len(self.wires) == 1 else 'uplink'}"

    def verdict(self, captured):
        """(NAT, verdict, good): what the captures say about this probe's packets."""
        if not self.answered:
            return "-", f"FAILED: no answer from {self.dst}", False
        seen = [p for w in self.wires for p in captured[w] if p.dst == self.dst]
        mine = [p for p in seen if p.src == self.src and p.proto in ("icmp", "icmp6")
                and p.ether == FAMILY[self.family]]
        if mine:
            return "none", f"ok: bare {mine[0].ether} on {self.where()}, from {self.src}", True
        if seen:
            return "YES", f"FAILED: arrived from {seen[0].src}", False
        return "?", "FAILED: not on the wire as itself (encapsulated?)", False


def probes(fabric):
    """All lines, both families."""
    n1, n2, n3 = fabric.nodes[0], fabric.nodes[1], fabric.nodes[2]
    pod, same, rack, far = n1.pods[0], n1.pods[1], n2.pods[0], n3.pods[0]

    def up(node):
        return [(node.name, d) for d in node.uplinks]
    for f in (0, 1):
        lo = ("127.0.0.1", "::1")[f]
        yield Probe("containers in one pod", "loopback", pod.ns, lo, lo, [(pod.name, "lo")], f)
        yield Probe("pods on one node", "routed by the node", pod.ns, pod.addrs[f],
                    same.addrs[f], [(same.name, "eth0")], f)
        yield Probe("pods, nodes of one rack", "through a ToR", pod.ns, pod.addrs[f],
                    rack.addrs[f], up(n2), f)
        yield Probe("pods, nodes of two racks", "ToR, spine, ToR", pod.ns, pod.addrs[f],
                    far.addrs[f], up(n3), f)
        yield Probe("node to node", "ToR, spine, ToR", n1.ns, n1.addrs[f], n3.addrs[f], up(n3), f)
        yield Probe("node to pod", "ToR, spine, ToR", n1.ns, n1.addrs[f], far.addrs[f], up(n3), f)
        yield Probe("outside host to pod", "spine, ToR", fabric.outside, fabric.outside_addrs[f],
                    far.addrs[f], up(n3), f)


def run_probes(lab, lines, expression="icmp or icmp6 or proto 4 or proto 41 or proto 47 or udp or esp"):
    """Capture on all wires concerned, send, and judge: [(line, nat, verdict, good)]."""
    captures = {w: traffic.Capture(lab.nodes[w[0]], w[1], expression)
                for w in sorted({w for p in lines for w in p.wires})}
    for p in lines:
        p.send()
    captured = {w: c.stop() for w, c in captures.items()}
    return [(p, *p.verdict(captured)) for p in lines]


def print_table(rows):
    head = ("SCOPE", "FAMILY", "HOW", "NAT", "VERDICT")
    body = [(p.scope, FAMILY[p.family], p.how, nat, verdict) for p, nat, verdict, _ in rows]
    widths = [max(len(r[i]) for r in [head, *body]) for i in range(len(head))]
    for r in [head, *body]:
        print("  ".join(c.ljust(w) for c, w in zip(r, widths)).rstrip())


# ---- the whole -----------------------------------------------------------------


def show(node, *words):
    print(f"\n$ weft {' '.join(words)}        # on {node.name}")
    print(node.daemon.weft(*words, check=False).stdout.rstrip(), flush=True)


HINT = """
The fabric stays up. Try:
  {weft} --run-dir {run} status
  {weft} --run-dir {run} route {pod}
  sudo ip netns exec weft-pod1a ping {pod}
  sudo ip -n weft-tor1a link set node1 down    # cut a leg, look at `routes` again, then set it up
  sudo kill -9 $(cat {run}/weft-bgpd.pid)      # the routes stay; it comes back
Configuration and log of node1: {dir}/weft.yaml, {dir}/weftd.log
Remove everything: sudo ./quickstart down"""


def bring_up(lab):
    """Returns whether every verdict is good."""
    fabric = build_fabric(lab)
    wait_for_routes(fabric)
    say("sending pings through the fabric and capturing them on the way")
    rows = run_probes(lab, list(probes(fabric)))
    node = fabric.nodes[0]
    show(node, "peers")
    show(node, "routes", "--best")
    print()
    print_table(rows)
    build = os.path.relpath(node.daemon.build)
    print(HINT.format(weft=f"sudo {build}/ctl/weft", run=node.daemon.run_dir, dir=node.ns.dir,
                      pod=fabric.nodes[2].pods[0].addrs[0]))
    return all(good for *_, good in rows)


def up(state, bring, prefix):
    """Returns the exit status: 0 when every verdict is good."""
    foreign = [n for n in namespaces(prefix) if n not in owned(state, prefix)]
    if foreign:
        print(f"quickstart: network namespaces {', '.join(foreign)} exist and are not ours; "
              "remove or rename them first.", file=sys.stderr)
        return 2
    if os.path.exists(state):
        say("removing the fabric of an earlier run")
        down(state, prefix)
    interruptible()
    lab = RecordingLab(prefix, state, keep=True)
    say(f"Linux {kernel_version()}")
    return 0 if bring(lab) else 1


def main(bring=bring_up, prefix=PREFIX):
    """up or down, from the command line; bring(lab) makes it and says whether all is well."""
    command, state = sys.argv[1:3]
    try:
        if command == "down":
            down(state, prefix)
            print("quickstart: everything is removed")
            return 0
        return up(state, bring, prefix)
    except (AssertionError, OSError, subprocess.SubprocessError) as e:
        print(f"quickstart: {e}\nquickstart: removing what was made; "
              "set WEFT_KEEP=1 to keep it for a look", file=sys.stderr)
        if not os.environ.get("WEFT_KEEP"):
            down(state, prefix)
        return 1
    except KeyboardInterrupt:
        print("\nquickstart: interrupted; removing what was made", file=sys.stderr)
        down(state, prefix)
        return 130


if __name__ == "__main__":
    sys.exit(main())
