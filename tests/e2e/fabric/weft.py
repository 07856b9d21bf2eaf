"""weft itself, driven like the other daemons (same questions as peers.Daemon).

weftd stays in the foreground with its files in a run directory of its own; weft
talks to it there. Programs come from $WEFT_BUILD (default: build/ in the tree).
"""

import contextlib
import json
import os
import signal

from .peers import FAMILIES, family_of
from .wait import No, wait_until

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
BUILD = os.environ.get("WEFT_BUILD", f"{TOP}/build")
CHILDREN = ("weftd", "weft-agent", "weft-bgpd", "weft-bfdd")


def to_yaml(value, indent=0):
    """Plain data as YAML that a person would have written."""
    pad = "  " * indent
    if isinstance(value, dict) and value:
        lines = []
        for k, v in value.items():
            nested = isinstance(v, (dict, list)) and v
            lines.append(f"{pad}{k}:" + ("\n" + to_yaml(v, indent + 1) if nested
                                         else " " + to_yaml(v)))
        return "\n".join(lines)
    if isinstance(value, list) and value:
        if not any(isinstance(v, (dict, list)) for v in value):
            return pad + "[" + ", ".join(to_yaml(v) for v in value) + "]"
        return "\n".join(pad + "- " + to_yaml(v, indent + 1).lstrip() for v in value)
    return json.dumps(value)


class Weft:
    """One weft node.

    config: the configuration as plain data (see weft.yaml(5)). Its files live in a
    short folder of their own because a socket's path is limited to 107 octets.
    """

    package = "weft"
    kernel = True
    one_session = True

    def __init__(self, ns, config, build=None):
        self.ns, self.config, self.proc = ns, config, None
        self.build = build or BUILD
        self.libexec = None     # where the children are; None: beside weftd
        self.options = []       # more of weftd's
        self.env, self.binds = {}, ()   # of weftd: more variables, directories that stand elsewhere
        self.run_dir = f"{ns.dir}/run"
        self.file = f"{ns.dir}/weft.yaml"
        self.log = f"{ns.dir}/weftd.log"

    # -- life -------------------------------------------------------------------

    def write_config(self, config=None):
        """Write the configuration file (data, or text as it is)."""
        self.config = config if config is not None else self.config
        if isinstance(self.config, dict):  # a stop gives traffic no time unless a test asks for it
            self.config = {**self.config, "drain": {"settle": "0s", **self.config.get("drain", {})}}
        text = self.config if isinstance(self.config, str) else to_yaml(self.config) + "\n"
        with open(self.file, "w") as f:
            f.write(text)

    def start(self, deadline_s=10, wait=True):
        """Start weftd; with wait, return once its control socket answers."""
        self.write_config()
        more = self.options + (["--libexec", self.libexec] if self.libexec else []) + self._secret_dirs()
        self.proc = self.ns.spawn(f"{self.build}/weftd", "--config", self.file,
                                  "--run-dir", self.run_dir, *more, log="weftd.log", env={**SANITIZER_ENV, **self.env} or None,
                                  binds=self.binds)
        if wait:
            wait_until(self.answers, deadline_s, f"weft in {self.ns.name} answers")
        return self

    def _secret_dirs(self):
        """Where a kubeconfig lies, beside what is allowed anyway."""
        kubernetes = self.config.get("kubernetes") or {} if isinstance(self.config, dict) else {}
        if "kubeconfig" not in kubernetes or "--secret-dir" in self.options:
            return []
        return ["--secret-dir", os.path.dirname(self.file),
                "--secret-dir", os.path.dirname(kubernetes["kubeconfig"])]

    def answers(self):
        assert self.proc.alive(), f"weftd ended:\n{self.text()[-3000:]}"
        return self.weft("status", check=False).returncode in (0, 1)

    def pid(self, child):
        """Pid of weftd or one of its children, from its pid file."""
        with open(f"{self.run_dir}/{child}.pid") as f:
            return int(f.read())

    def running(self):
        """Names of the processes; weft-bfdd is one where there is BFD."""
        return [c for c in CHILDREN if os.path.getsize(f"{self.run_dir}/{c}.pid")]

    def pids(self):
        return [self.pid(c) for c in self.running()]

    def kill(self, child=None):
        """SIGKILL one child, or everything at once."""
        pids = [self.pid(child)] if child else self.pids()
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if child in (None, "weftd"):
            self.proc.kill()

    def stop(self, sig=signal.SIGTERM, deadline_s=15):
        """Orderly end; returns weftd's exit status."""
        return self.proc.kill(sig, deadline_s)

    def text(self):
        """Everything weftd and its children logged."""
        with open(self.log, errors="replace") as f:
            return f.read()

    # -- questions --------------------------------------------------------------

    def weft(self, *words, check=True):
        """Run the weft command."""
        return self.ns.run(f"{self.build}/ctl/weft", "--run-dir", self.run_dir, *words, check=check,
                           env=SANITIZER_ENV or None)

    def json(self, *words):
        """`weft WORDS -o json`; exit status 1 (something is down) is an answer, too."""
        p = self.weft(*words, "-o", "json", check=False)
        assert p.returncode in (0, 1), f"weft {' '.join(words)}: {p.returncode} {p.stdout}{p.stderr}"
        answer = json.loads(p.stdout)
        assert "error" not in answer, f"weft {' '.join(words)}: {answer}"
        return answer

    def status(self):
        return self.json("status")["status"]

    def peers(self):
        return {p["name"]: p for p in self.json("peers")["peers"]}

    def peer(self, addr_or_name):
        """A peer by name or address."""
        for p in self.peers().values():
            if addr_or_name in (p["name"], p["address"]):
                return p
        raise KeyError(addr_or_name)

    def routes(self, *words):
        return self.json("routes", *words)["routes"]

    def route(self, destination):
        return self.json("route", destination)["route"]

    def fib(self, *words):
        return self.json("fib", *words)["fib"]

    def events(self):
        return self.json("events")["events"]

    def established(self, addr):
        p = self.peer(addr)
        return p["state"] == "Established" or No(f"{p['state']}: {p['reason']}")

    def _counts(self, addr, key):
        families = self.peer(addr)["families"]
        return {f: families.get(f, {}).get(key) or 0 for f in FAMILIES}

    def received(self, addr):
        return self._counts(addr, "received")

    def accepted(self, addr):
        return self._counts(addr, "accepted")

    def advertised(self, addr):
        return self._counts(addr, "advertised")

    def wait_established(self, *names, deadline_s=15):
        for n in names or list(self.peers()):
            wait_until(lambda: self.established(n), deadline_s,
                       f"weft in {self.ns.name}: session with {n} is up")

    def wait_synced(self, deadline_s=5):
        """Until the kernel has exactly what is wanted."""
        def same():
            left = self.fib("--diff")
            return not left or No(left[:5])
        wait_until(same, deadline_s, f"weft in {self.ns.name}: fib --diff is empty")

    # -- the kernel's side ------------------------------------------------------

    def kernel_routes(self, family=4, protocol=212):
        """Our routes as the kernel shows them."""
        return self.ns.routes("table", "all", "proto", protocol, family=family)


def config(name, asn, ip, peers, pod_cidrs=(), permit=(), **more):
    """A node's configuration: the parts every test needs, more merged on top.

    ip: the node's addresses; peers: dicts; keys of more that are dicts are merged.
    """
    c = {"node": {"name": name, "ip": list(ip), "podCIDRs": list(pod_cidrs)},
         "bgp": {"asNumber": asn, "routerID": next(a for a in ip if family_of(a) == "ipv4")},
         "peers": list(peers),
         "kernel": {"permit": list(permit)},
         "ops": {"log": {"level": "debug"}}}
    for key, value in more.items():
        if isinstance(value, dict) and isinstance(c.get(key), dict):
            c[key] = {**c[key], **value}
        else:
            c[key] = value
    return c


def peer(name, address, asn, **more):
    return {"name": name, "peerIP": address, "asNumber": asn, **more}


def sanitizer_env():
    """Settings for a build with sanitizers; without effect on others."""
    if os.environ.get("WEFT_SANITIZED") != "1":
        return {}
    return {"ASAN_OPTIONS": "detect_leaks=0:abort_on_error=1",
            "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1"}


SANITIZER_ENV = sanitizer_env()
