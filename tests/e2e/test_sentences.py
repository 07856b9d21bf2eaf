"""Why a session is not up, in one sentence that names cause and side, with each of five daemons.

Five pairs of a weft node and a daemon live through all cases; a case is a configuration of weft
that fits, or does not, one of the neighbours the daemon has.  These differ by weft's address.
"""

import os

import pytest

from fabric import peers
from fabric.net import Lab
from fabric.peers import Neighbor
from fabric.topo import WEFT_AS
from fabric.wait import No, wait_until
from fabric.weft import Weft, config

from conftest import crashes

pytestmark = pytest.mark.patient

DAEMONS = sorted(peers.ALL)
PEER_AS, OTHER_AS = 65002, 65099
PLAIN, INTERNAL, KEYED, CALLING, ONE_FAMILY, LIMITED, PATIENT, CUSTOMER, STRICT, DISTANT, UNKNOWN = \
    range(11, 22)
NETS = 5

# Lines of the daemons' own languages.
LIMIT = {"openbgpd": ("max-prefix 1",)}
ROLE = {"bird": ("local role customer;",), "frr": ("local-role customer",),
        "openbgpd": ("announce policy customer",)}
STRICT_ROLE = {"bird": (*ROLE["bird"], "require roles on;"),
               "frr": ("local-role customer strict-mode",),
               "openbgpd": ("announce policy customer enforce",)}
SLOW = {"bird": ("min hold time 60;",), "openbgpd": ("holdtime min 60",)}


class Bird(peers.Bird):
    def _neighbor(self, i, n):
        text = super()._neighbor(i, n)
        if n.local6 == "limit":
            text = text.replace("import all;", "import all; import limit 1 action disable;")
        return text


class Frr(peers.Frr):
    def _activate(self, n, family):
        c = super()._activate(n, family)
        return c + [f"  neighbor {n.addr} maximum-prefix 1"] if n.local6 == "limit" else c


class Gobgp(peers.Gobgp):
    def _neighbor(self, n):
        c = super()._neighbor(n)
        if n.local6 == "limit":
            c += ["    [neighbors.afi-safis.prefix-limit.config]", "      max-prefixes = 1"]
        return c


KINDS = {**peers.ALL, "bird": Bird, "frr": Frr, "gobgp": Gobgp}


class Couple:
    """weft and one daemon; the daemon expects weft at many addresses, each in its own way."""

    def __init__(self, lab, name, k):
        self.name, self.net = name, f"10.8.{k}"
        self.w, self.d = lab.ns(f"w-{name}"), lab.ns(f"d-{name}")
        self.peer = f"{self.net}.2"
        lab.link(self.w, "eth0", self.d, "eth0",
                 [f"{self.net}.{i}/24" for i in range(PLAIN, UNKNOWN + 1)], [f"{self.peer}/24"])
        kind = KINDS[name]
        self.daemon = kind(self.d, PEER_AS, self.peer, self.neighbors(name),
                           [f"172.28.{i}.0/24" for i in range(NETS)])
        self.weft = Weft(self.w, self.config())

    def neighbors(self, name):
        def one(at, asn=WEFT_AS, passive=True, tag="", **kw):
            return Neighbor(f"{self.net}.{at}", asn, self.peer, tag, families=("ipv4",), gr=False,
                            passive=passive, hold=90, transit=False, **kw)
        active = {"passive": False}
        n = [one(PLAIN), one(DISTANT), one(INTERNAL, PEER_AS), one(KEYED, password="secret", **active),
             one(CALLING, **active), one(ONE_FAMILY), one(PATIENT, extra=SLOW.get(name, ())),
             one(CUSTOMER, extra=ROLE.get(name, ())), one(STRICT, extra=STRICT_ROLE.get(name, ())),
             one(LIMITED, tag="limit", extra=LIMIT.get(name, ()))]
        return n

    def config(self, at=PLAIN, asn=WEFT_AS, router_id=None, env=None, **more):
        """One peer, called from and awaited at one of our addresses."""
        here = f"{self.net}.{at}"
        p = {"name": "peer", "peerIP": self.peer, "asNumber": PEER_AS, "sourceAddress": here,
             "timers": {"connectRetry": "1s", "hold": "90s"}, **more}
        return config("weft", asn, [router_id or here], [p], [f"10.244.{i}.0/24" for i in range(1, 5)],
                      ["10.244.0.0/16", "172.16.0.0/12"],
                      bgp={"listen": {"addresses": [here]}})

    def page(self):
        """What the CLI shows of the peer."""
        return " ".join(self.weft.weft("peer", "peer", check=False).stdout.split())


class Case:
    def __init__(self, at, want, only=DAEMONS, **conf):
        self.at, self.want, self.only, self.conf = at, want, only, conf

    def configure(self, couple):
        conf = {k: v(couple) if callable(v) else v for k, v in self.conf.items()}
        return couple.config(self.at, **conf)


def password(text):
    """A password in the file KEY of the couple's weft."""
    def write(couple):
        path = f"{couple.w.dir}/{text}.key"
        with open(path, "w") as f:
            f.write(text)
        os.chmod(path, 0o600)
        return {"file": path}
    return write


LIMITS = [d for d in DAEMONS if d != "exabgp"]      # ExaBGP has no such limit
CASES = {
    "wrong AS, ours": Case(PLAIN, f"we expect AS {OTHER_AS}, its OPEN says {PEER_AS}",
                           asNumber=OTHER_AS),
    "wrong AS, theirs": Case(PLAIN, "peer says OPEN Message Error, Bad Peer AS (2/2): "
                             "it does not expect AS 65077 here", asn=65077),
    "equal router ids": Case(INTERNAL, ("its BGP identifier {peer} is our own",
                                        "it does not accept our BGP identifier {peer}, which may be "
                                        "its own"),
                             asn=PEER_AS, router_id=lambda c: c.peer, asNumber="internal"),
    "nobody listens": Case(PLAIN, "connection refused: nothing listens on {peer} port 1790",
                           port=1790),
    "not expected": Case(UNKNOWN, ("the peer closed the connection before its OPEN: it may not "
                                   "expect one from {here}", "peer says Cease, Connection Rejected "
                                   "(6/5): it does not take a connection from us now", "peer says Cease, Peer De-configured (6/3): it has no "
                                   "configuration for us any more")),
    "another MD5 password": Case(KEYED, "the kernel drops segments signed with another MD5 password: "
                                 "ours and the peer's may differ", password=password("other")),
    "no MD5 password here": Case(KEYED, "the peer may have one for us, we have none for it",
                                passive=True),
    "no MD5 password there": Case(CALLING, "the kernel drops segments without an MD5 signature: the "
                                  "peer may have no password for us", password=password("secret")),
    # At an address of its own: what it drops leaves the daemon with a half-dead connection for a while.
    "hop limit, ours": Case(DISTANT, "ttlSecurity: the kernel drops segments with a hop limit below "
                            "255; the peer has to send 255", ttlSecurity=1),
    "hold time": Case(PATIENT, "peer says OPEN Message Error, Unacceptable Hold Time (2/6): it does "
                      "not accept our hold time of 9 s", only=sorted(SLOW), timers={"hold": "9s"}),
    "no common family": Case(ONE_FAMILY, ("no address family in common: we want ipv6-unicast, it "
                                          "offers ipv4-unicast", "it wants a capability that we do "
                                          "not offer"), families=["ipv6"]),
    "roles that do not fit": Case(CUSTOMER, ("we are customer to it, so it has to be provider, its "
                                             "OPEN says customer", "peer says OPEN Message Error, Role "
                                             "Mismatch (2/11): it does not accept that we are customer "
                                             "to it"), only=sorted(ROLE), role="customer"),
    "no role, ours": Case(PLAIN, "we are provider to it and want to be told its role (strictRole), "
                          "its OPEN tells none", role="provider", strictRole=True),
    "no role, theirs": Case(STRICT, "peer says OPEN Message Error, Role Mismatch (2/11): it wants our "
                            "role, and none is configured here", only=sorted(ROLE)),
    "too many prefixes, ours": Case(PLAIN, "prefix limit: it announces more than our limit of 3 "
                                    "ipv4-unicast prefixes", maxPrefixes={"limit": 3}),
    "too many prefixes, theirs": Case(LIMITED, "peer says Cease, Maximum Number of Prefixes Reached "
                                      "(6/1): we announce more prefixes than it allows", only=LIMITS),
}


class Couples:
    """All pairs, and the case that they are in."""

    def __init__(self, lab):
        self.of = {name: Couple(lab, name, k) for k, name in enumerate(DAEMONS, 1)}
        self.case = None
        for c in self.of.values():
            c.daemon.configure()
            c.daemon.launch()
        for c in self.of.values():
            wait_until(c.daemon.ready, 20, f"{c.name} answers")
            if hasattr(c.daemon, "announce"):
                for p in c.daemon.networks:
                    c.daemon.announce(p)
            c.weft.start()

    def enter(self, case):
        """Reload every weft with the case's configuration, once."""
        if self.case == case:
            return
        self.case = case
        for c in self.of.values():
            c.weft.write_config(CASES[case].configure(c))
            c.weft.weft("reload")
            if c.name == "openbgpd":            # else it waits a minute before it calls again
                c.daemon.bgpctl("neighbor", f"{c.net}.{CASES[case].at}", "clear")


@pytest.fixture(scope="module")
def couples():
    with Lab() as lab:
        yield Couples(lab)
        found = crashes(lab)
        assert not found, f"weft crashed or a sanitizer spoke: {found}"


@pytest.mark.parametrize("case,daemon", [(c, d) for c in CASES for d in CASES[c].only])
def test_sentence(couples, figure, case, daemon):
    """The CLI says what is wrong on which side."""
    couples.enter(case)
    couple, want = couples.of[daemon], CASES[case].want
    texts = [w.format(peer=couple.peer, here=f"{couple.net}.{CASES[case].at}")
             for w in ([want] if isinstance(want, str) else want)]

    def said():
        page = couple.page()
        return next((t for t in texts if t in page), None) or No(page)
    figure(wait_until(said, 25, f"{case}: {daemon}: one of {texts}", every_s=0.1))
