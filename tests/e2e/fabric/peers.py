"""The other makers' BGP daemons, each driven the same way.

Every adapter takes the same description (Neighbor, networks), writes the daemon's
own configuration, starts it in a namespace from our private copy (tests/deps.sh;
never the host's), and answers the same questions:

    established(addr)       is the session with addr up?
    received(addr)          {"ipv4": n, "ipv6": n} prefixes it got from addr
    advertised(addr)        the same for what it sent to addr
    start(), stop(), kill() orderly end or SIGKILL; start again continues

FRR and OpenBGPD look up their own users: they get copies of /etc/passwd and
/etc/group with those users bind-mounted in a mount namespace of their own.
"""

import contextlib
import dataclasses
import glob
import ipaddress
import json
import os
import re
import shutil
import signal
import socket
import string

from .wait import wait_until

CACHE = os.environ.get("WEFT_PEERS", "/var/cache/weft-test-peers")
FAMILIES = ("ipv4", "ipv6")
INET = {"ipv4": "inet", "ipv6": "inet6"}
USERS = {"frr": 61901, "_openbgpd": 61902}
GROUPS = {"frr": 61901, "frrvty": 61903, "_openbgpd": 61902}


def copy_of(package):
    """The folder with our private copy of a Debian package's files."""
    stamps = sorted(glob.glob(f"{CACHE}/{package}_*/.complete"), key=os.path.getmtime)
    assert stamps, f"no copy of {package} in {CACHE}: ./run-tests or ./quickstart fetches it"
    return os.path.dirname(stamps[-1])


def family_of(prefix):
    return "ipv6" if ":" in prefix else "ipv4"


def of_family(prefixes, family):
    return [p for p in prefixes if family_of(p) == family]


@dataclasses.dataclass
class Neighbor:
    """One BGP neighbour as all adapters understand it.

    local/local6: own addresses on that link; local6 is the next hop of IPv6 routes.
    transit: also pass on what was learned elsewhere (routers do; default).
    gr: graceful restart in both roles. connect_retry/hold in seconds.
    extra: lines of the daemon's own language for this neighbour (BIRD, FRR, OpenBGPD).
    interface: the neighbour is found there (unnumbered): addr is the interface's name, and local
    the own link-local address where the daemon (BIRD) wants to be told.
    text: the same by place: "session" and "family" (all daemons), "config" (GoBGP: the neighbour's own keys), "capability"
    (ExaBGP). $peer, $local, $asn and $peeras stand for addresses and AS numbers.
    """
    addr: str
    asn: int
    local: str
    local6: str = ""
    families: tuple = FAMILIES
    passive: bool = False
    gr: bool = True
    hold: int = 9
    connect_retry: int = 1
    password: str = ""
    transit: bool = True
    multihop: bool = False
    extra: tuple = ()
    interface: bool = False
    text: dict = dataclasses.field(default_factory=dict)


class Daemon:
    """Common part of the adapters: files, start, stop."""

    package = ""
    kernel = False      # installs routes into its namespace's kernel
    one_session = True  # both families on one IPv4 session

    def __init__(self, ns, asn, router_id, neighbors, networks=(), **options):
        self.ns, self.asn, self.router_id = ns, asn, router_id
        self.neighbors, self.networks = list(neighbors), list(networks)
        self.options = options
        self.root = copy_of(self.package)
        self.dir = f"{ns.dir}/{self.package}"
        self.procs = []
        os.makedirs(self.dir, exist_ok=True)
        os.chmod(self.dir, 0o755)

    # what an adapter fills in

    def configure(self):
        raise NotImplementedError

    def launch(self):
        raise NotImplementedError

    def ready(self):
        raise NotImplementedError

    # what all share

    def lines(self, n, place):
        """Lines of n.text for a place, with names filled in."""
        return [string.Template(line).safe_substitute(
            peer=n.addr, local=n.local, asn=self.asn, peeras=n.asn)
            for line in n.text.get(place, "").splitlines()]

    def glob(self, place="global"):
        """Lines for the whole daemon (option `text`, by place)."""
        return self.options.get("text", {}).get(place, "").splitlines()

    def with_routes(self, family):
        """(prefix, own words for its attributes) of a family; option `attributes`."""
        words = self.options.get("attributes", {})
        return [(p, words.get(p, "")) for p in of_family(self.networks, family)]

    def start(self, deadline_s=20):
        """Write the configuration, start, and return once it answers and listens."""
        self.configure()
        self.launch()
        wait_until(self.ready, deadline_s, f"{self.package} in {self.ns.name} answers")
        return self

    def kill(self):
        """SIGKILL everything of it at once: no message, no clean-up."""
        for p in self.procs:
            with contextlib.suppress(ProcessLookupError):
                os.kill(p.pid, signal.SIGKILL)
        for p in self.procs:
            p.kill()
        self.procs = []

    def stop(self):
        """Orderly end (SIGTERM): it tells its neighbours."""
        for p in reversed(self.procs):
            p.kill(signal.SIGTERM)
        self.procs = []

    def spawn(self, path, *args, **kw):
        self.procs.append(self.ns.spawn(f"{self.root}/{path}", *args, env=self.env(), **kw))

    def env(self):
        lib = f"{self.root}/usr/lib/x86_64-linux-gnu"
        machine = os.uname().machine
        return {"LD_LIBRARY_PATH": f"{lib}:{lib}/frr".replace("x86_64", machine),
                "PYTHONPATH": f"{self.root}/usr/lib/python3/dist-packages"}

    def write(self, name, text, mode=0o644):
        path = f"{self.dir}/{name}"
        with open(path, "w") as f:
            f.write(text)
        os.chmod(path, mode)
        return path

    def account_binds(self):
        """/etc/passwd and /etc/group with the daemons' users, for its mount namespace."""
        with open("/etc/passwd") as f:
            passwd = [x for x in f if x.split(":")[0] not in USERS]
        with open("/etc/group") as f:
            group = [x for x in f if x.split(":")[0] not in GROUPS]
        home = f"{self.dir}/home"
        os.makedirs(home, mode=0o755, exist_ok=True)
        passwd += [f"{u}:x:{i}:{i}::{home}:/usr/sbin/nologin\n" for u, i in USERS.items()]
        group += [f"{g}:x:{i}:frr\n" for g, i in GROUPS.items()]
        return [(self.write("passwd", "".join(passwd)), "/etc/passwd"),
                (self.write("group", "".join(group)), "/etc/group")]

    def private_run(self):
        """Binds that give it a /run of its own in which only our folder is the host's.

        FRR makes and chowns /run/frr whatever socket folder it is told.
        """
        ours = "/".join(self.dir.split("/")[:3])        # /run/SOMETHING
        run = f"{self.dir}/run"
        os.makedirs(run + ours.removeprefix("/run"), exist_ok=True)
        os.makedirs(f"{run}/frr", exist_ok=True)
        return [(ours, run + ours.removeprefix("/run")), (run, "/run")]

    def wait_established(self, *addrs, deadline_s=15):
        for a in addrs or [n.addr for n in self.neighbors]:
            wait_until(lambda: self.established(a), deadline_s,
                       f"{self.package} in {self.ns.name}: session with {a} is up")


class Bird(Daemon):
    """BIRD 2. options: scan_kernel (default True) installs routes; merge paths on."""

    package = "bird2"
    kernel = True

    def configure(self):
        c = [f'log "{self.dir}/bird.log" all;', f"router id {self.router_id};",
             "protocol device { scan time 5; }", *self.glob()]
        if self.options.get("install", True):
            for f in FAMILIES:
                c.append(f"protocol kernel k{f[3]} {{ merge paths on; {f} {{ import none; "
                         "export where source = RTS_BGP; }; }")
        for f in FAMILIES:
            routes = "".join(f" route {p} unreachable{w and f' {{ {w} }}'};"
                             for p, w in self.with_routes(f))
            c.append(f"protocol static s{f[3]} {{ {f};{routes} }}")
        found = " ".join(f'interface "{n.addr}" {{ min ra interval 3; max ra interval 4; '
                         "default lifetime 0; };" for n in self.neighbors if n.interface)
        if found:
            c.append(f"protocol radv {{ {found} }}")
        c += [self._neighbor(i, n) for i, n in enumerate(self.neighbors)]
        self.conf = self.write("bird.conf", "\n".join(c) + "\n")

    def _neighbor(self, i, n):
        export = "[RTS_STATIC, RTS_BGP]" if n.transit else "[RTS_STATIC]"
        lines = [f"local {n.local} as {self.asn}; neighbor {n.addr} as {n.asn};",
                 f"hold time {n.hold}; connect retry time {n.connect_retry}; "
                 f"connect delay time {n.connect_retry}; error wait time 1, 2; "
                 f"graceful restart {'on' if n.gr else 'off'};"]
        if n.interface:     # BIRD waits for whoever is on the link, and is found by its radv
            lines[0] = (f'local {n.local} as {self.asn}; neighbor range fe80::/10 external; '
                        f'interface "{n.addr}"; dynamic name "u{i}x";')
        if n.passive:
            lines.append("passive on;")
        if n.multihop:
            lines.append("multihop;")
        if n.password:
            lines.append(f'password "{n.password}";')
        lines += n.extra
        lines += self.lines(n, "session")
        for f in n.families:
            hop = "next hop self;"
            if f == "ipv6" and ":" not in n.addr:
                hop = f"next hop address {n.local6};" if n.local6 else hop
            if n.interface and f == "ipv4":
                hop += " extended next hop on;"
            more = " ".join(self.lines(n, "family"))
            lines.append(f"{f} {{ import all; export where source ~ {export}; {hop} {more} }};")
        return f"protocol bgp n{i} {{\n  " + "\n  ".join(lines) + "\n}"

    def launch(self):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"{self.dir}/bird.ctl")
        restart = ["-R"] if self.options.get("recover") else []
        self.spawn("usr/sbin/bird", "-f", *restart, "-c", self.conf, "-s", f"{self.dir}/bird.ctl",
                   "-P", f"{self.dir}/bird.pid")

    def birdc(self, *words):
        return self.ns.run(f"{self.root}/usr/sbin/birdc", "-s", f"{self.dir}/bird.ctl", *words,
                           env=self.env())

    def ready(self):
        return "up and running" in self.birdc("show", "status")

    def reconfigure(self, networks=None):
        """Announce other networks without touching the sessions."""
        self.networks = list(networks) if networks is not None else self.networks
        self.configure()
        out = self.birdc("configure", "soft")
        assert "Reconfigur" in out, out

    def _index(self, addr):
        return next(i for i, n in enumerate(self.neighbors) if n.addr == addr)

    def _show(self, addr):
        i = self._index(addr)
        name = f"u{i}x1" if self.neighbors[i].interface else f"n{i}"
        return self.birdc("show", "protocols", "all", name)

    def established(self, addr):
        return "BGP state:          Established" in self._show(addr)

    def _counts(self, addr, what):
        found = dict.fromkeys(FAMILIES, 0)
        family = None
        for line in self._show(addr).splitlines():
            m = re.match(r"\s+Channel (ipv\d)", line)
            family = m.group(1) if m else family
            m = re.match(rf"\s+Routes:.*?(\d+) {what}", line)
            if m:
                found[family] = int(m.group(1))
        return found

    def received(self, addr):
        return self._counts(addr, "imported")

    def advertised(self, addr):
        return self._counts(addr, "exported")

    def route(self, prefix):
        """Everything it says about a prefix, as text."""
        return self.birdc("show", "route", "all", "for", prefix)


class Frr(Daemon):
    """FRR: zebra and bgpd (staticd is not needed: `network` statements).

    options: lines (more of `router bgp`), install, keep_kernel, only_zebra. Text for the
    place "bfd" starts bfdd, too.
    """

    package = "frr"
    kernel = True

    def configure(self):
        c = [f"log file {self.dir}/frr.log", f"hostname {self.ns.name}",
             f"router bgp {self.asn}", f" bgp router-id {self.router_id}",
             " no bgp ebgp-requires-policy", " no bgp default ipv4-unicast",
             " no bgp network import-check", " bgp bestpath as-path multipath-relax"]
        c += [f" {x}" for x in self.options.get("lines", ())]
        if any(n.gr for n in self.neighbors):
            c += [" bgp graceful-restart", " bgp graceful-restart preserve-fw-state",
                  " bgp graceful-restart restart-time 30"]
        c += self.glob("router")
        for n in self.neighbors:
            c += self._neighbor(n)
        for f in FAMILIES:
            c.append(f" address-family {f} unicast")
            c += self.glob(f)
            c += [f"  network {p}" + (w and f" route-map {self._map_name(p)}")
                  for p, w in self.with_routes(f)]
            for n in self.neighbors:
                if f in n.families:
                    c += self._activate(n, f)
            c.append(" exit-address-family")
        c += self._route_maps() + self.glob()
        for p, w in self.options.get("attributes", {}).items():
            c += [f"route-map {self._map_name(p)} permit 10", *w.splitlines()]
        self.conf = self.write("frr.conf", "\n".join(c) + "\n")

    @staticmethod
    def _map_name(prefix):
        return "set-" + re.sub(r"\W", "-", prefix)

    @staticmethod
    def _route_maps():
        """Names for "only own routes": those without an AS path."""
        return ["bgp as-path access-list own permit ^$",
                "route-map own permit 10", " match as-path own"]

    def _neighbor(self, n):
        c = [f" neighbor {n.addr} interface remote-as external"] if n.interface else [
            f" neighbor {n.addr} remote-as {n.asn}",
            f" neighbor {n.addr} update-source {n.local}"]
        c = [*c,
             f" neighbor {n.addr} timers {max(1, n.hold // 3)} {n.hold}",
             f" neighbor {n.addr} timers connect {n.connect_retry}",
             f" neighbor {n.addr} advertisement-interval 0"]
        if n.passive:
            c.append(f" neighbor {n.addr} passive")
        if n.multihop:
            c.append(f" neighbor {n.addr} ebgp-multihop 8")
        if n.password:
            c.append(f" neighbor {n.addr} password {n.password}")
        c.append(f" neighbor {n.addr} graceful-restart{'' if n.gr else '-disable'}")
        return c + [f" neighbor {n.addr} {x}" for x in n.extra] + \
            self.lines(n, "session")

    def _activate(self, n, family):
        c = [f"  neighbor {n.addr} activate"]
        if not n.transit:
            c.append(f"  neighbor {n.addr} route-map own out")
        return c + self.lines(n, "family")

    def launch(self):
        binds = [*self.account_binds(), *self.private_run()]
        for path in (self.dir, f"{self.dir}/home", f"{self.dir}/run/frr"):
            shutil.chown(path, USERS["frr"], GROUPS["frr"])
        tmp = f"{self.dir}/tmp"
        os.makedirs(tmp, exist_ok=True)
        os.chmod(tmp, 0o1777)
        binds.append((tmp, "/var/tmp"))         # crash logs stay with us
        # Also a restart of the same adapter must not wait for the other daemon's old socket.
        for stale in glob.glob(f"{self.dir}/*.api") + glob.glob(f"{self.dir}/*.vty"):
            os.unlink(stale)
        common = ["-u", "frr", "-g", "frr", "-z", f"{self.dir}/zserv.api", "--vty_socket",
                  self.dir, "-A", "127.0.0.1", "-P", "0"]
        keep = ["-K", "30"] if self.options.get("keep_kernel", True) else []
        self.spawn("usr/lib/frr/zebra", *common, *keep, "-i", f"{self.dir}/zebra.pid",
                   "-f", self.write("zebra.conf", f"log file {self.dir}/zebra.log\n"), binds=binds)
        wait_until(lambda: os.path.exists(f"{self.dir}/zserv.api"), 15, "zebra is there")
        if self.options.get("only_zebra"):
            return
        bfd = self.glob("bfd")
        if bfd:
            self.spawn("usr/lib/frr/bfdd", *common, "--bfdctl", f"{self.dir}/bfdd.sock",
                       "-i", f"{self.dir}/bfdd.pid", "-f",
                       self.write("bfdd.conf", "\n".join(["bfd", *bfd]) + "\n"), binds=binds)
            wait_until(lambda: os.path.exists(f"{self.dir}/bfdd.vty"), 15, "bfdd is there")
        self.spawn("usr/lib/frr/bgpd", *common, "-i", f"{self.dir}/bgpd.pid", "-f", self.conf,
                   *(["-n"] if not self.options.get("install", True) else []), binds=binds)

    def vtysh(self, *commands, daemon="bgpd"):
        """Run commands on a daemon's own socket; returns their output.

        vtysh itself wants /etc/frr and PAM files that only an installed package has.
        A command ends with a zero octet, an answer with three and a result code.
        """
        out = b""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(10)
            s.connect(f"{self.dir}/{daemon}.vty")
            for c in ("enable", *commands):
                s.sendall(c.encode() + b"\0")
                got = b""
                while got[-4:-1] != b"\0\0\0":
                    more = s.recv(65536)
                    assert more, f"{daemon} closed its socket at: {c}"
                    got += more
                assert got[-1] in (0, 2), f"{daemon}: {c}: {got[:-4].decode()}"
                out += got[:-4]
        return out.decode()

    def json(self, command):
        return json.loads(self.vtysh(command + " json"))

    def ready(self):
        if self.options.get("only_zebra"):
            return self.vtysh("show version", daemon="zebra")
        return str(self.asn) in self.vtysh("show bgp summary json") \
            and self.ns.run("ss", "-Htln", "sport = :179")

    def reconfigure(self, networks):
        """Announce other networks without touching the sessions."""
        commands = ["configure terminal", f"router bgp {self.asn}"]
        for family in FAMILIES:
            commands.append(f"address-family {family} unicast")
            old, new = of_family(self.networks, family), of_family(networks, family)
            commands += [f"no network {p}" for p in old if p not in new]
            commands += [f"network {p}" for p in new if p not in old]
            commands.append("exit-address-family")
        self.networks = list(networks)
        self.vtysh(*commands)

    def _summary(self, family, addr):
        peers = self.json(f"show bgp {family} unicast summary").get("peers", {})
        return peers.get(addr, {})

    def established(self, addr):
        family = next(n.families[0] for n in self.neighbors if n.addr == addr)
        return self._summary(family, addr).get("state") == "Established"

    def received(self, addr):
        return {f: self._summary(f, addr).get("pfxRcd", 0) for f in FAMILIES}

    def advertised(self, addr):
        return {f: self._summary(f, addr).get("pfxSnt", 0) for f in FAMILIES}

    def route(self, prefix):
        """Paths of a prefix as FRR's JSON gives them."""
        return self.json(f"show bgp {family_of(prefix)} unicast {prefix}").get("paths", [])


class Gobgp(Daemon):
    """GoBGP; a pure speaker (nothing goes to the kernel)."""

    package = "gobgpd"

    def configure(self):
        c = ["[global.config]", f"  as = {self.asn}", f'  router-id = "{self.router_id}"',
             "  port = 179"]
        here = sorted({n.local for n in self.neighbors if not n.interface})
        c += [f"  local-address-list = {json.dumps(here)}"] if here else []
        c += self.glob()
        for n in self.neighbors:
            c += self._neighbor(n)
        self.conf = self.write("gobgp.toml", "\n".join(c) + "\n")

    def _neighbor(self, n):
        where = "interface" if n.interface else "address"
        c = ["[[neighbors]]", "  [neighbors.config]", f'    neighbor-{where} = "{n.addr}"',
             f"    peer-as = {n.asn}", *self.lines(n, "config")]
        if n.password:
            c.append(f'    auth-password = "{n.password}"')
        c += ["  [neighbors.timers.config]", f"    hold-time = {n.hold}",
              f"    keepalive-interval = {n.hold / 3}",
              f"    connect-retry = {n.connect_retry}", "    idle-hold-time-after-reset = 1",
              "  [neighbors.transport.config]",
              *([] if n.interface else [f'    local-address = "{n.local}"']),
              f"    passive-mode = {str(n.passive).lower()}"]
        if n.multihop:
            c += ["  [neighbors.ebgp-multihop.config]", "    enabled = true",
                  "    multihop-ttl = 8"]
        c += self.lines(n, "session")
        if n.gr:
            c += ["  [neighbors.graceful-restart.config]", "    enabled = true",
                  "    restart-time = 30"]
        for f in n.families:
            c += ["  [[neighbors.afi-safis]]", "    [neighbors.afi-safis.config]",
                  f'      afi-safi-name = "{f}-unicast"']
            if n.gr:
                c += ["    [neighbors.afi-safis.mp-graceful-restart.config]",
                      "      enabled = true"]
            c += self.lines(n, "family")
        return c

    def launch(self):
        again = ["-r"] if self.options.get("recover") else []
        self.spawn("usr/bin/gobgpd", "-f", self.conf, "--api-hosts", "127.0.0.1:50051",
                   "--pprof-disable", *again)

    def gobgp(self, *words):
        return self.ns.run(f"{self.root}/usr/bin/gobgp", *words)

    def start(self, deadline_s=20):
        super().start(deadline_s)
        for f in FAMILIES:
            for p, words in self.with_routes(f):
                self.announce(p, words)
        return self

    def announce(self, prefix, words=""):
        family = family_of(prefix)
        hops = [n.local6 for n in self.neighbors if n.local6] if family == "ipv6" else []
        hop = ["nexthop", hops[0]] if hops else []
        self.gobgp("global", "rib", "add", "-a", family, prefix, *hop, *words.split())

    def ready(self):
        return str(self.asn) in self.gobgp("global") and self.ns.run("ss", "-Htln", "sport = :179")

    def _peer(self, addr):
        return json.loads(self.gobgp("neighbor", addr, "-j"))

    def established(self, addr):
        state = self._peer(addr)["state"].get("session_state", 0)
        return state in (6, "ESTABLISHED")

    def _counts(self, addr, table):
        """Counted from the tables: the counters in `neighbor` lag and count twice."""
        return {f: len(json.loads(self.gobgp("neighbor", addr, table, "-a", f, "-j")))
                for f in FAMILIES}

    def received(self, addr):
        return self._counts(addr, "adj-in")

    def advertised(self, addr):
        return self._counts(addr, "adj-out")


class Openbgpd(Daemon):
    """OpenBGPD portable; fib-update off.

    It announces IPv6 over an IPv4 session with next hop ::1, so give it one session
    per family (one_session tells).
    """

    package = "openbgpd"
    one_session = False

    def configure(self):
        c = [f"AS {self.asn}", f"router-id {self.router_id}", "holdtime 9", "fib-update no",
             f'socket "{self.dir}/bgpd.sock"']
        c += [f"listen on {a}" for a in sorted({n.local for n in self.neighbors})]
        c += self.glob()
        c += [f"network {p}" + (w and f" set {{ {w} }}")
              for f in FAMILIES for p, w in self.with_routes(f)]
        for n in self.neighbors:
            c += self._neighbor(n)
        c += ["allow from any", "allow to any", *self.glob("rules")]
        self.conf = self.write("bgpd.conf", "\n".join(c) + "\n", 0o600)

    def _neighbor(self, n):
        c = [f"neighbor {n.addr} {{", f"\tremote-as {n.asn}", f"\tlocal-address {n.local}",
             f"\tholdtime {n.hold}"]
        c += [f"\tannounce {f.replace('ip', 'IP')} {'unicast' if f in n.families else 'none'}"
              for f in FAMILIES]
        if n.passive:
            c.append("\tpassive")
        if n.multihop:
            c.append("\tmultihop 8")
        if n.password:
            c.append(f'\ttcp md5sig password "{n.password}"')
        c += [f"\t{x}" for x in n.extra]
        c += [f"\tannounce restart {'yes' if n.gr else 'no'}", *self.lines(n, "session"), "}"]
        return c

    def launch(self):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"{self.dir}/bgpd.sock")
        self.spawn("usr/sbin/bgpd", "-d", "-f", self.conf, binds=self.account_binds())

    def kill(self):
        """All its processes: the parent alone would leave the engines to say goodbye."""
        out = self.ns.run("pgrep", "-P", self.procs[0].pid, check=False).stdout
        for pid in [self.procs[0].pid, *map(int, out.split())]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        super().kill()

    def bgpctl(self, *words):
        return self.ns.run(f"{self.root}/usr/sbin/bgpctl", "-s", f"{self.dir}/bgpd.sock", *words)

    def ready(self):
        return "Neighbor" in self.bgpctl("show", "summary") \
            and self.ns.run("ss", "-Htln", "sport = :179")

    def established(self, addr):
        peers = json.loads(self.bgpctl("-j", "show", "neighbor", addr))["neighbors"]
        return peers[0]["state"] == "Established"

    def _counts(self, addr, direction):
        return {f: len(json.loads(self.bgpctl("-j", "show", "rib", INET[f], "neighbor", addr,
                                              direction)).get("rib", []))
                for f in FAMILIES}

    def received(self, addr):
        return self._counts(addr, "in")

    def advertised(self, addr):
        return self._counts(addr, "out")


class Exabgp(Daemon):
    """ExaBGP; what it receives is written by its JSON API into a file."""

    package = "exabgp"

    def configure(self):
        # no exec: ExaBGP takes a closed standard output for the helper's death
        self.write("commands", "")
        dump = self.write("dump.sh", f"#!/bin/sh\ntail -n +1 -f {self.dir}/commands &\n"
                          f"cat >>{self.dir}/events\nkill $!\n", 0o755)
        c = [f"process dump {{ run {dump}; encoder json; }}"]
        for n in self.neighbors:
            c += self._neighbor(n)
        self.conf = self.write("exa.conf", "\n".join(c) + "\n")

    def _neighbor(self, n):
        families = " ".join(f"{f} unicast;" for f in n.families)
        routes = []
        for f in n.families:
            hop = n.local6 if f == "ipv6" and n.local6 else "self"
            routes += [f"route {p} next-hop {hop} {w};" for p, w in self.with_routes(f)]
        c = [f"neighbor {n.addr} {{ router-id {self.router_id}; local-address {n.local};",
             f" local-as {self.asn}; peer-as {n.asn}; hold-time {n.hold};"]
        if n.passive:
            c.append(" passive true; listen 179;")
        if n.multihop:
            c.append(" outgoing-ttl 8;")
        if n.password:
            c.append(f" md5-password '{n.password}'; md5-base64 false;")
        c += self.lines(n, "session")
        more = " ".join(self.lines(n, "capability"))
        if "asn4" not in more:
            more += " asn4 enable;"
        c += [f" capability {{{more}{' graceful-restart 30;' if n.gr else ''} }}",
              f" family {{ {families} }}", f" static {{ {' '.join(routes)} }}",
              " api { processes [ dump ]; neighbor-changes; "
              "receive { parsed; open; update; } }", "}"]
        return c

    def command(self, text):
        """One command of its API."""
        with open(f"{self.dir}/commands", "a") as f:
            f.write(text + "\n")

    def env(self):
        return {**super().env(), "exabgp.daemon.user": "root", "exabgp.daemon.drop": "false",
                "exabgp.daemon.daemonize": "false", "exabgp.api.cli": "false",
                "exabgp.log.destination": "stdout", "exabgp.bgp.openwait": "10",
                "exabgp.tcp.bind": " ".join(n.local for n in self.neighbors if n.passive),
                "exabgp.tcp.delay": "0"}

    def launch(self):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"{self.dir}/events")
        env = self.env()
        self.procs.append(self.ns.spawn("/usr/bin/python3", "-m", "exabgp", self.conf, env=env,
                                        log="exabgp.out", cwd=self.dir))

    def ready(self):
        assert self.procs[0].alive(), self.procs[0].text()[-2000:]
        if any(n.passive for n in self.neighbors):
            return self.ns.run("ss", "-Htln", "sport = :179")
        return "configuration" in self.procs[0].text() or os.path.exists(f"{self.dir}/events")

    def _events(self, addr):
        with open(f"{self.dir}/events", errors="replace") as f:
            for line in f:
                with contextlib.suppress(ValueError):
                    e = json.loads(line)
                    if e.get("neighbor", {}).get("address", {}).get("peer") == addr:
                        yield e

    def established(self, addr):
        states = [e["neighbor"]["state"] for e in self._events(addr) if e["type"] == "state"]
        return bool(states) and states[-1] == "up"

    def received(self, addr):
        table = {f: set() for f in FAMILIES}
        for e in self._events(addr):
            if e["type"] == "state" and e["neighbor"]["state"] in ("down", "connected"):
                for t in table.values():
                    t.clear()
            if e["type"] == "update":
                self._apply(e["neighbor"]["message"].get("update", {}), table)
        return {f: len(t) for f, t in table.items()}

    @staticmethod
    def _apply(update, table):
        for f in FAMILIES:
            for routes in update.get("announce", {}).get(f"{f} unicast", {}).values():
                table[f] |= {r["nlri"] for r in routes if "nlri" in r}
            table[f] -= {r["nlri"] for r in update.get("withdraw", {}).get(f"{f} unicast", [])}

    def advertised(self, addr):
        return {f: len(of_family(self.networks, f)) for f in FAMILIES}


ALL = {"bird": Bird, "frr": Frr, "gobgp": Gobgp, "openbgpd": Openbgpd, "exabgp": Exabgp}


def networks(index, n):
    """n test networks per family that belong to daemon number index, sorted."""
    v4 = [str(x) for x in list(ipaddress.ip_network(f"172.{20 + index}.0.0/16").subnets(8))[:n]]
    v6 = [str(ipaddress.ip_network(f"fd{20 + index}:0:0:{i:x}::/64")) for i in range(n)]
    return v4 + v6
