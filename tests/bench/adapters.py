"""The daemons that are compared, each configured as those who know it would.

Every adapter takes the same Plan, writes its daemon's own configuration and gives the
shell lines that start it. start() returns a Daemon that waits at a gate: its programs
are executed when go() is called, so that what happens between exec and the first session
can be measured to a fraction of a millisecond. All of them run in the foreground of a
namespace of their own and end with it.

What is the same for all: no policy beyond "everything in, everything out", no logging
but warnings, no metrics, all sessions spelt out one by one. The other makers' daemons
come from our private copies (tests/deps.sh), never from the host.
"""

import dataclasses
import os
import re
import shutil
import subprocess
import time

from fabric import peers, weft

FAMILIES = peers.FAMILIES


@dataclasses.dataclass
class Peer:
    """A neighbour of the daemon; bfd: on its own link, with BFD; mute: it is sent nothing."""
    addr: str
    asn: int
    bfd: bool = False
    mute: bool = False


@dataclasses.dataclass
class Plan:
    """What a daemon has to do in a scenario.

    families: of every session. hold in seconds. kernel: routes go into its namespace's
    kernel. passive: only the others connect. reflector: every peer is a client.
    networks: its own prefixes. bfd_ms: interval of BFD, three may be missing.
    """
    peers: list
    families: tuple = ("ipv4",)
    asn: int = 65000
    addr4: str = "10.99.0.1"
    addr6: str = "fd99::1"
    hold: int = 90
    kernel: bool = False
    passive: bool = True
    reflector: bool = False
    networks: tuple = ()
    bfd_ms: int = 0

    def own(self, peer):
        """Our address on the session with a peer."""
        return self.addr6 if ":" in peer.addr else self.addr4


class Daemon:
    """A daemon in a namespace: waiting at its gate, then running."""

    def __init__(self, ns, script, env, binds):
        self.ns = ns
        read, self.gate = os.pipe()
        os.set_inheritable(self.gate, False)
        self.proc = ns.spawn("/bin/sh", "-c", "read go\n" + "\n".join(script), stdin=read,
                             log="daemon.log", env=env, binds=binds)
        os.close(read)

    def go(self):
        """Let it start; returns the time (CLOCK_MONOTONIC, seconds)."""
        began = time.monotonic()
        os.write(self.gate, b"\n")
        os.close(self.gate)
        return began

    def alive(self):
        return self.proc.alive()

    def log(self):
        """The end of what it said, for somebody who wonders why it ended."""
        return self.proc.text()[-2000:]


def listens(ns):
    """True when somebody in a namespace listens for BGP."""
    return bool(ns.run("ss", "-Htln", "sport = :179"))


class Adapter(peers.Daemon):
    """Common part: files and environment of a private copy; name: as tables call it."""

    name = ""
    kernel = True       # it can put routes into the kernel

    def __init__(self, ns, plan):
        super().__init__(ns, plan.asn, plan.addr4, ())
        self.plan = plan

    def configure(self):
        """Write its files."""
        raise NotImplementedError

    def script(self):
        """Shell lines that start it; the last one with exec."""
        raise NotImplementedError

    def binds(self):
        return ()

    def start(self):
        self.configure()
        return Daemon(self.ns, self.script(), self.env(), self.binds())

    def ready(self):
        """True when it takes connections and can keep them."""
        return listens(self.ns)

    @classmethod
    def version(cls):
        """Version of the private copy, without Debian's part; an AssertionError without one."""
        return re.search(r"_(\d[\d.]*)", os.path.basename(peers.copy_of(cls.package))).group(1)


class Bird(Adapter):
    """BIRD 2: direct sessions with direct gateways, a kernel protocol only where it is used.

    The kernel is scanned as rarely as BIRD allows, as nobody else writes its routes;
    `learn` is off and `merge paths` gives ECMP.
    """

    name, package = "bird", "bird2"

    def configure(self):
        p = self.plan
        c = [f'log "{self.dir}/bird.log" {{ warning, error, fatal, bug }};',
             f"router id {p.addr4};", "protocol device { scan time 60; }"]
        if p.kernel:
            c += [f"protocol kernel k{f[3]} {{ scan time 3600; merge paths on; {f} {{ import none; "
                  "export where source = RTS_BGP; }; }" for f in p.families]
        for f in p.families:
            own = peers.of_family(p.networks, f)
            if own:
                c.append(f"protocol static s{f[3]} {{ {f}; "
                         + " ".join(f"route {x} unreachable;" for x in own) + " }")
        if p.bfd_ms:
            c.append(f'protocol bfd {{ interface "*" {{ interval {p.bfd_ms} ms; multiplier 3; }}; }}')
        c += ["template bgp t {", f"  hold time {p.hold};", "  direct;"]
        c += ["  passive;"] if p.passive else ["  connect delay time 1; connect retry time 1;"]
        c += ["  rr client;"] if p.reflector else []
        c += [f"  {f} {{ import all; export all; }};" for f in p.families] + ["}"]
        c += [f"protocol bgp n{i} from t {{ local {p.own(n)} as {p.asn}; neighbor {n.addr} as {n.asn};"
              f"{' bfd on;' if n.bfd else ''}{self._mute(n)} }}" for i, n in enumerate(p.peers)]
        self.write("bird.conf", "\n".join(c) + "\n")

    def _mute(self, n):
        return "".join(f" {f} {{ export none; }};" for f in self.plan.families) if n.mute else ""

    def script(self):
        return [f"exec {self.root}/usr/sbin/bird -f -c {self.dir}/bird.conf "
                f"-s {self.dir}/bird.ctl -P {self.dir}/bird.pid"]


class Frr(Adapter):
    """FRR: zebra and bgpd, with a peer-group, no delay of advertisements, nexthop groups.

    Without the kernel bgpd runs with --no_kernel, and zebra serves it links and next
    hops. zebra starts first, as FRR's own scripts do.
    """

    name, package = "frr", "frr"

    def configure(self):
        p = self.plan
        c = [f"log file {self.dir}/frr.log warnings", f"router bgp {p.asn}",
             f" bgp router-id {p.addr4}", " no bgp ebgp-requires-policy",
             " no bgp default ipv4-unicast", " no bgp network import-check",
             " bgp bestpath as-path multipath-relax", " coalesce-time 50", " neighbor all peer-group",
             " neighbor all timers connect 1", " neighbor all advertisement-interval 0"]
        c += [" neighbor all passive"] if p.passive else []
        for n in p.peers:
            c += [f" neighbor {n.addr} remote-as {n.asn}", f" neighbor {n.addr} peer-group all"]
            c += [f" neighbor {n.addr} bfd"] if n.bfd else []
        for f in FAMILIES:
            c.append(f" address-family {f} unicast")
            c += [f"  network {x}" for x in peers.of_family(p.networks, f)]
            if f in p.families:
                c.append("  neighbor all activate")
                c += ["  neighbor all route-reflector-client"] if p.reflector else []
                c += [f"  neighbor {n.addr} route-map none out" for n in p.peers if n.mute]
            c.append(" exit-address-family")
        c += ["route-map none deny 10"]
        self.write("bgpd.conf", "\n".join(c) + "\n")
        self.write("zebra.conf", f"log file {self.dir}/zebra.log warnings\n")

    def binds(self):
        tmp = f"{self.dir}/tmp"
        binds = [*self.account_binds(), *self.private_run(), (tmp, "/var/tmp")]
        os.makedirs(tmp, exist_ok=True)
        os.chmod(tmp, 0o1777)
        for path in (self.dir, f"{self.dir}/home", f"{self.dir}/run/frr"):
            shutil.chown(path, peers.USERS["frr"], peers.GROUPS["frr"])
        return binds

    def ready(self):
        """bgpd closes sessions that come up before zebra has told it its own addresses."""
        told = self.vtysh("show bgp martian next-hop") if super().ready() else ""
        return all(f"addr: {self.plan.own(n)}," in told for n in self.plan.peers)

    vtysh = peers.Frr.vtysh

    def script(self):
        common = (f"-u frr -g frr -z {self.dir}/zserv.api --vty_socket {self.dir} "
                  f"-A 127.0.0.1 -P 0")
        zebra = f"{self.root}/usr/lib/frr/zebra {common} -d -i {self.dir}/zebra.pid " \
            f"-f {self.dir}/zebra.conf"
        none = "" if self.plan.kernel else "-n"
        return [zebra, f"exec {self.root}/usr/lib/frr/bgpd {common} -i {self.dir}/bgpd.pid "
                f"-f {self.dir}/bgpd.conf {none}"]


class Openbgpd(Adapter):
    """OpenBGPD: it writes no kernel routes on Linux that a fabric could use, so none here."""

    name, package, kernel = "openbgpd", "openbgpd", False

    def configure(self):
        p = self.plan
        c = [f"AS {p.asn}", f"router-id {p.addr4}", f"holdtime {p.hold}", "fib-update no",
             "connect-retry 1" if not p.passive else "", f'socket "{self.dir}/bgpd.sock"']
        c += [f"listen on {a}" for a in sorted({p.own(n) for n in p.peers})]
        c += [f"network {x}" for x in p.networks]
        c += [x for n in p.peers for x in self._neighbor(n)]
        c += ["allow from any", "allow to any"]
        self.write("bgpd.conf", "\n".join(c) + "\n", 0o600)

    def _neighbor(self, n):
        c = [f"neighbor {n.addr} {{", f"\tremote-as {n.asn}", f"\tlocal-address {self.plan.own(n)}"]
        c += [f"\tannounce {f.replace('ip', 'IP')} {'unicast' if f in self.plan.families else 'none'}"
              for f in FAMILIES]
        c += ["\tpassive"] if self.plan.passive else []
        c += ["\troute-reflector"] if self.plan.reflector else []
        c += ["\texport none"] if n.mute else []
        return [*c, "}"]

    def binds(self):
        return self.account_binds()

    def script(self):
        return [f"exec {self.root}/usr/sbin/bgpd -d -f {self.dir}/bgpd.conf"]


class Gobgp(Adapter):
    """GoBGP, a pure speaker."""

    name, package, kernel = "gobgp", "gobgpd", False

    def configure(self):
        p = self.plan
        here = ", ".join(f'"{a}"' for a in sorted({p.own(n) for n in p.peers}))
        c = ["[global.config]", f"  as = {p.asn}", f'  router-id = "{p.addr4}"', "  port = 179",
             f"  local-address-list = [{here}]"]
        c += [x for n in p.peers for x in self._neighbor(n)]
        c += self._mute([n.addr for n in p.peers if n.mute])
        self.write("gobgp.toml", "\n".join(c) + "\n")

    def _neighbor(self, n):
        p = self.plan
        c = ["[[neighbors]]", "  [neighbors.config]", f'    neighbor-address = "{n.addr}"',
             f"    peer-as = {n.asn}", "  [neighbors.timers.config]", f"    hold-time = {p.hold}",
             f"    keepalive-interval = {p.hold / 3}", "    connect-retry = 1",
             "    idle-hold-time-after-reset = 1", "  [neighbors.transport.config]",
             f'    local-address = "{p.own(n)}"', f"    passive-mode = {str(p.passive).lower()}"]
        if p.reflector:
            c += ["  [neighbors.route-reflector.config]", "    route-reflector-client = true",
                  f'    route-reflector-cluster-id = "{p.addr4}"']
        for f in p.families:
            c += ["  [[neighbors.afi-safis]]", "    [neighbors.afi-safis.config]",
                  f'      afi-safi-name = "{f}-unicast"']
        return c

    @staticmethod
    def _mute(addresses):
        """A policy that lets nothing out to these."""
        if not addresses:
            return []
        hosts = ", ".join(f'"{a}/{128 if ":" in a else 32}"' for a in addresses)
        return ["[[defined-sets.neighbor-sets]]", '  neighbor-set-name = "mute"',
                f"  neighbor-info-list = [{hosts}]", "[[policy-definitions]]", '  name = "mute"',
                "  [[policy-definitions.statements]]", '    name = "mute"',
                "    [policy-definitions.statements.conditions.match-neighbor-set]",
                '      neighbor-set = "mute"', '      match-set-options = "any"',
                "    [policy-definitions.statements.actions]",
                '      route-disposition = "reject-route"', "[global.apply-policy.config]",
                '  export-policy-list = ["mute"]', '  default-export-policy = "accept-route"']

    def script(self):
        run = f"{self.root}/usr/bin/gobgpd -f {self.dir}/gobgp.toml --pprof-disable -l warn " \
            "--api-hosts 127.0.0.1:50051"
        own = " ".join(self.plan.networks)
        if not own:
            return [f"exec {run}"]
        # Its configuration has no place for own prefixes: they are put in as soon as it answers.
        add = f"{self.root}/usr/bin/gobgp global rib add -a"
        return [f"for p in {own}; do", "  case $p in *:*) f=ipv6 ;; *) f=ipv4 ;; esac",
                f"  (until {add} $f $p; do :; done) &", "done", f"exec {run}"]


class Weft:
    """weft, from a build directory (build: of every object of this class)."""

    name, package, kernel, build = "weft", "weft", True, weft.BUILD

    def __init__(self, ns, plan):
        self.ns, self.plan = ns, plan
        self.node = weft.Weft(ns, self._config(plan), self.build)

    @staticmethod
    def _config(p):
        c = {"node": {"name": "bench", "ip": [p.addr4, p.addr6], "podCIDRs": list(p.networks)},
             "bgp": {"asNumber": p.asn, "routerID": p.addr4, "transit": True},
             "kernel": {"install": p.kernel, "permit": ["0.0.0.0/0", "::/0"]},
             "ops": {"metrics": "off"}}
        c["peers"] = [Weft._peer(p, n) for n in p.peers]
        if p.bfd_ms:
            c["bfdProfiles"] = {"fast": {"receiveInterval": p.bfd_ms, "transmitInterval": p.bfd_ms,
                                         "detectMultiplier": 3}}
        return c

    @staticmethod
    def _peer(p, n):
        more = {"routeReflectorClient": True} if p.reflector else {"import": "all", "export": "all"}
        more |= {"bfd": "fast"} if n.bfd else {}
        more |= {"export": "own"} if n.mute else {}
        return {"name": n.addr, "peerIP": n.addr, "asNumber": n.asn, "passive": p.passive,
                "families": list(p.families), "timers": {"hold": f"{p.hold}s"},
                "maxPrefixes": {"limit": "off"}, **more}

    def start(self):
        self.node.write_config()
        run = f"exec {self.node.build}/weftd --config {self.node.file} --run-dir {self.node.run_dir}"
        return Daemon(self.ns, [run], None, ())

    def ready(self):
        return listens(self.ns)

    @classmethod
    def version(cls):
        out = subprocess.run([f"{cls.build}/weftd", "--version"], capture_output=True, text=True,
                             check=True).stdout
        return re.search(r"\d[\w.+-]*", out).group(0)


ALL = {a.name: a for a in (Weft, Bird, Frr, Openbgpd, Gobgp)}


def installed():
    """{name: version} of the daemons that are here."""
    found = {}
    for name, kind in ALL.items():
        try:
            found[name] = kind.version()
        except (AssertionError, OSError, AttributeError, subprocess.CalledProcessError):
            continue
    return found
