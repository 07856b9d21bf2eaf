"""Filters of weft against BIRD's: the same routes, the same policies, equal results.

Two worlds of equal addresses: in one a speaker of ours talks to weft, in the other to
BIRD. For every policy it opens one session to each, from the same address. A policy is
written once, as weft's rules; bird_filter() says the same in BIRD's language. Import is
compared in the two routing tables, export in what arrives at the speaker, attribute by
attribute, for every pair of a route and a policy.
"""

import ipaddress
import re
import struct

import pytest

from fabric import bgp
from fabric.peers import Bird
from fabric.wait import No, holds_for, wait_until
from fabric.weft import Weft, config, peer

pytestmark = pytest.mark.patient

AS, FEED_AS, VIEW_AS = 65000, 65001, 65100
PERMIT = "10.244.0.0/16"
OWN = ["10.244.1.0/24", "172.20.0.0/24"]
ME = "10.9.255.1"                       # weft, or BIRD
FEED, FEED_IBGP = "10.9.3.1", "10.9.3.2"
HOP = "10.9.3.77"


def six(text):
    """The same in IPv6: 10.244.2.0/24 is fd00:af4:200::/40, 10.9.3.1 is fd09::a09:301."""
    address, _, length = text.partition("/")
    n = int(ipaddress.IPv4Address(address))
    if not length:
        return str(ipaddress.IPv6Address((0xfd09 << 112) + n))
    if length == "0":
        return "::/0"
    return str(ipaddress.IPv6Network(((0xfd00 << 112) + (n << 80), 16 + int(length))))


class Family:
    """What is written for IPv4, as it is or for IPv6."""

    def __init__(self, v6):
        self.v6, self.name = v6, "ipv6" if v6 else "ipv4"

    def __call__(self, x):
        """An address, a prefix, or anything that holds some, as in rules."""
        if not self.v6:
            return x
        if isinstance(x, str):
            return six(x) if re.fullmatch(r"\d+\.\d+\.\d+\.\d+(/\d+)?", x) else x
        if isinstance(x, list):
            return [self(y) for y in x]
        if isinstance(x, dict):
            return {k: {a: b + 16 for a, b in v.items()} if k == "prefixLength" else self(v)
                    for k, v in x.items()}
        return x

# ---- the routes ----------------------------------------------------------------------


def route(prefix, path=(), hop=HOP, med=None, comm=(), large=(), ext=(), origin=0, pref=None):
    """path: AS numbers behind the neighbour's; a tuple in it is an AS_SET."""
    return dict(prefix=prefix, path=list(path), hop=hop, med=med, comm=list(comm),
                large=list(large), ext=list(ext), origin=origin, pref=pref)


ROUTES = [
    route("10.244.2.0/24"),
    route("10.244.3.0/24", [65002], med=10, comm=["65001:1"]),
    route("10.244.4.0/25", [65002, 65003], comm=["65001:1", "65001:2"], large=["1:2:3"]),
    route("10.244.5.128/32", [65003], hop="10.9.4.5", ext=["rt:65001:7"]),
    route("10.244.0.0/16", [65002, 65003, 65004, 65005], med=0),
    route("192.0.2.0/24", [65003], comm=["65001:2"], med=100),
    route("192.0.2.128/25", [65004, (65002, 65005)], large=["1:2:3", "4:5:6"], origin=2),
    route("198.51.100.0/24", [65005, 65002], hop="10.9.4.5", comm=["65009:9"], origin=1),
    route("0.0.0.0/0", comm=["65001:1", "65009:9"], ext=["rt:65001:7", "so:65001:8"]),
    route("10.0.0.0/8", [4200000001, 65002], med=4294967290),
    route("172.16.0.0/12", [65002, 65002, 65002], large=["4200000001:1:2"]),
    route("172.16.9.0/24", [65004], ext=["so:65001:8"], comm=["65001:1", "65001:3"]),
]
PREFERENCES = [None, 50, 200, 100, 0, 300, 150, 100, 77, 1, 90, 4294967290]

# ---- the policies: weft's rules -------------------------------------------------------

ACCEPT, REJECT = {"action": "Accept"}, {"action": "Reject"}


def change(*ops, **conditions):
    return {**conditions, "operations": list(ops), "action": "Accept"}


def only(**conditions):
    """Accept what the conditions hold for, and nothing else."""
    return [{**conditions, **ACCEPT}, REJECT]


BOTH_WAYS = {
    "accept": [ACCEPT],
    "reject": [REJECT],
    "undecided": [{"cidr": "203.0.113.0/24", **ACCEPT}],
    "in": only(cidr="10.244.0.0/16"),
    "in-min": only(cidr="10.0.0.0/8", prefixLength={"min": 24}),
    "in-range": only(cidr="10.0.0.0/8", prefixLength={"min": 16, "max": 25}),
    "not-in": only(cidr="10.0.0.0/8", matchOperator="NotIn"),
    "equal": only(cidr="192.0.2.0/24", matchOperator="Equal"),
    "not-equal": only(cidr="10.244.3.0/24", matchOperator="NotEqual"),
    "default-route": only(cidr="0.0.0.0/0", matchOperator="Equal"),
    "length": only(prefixLength={"min": 12, "max": 24}),
    "host-routes": only(prefixLength={"min": 32}),
    "any-community": only(communities={"any": ["65001:2", "65009:9"]}),
    "all-communities": only(communities={"all": ["65001:1", "65001:2"]}),
    "large": only(communities={"any": ["1:2:3", "4200000001:1:2"]}),
    "all-large": only(communities={"all": ["1:2:3", "4:5:6"]}),
    "extended": only(communities={"any": ["rt:65001:7"]}),
    "mixed": only(communities={"any": ["65001:1"], "all": ["rt:65001:7", "so:65001:8"]}),
    "path-prefix": only(asPathPrefix=[FEED_AS, 65002]),
    "path-contains": only(asPathContains=[65004, 65005]),
    "path-origin": only(originAS=[65003, 65002]),
    "path-short": only(asPathLength={"max": 2}),
    "path-long": only(asPathLength={"min": 3}),
    "path-between": only(asPathLength={"min": 2, "max": 3}),
    "next-hop": only(nextHop="10.9.4.5"),
    "next-hop-in": only(nextHop="10.9.3.0/24"),
    "two-conditions": only(cidr="10.0.0.0/8", communities={"any": ["65001:1"]}),
    "first-wins": [{"cidr": "10.244.0.0/16", **REJECT}, {"cidr": "10.0.0.0/8", **ACCEPT},
                   {"cidr": "192.0.2.0/24", **ACCEPT}, REJECT],
    "set-med": [change({"setMED": 42})],
    "add-med": [change({"addMED": 3})],
    "remove-med": [change({"removeMED": True})],
    "med-for-some": [change({"setMED": 7}, originAS=[65003]), change({"addMED": 1})],
    "add-community": [change({"addCommunities": ["65000:77", "65001:1"]})],
    "add-large": [change({"addCommunities": ["65000:7:7", "1:2:3"]})],
    "remove-community": [change({"removeCommunities": ["65001:1", "1:2:3"]})],
    "remove-extended": [change({"removeCommunities": ["rt:65001:7", "65009:9"]})],
    "set-community": [change({"setCommunities": ["65000:1", "9:9:9"]})],
    "clear-communities": [change({"setCommunities": []})],
    "prepend": [change({"prependASPath": {"as": 65123, "times": 3}})],
    "prepend-some": [change({"prependASPath": {"as": 4200000009}}, cidr="192.0.2.0/24"), ACCEPT],
    "set-next-hop": [change({"setNextHop": "10.9.4.9"})],
    "continue": [{"operations": [{"addCommunities": ["65000:5"]}]},
                 {"communities": {"any": ["65000:5"]}, "operations": [{"setMED": 5}]},
                 {"communities": {"any": ["65009:9"]}, **REJECT}, ACCEPT],
    "undecided-but-changed": [{"cidr": "10.0.0.0/8", "operations": [{"setMED": 9}]}],
    "many": [change({"setMED": 1}, {"addMED": 2}, {"addCommunities": ["65000:1"]},
                    {"removeCommunities": ["65001:1"]}, {"prependASPath": {"as": 65000 + 7}})],
}
IMPORT_ONLY = {
    "pref": [change({"setLocalPref": 250})],
    "pref-add": [change({"addLocalPref": 20})],
    "pref-sub": [change({"subLocalPref": 30})],
    "pref-for-some": [change({"setLocalPref": 300}, communities={"any": ["65001:1"]}),
                      change({"setLocalPref": 50}, prefixLength={"max": 16})],
    "peer-type": [{"peerType": "iBGP", **REJECT}, ACCEPT],
    "source": [{"source": "mesh", "operations": [{"setMED": 11}]},
               {"source": "peer", "operations": [{"setMED": 12}]}, ACCEPT],
}
EXPORT_ONLY = {
    "local": only(source="local"),
    "mesh": only(source="mesh"),
    "peer": only(source="peer"),
    "remote": only(source="RemotePeers"),
    "type-prefix": only(routeType="Prefix"),
    "type-bgp": only(routeType="BGP"),
    "remote-changed": [change({"setMED": 8}, {"prependASPath": {"as": AS, "times": 2}},
                              {"addCommunities": ["65000:8"]}, source="RemotePeers"), REJECT],
    "pref-out": [change({"setLocalPref": 33}, source="RemotePeers")],
}


class Policy:
    """One session of the speaker with each of the two: a filter in one direction."""

    def __init__(self, k, name, rules, export, internal, family=Family(False)):
        self.rules, self.export, self.internal = family(rules), export, internal
        self.family = family
        self.name = f"{'out' if export else 'in'}-{'i' if internal else 'e'}-{name}"
        self.address = family(f"10.9.{2 if export else 1}.{k}")
        self.id = f"10.9.{2 if export else 1}.{k}"
        self.asn = AS if internal else VIEW_AS if export else FEED_AS

    def protocol(self):
        """Its name in BIRD."""
        return "p_" + self.name.replace("-", "_")

    def filter(self):
        return {"export" if self.export else "import": self.rules}

    def peer(self):
        more = {"import": "permitted", "export": "own"}
        return peer(self.name, self.address, self.asn, passive=True, filters=[self.name],
                    families=[self.family.name], timers={"hold": "180s"}, **more)


def policies(export, family):
    """Every policy, towards an external and an internal peer."""
    rules = {**BOTH_WAYS, **(EXPORT_ONLY if export else IMPORT_ONLY)}
    named = [(n, r, i) for i in (False, True) for n, r in rules.items()]
    return [Policy(k + 1, n, r, export, i, family) for k, (n, r, i) in enumerate(named)]


# ---- the same in BIRD's language ---------------------------------------------------------

def community(text):
    kind = re.match(r"(rt|so):(\d+):(\d+)$", text)
    if kind:
        return "bgp_ext_community", f"({'rt' if kind[1] == 'rt' else 'ro'}, {kind[2]}, {kind[3]})"
    numbers = text.split(":")
    where = "bgp_community" if len(numbers) == 2 else "bgp_large_community"
    return where, f"({', '.join(numbers)})"


def has(text):
    where, value = community(text)
    return f"({value} ~ {where})"


def bird_conditions(rule, policy):
    c = []
    if "cidr" in rule:
        op = rule.get("matchOperator", "In")
        test = f"net = {rule['cidr']}" if "Equal" in op else f"net ~ [{rule['cidr']}+]"
        c.append(f"!({test})" if op.startswith("Not") else f"({test})")
    for key, what in (("prefixLength", "net.len"), ("asPathLength", "bgp_path.len")):
        if "min" in rule.get(key, {}):
            c.append(f"({what} >= {rule[key]['min']})")
        if "max" in rule.get(key, {}):
            c.append(f"({what} <= {rule[key]['max']})")
    comm = rule.get("communities", {})
    if "any" in comm:
        c.append("(" + " || ".join(map(has, comm["any"])) + ")")
    c += [has(x) for x in comm.get("all", [])]
    if "asPathPrefix" in rule:
        c.append(f"(bgp_path ~ [= {' '.join(map(str, rule['asPathPrefix']))} * =])")
    if "asPathContains" in rule:
        c.append(f"(bgp_path ~ [{', '.join(map(str, rule['asPathContains']))}])")
    if "originAS" in rule:
        c.append(f"(bgp_path.last ~ [{', '.join(map(str, rule['originAS']))}])")
    if "nextHop" in rule:
        net = ipaddress.ip_network(rule["nextHop"])
        c.append(f"(defined(bgp_next_hop) && bgp_next_hop ~ {net})")
    sources = {"local": "source = RTS_STATIC", "RemotePeers": "source = RTS_BGP",
               "mesh": f"source = RTS_BGP && from = {policy.family(FEED_IBGP)}",
               "peer": f"source = RTS_BGP && from = {policy.family(FEED)}"}
    if not policy.export:
        sources["mesh"] = str(policy.internal).lower()
        sources["peer"] = str(not policy.internal).lower()
    if "source" in rule:
        c.append(f"({sources[rule['source']]})")
    if "routeType" in rule:
        c.append(f"(source = {'RTS_BGP' if rule['routeType'] == 'BGP' else 'RTS_STATIC'})")
    if "peerType" in rule:
        c.append(str((rule["peerType"] == "iBGP") == policy.internal).lower())
    return " && ".join(c) or "true"


def bird_operation(op):
    (key, v), = op.items()
    if key == "setLocalPref":
        return [f"bgp_local_pref = {v};"]
    if key in ("addLocalPref", "subLocalPref"):     # BIRD's numbers wrap, ours stop
        over = f"4294967295 - {v} < bgp_local_pref" if key == "addLocalPref" else \
            f"bgp_local_pref < {v}"
        end, sign = (4294967295, "+") if key == "addLocalPref" else (0, "-")
        return [f"if {over} then bgp_local_pref = {end}; "
                f"else bgp_local_pref = bgp_local_pref {sign} {v};"]
    if key == "setMED":
        return [f"bgp_med = {v};"]
    if key == "addMED":
        return [f"if !defined(bgp_med) then bgp_med = {v}; else "
                f"if 4294967295 - {v} < bgp_med then bgp_med = 4294967295; "
                f"else bgp_med = bgp_med + {v};"]
    if key == "removeMED":
        return ["unset(bgp_med);"]
    if key == "prependASPath":
        return [f"bgp_path.prepend({v['as']});"] * v.get("times", 1)
    if key == "setNextHop":
        return [f"bgp_next_hop = {v}; given = true;"]
    clear = ["bgp_community.empty;", "bgp_large_community.empty;"]
    clear = clear if key == "setCommunities" else []
    verb = "delete" if key == "removeCommunities" else "add"
    return clear + ["{0}.{2}({1});".format(*community(x), verb) for x in v]


def bird_accept(rule, policy):
    """What Accept means: not transit between eBGP peers unless the rule names it."""
    if not policy.export:
        return "accept;"
    finish = "if !given then bgp_next_hop = %s; accept;" % policy.family(ME)
    if policy.internal or rule.get("source") in ("peer", "RemotePeers"):
        return finish
    return f"if source = RTS_BGP && from = {policy.family(FEED)} then reject; {finish}"


def bird_filter(policy):
    out = ["bool given; {", "given = false;"]
    if policy.export and policy.internal:           # RFC 4456: no reflection here
        out.append(f"if source = RTS_BGP && from = {policy.family(FEED_IBGP)} then reject;")
    for rule in policy.rules:
        body = [x for op in rule.get("operations", []) for x in bird_operation(op)]
        if rule.get("action") == "Accept":
            body.append(bird_accept(rule, policy))
        elif rule.get("action") == "Reject":
            body.append("reject;")
        out.append(f"if {bird_conditions(rule, policy)} then {{ {' '.join(body)} }}")
    # undecided: as import: permitted and export: own say
    if policy.export:
        out.append(f"if source = RTS_STATIC then {{ {bird_accept({'source': 'peer'}, policy)} }}")
    elif policy.internal:
        out.append("accept;")
    else:
        out.append(f"if net ~ [{policy.family(PERMIT)}+] then accept;")
    return "\n  ".join([*out, "reject;", "}"])


class FilterBird(Bird):
    """BIRD with one protocol for every policy, and one for each feed."""

    def configure(self):
        family = self.options["family"]
        c = [f'log "{self.dir}/bird.log" all;', f"router id {self.router_id};",
             "protocol device { scan time 5; }",
             f"protocol static own {{ {family.name};" +
             "".join(f" route {p} blackhole;" for p in family(OWN)) + " }"]
        feeds = [(FEED, FEED_AS, "feed"), (FEED_IBGP, AS, "feedi")]
        for address, asn, name in feeds:
            c.append(self.session(family, name, address, asn, "import all; export none;"))
        for p in self.options["policies"]:
            c.append(f"filter f_{p.protocol()} {bird_filter(p)}")
            name = f"filter f_{p.protocol()}"
            how = f"import none; export {name};" if p.export else \
                f"import keep filtered on; import {name}; export none; table t_in;"
            c.append(self.session(family, p.protocol(), p.address, p.asn, how))
        c.insert(3, f"{family.name} table t_in;")
        self.conf = self.write("bird.conf", "\n".join(c) + "\n")

    @staticmethod
    def session(family, name, address, asn, how):
        return (f"protocol bgp {name} {{ local {family(ME)} as {AS}; "
                f"neighbor {family(address) if '.' in address else address} as {asn}; "
                f"passive on; hold time 180; {family.name} {{ {how} }}; }}")


# ---- the speaker -----------------------------------------------------------------------------

def pack_path(path):
    out, run = b"", []
    for x in [*path, None]:
        if isinstance(x, int):
            run.append(x)
            continue
        if run:
            out += struct.pack(f"!BB{len(run)}I", 2, len(run), *run)
            run = []
        if x:
            out += struct.pack(f"!BB{len(x)}I", 1, len(x), *x)
    return out


def pack_ext(text):
    kind, asn, number = text.split(":")
    return struct.pack("!BBHI", 0, 2 if kind == "rt" else 3, int(asn), int(number))


def numbers(texts):
    out = [int(n) for t in texts for n in t.split(":")]
    return out


def update(r, internal, family):
    path = ([] if internal else [FEED_AS]) + r["path"]
    a = bgp.attribute(0x40, 1, bytes([r["origin"]]))
    a += bgp.attribute(0x40, 2, pack_path(path))
    hop, prefix = ipaddress.ip_address(family(r["hop"])).packed, [family(r["prefix"])]
    if not family.v6:
        a += bgp.attribute(0x40, 3, hop)
    if r["med"] is not None:
        a += bgp.attribute(0x80, 4, struct.pack("!I", r["med"]))
    if internal:
        a += bgp.attribute(0x40, 5, struct.pack("!I", 100 if r["pref"] is None else r["pref"]))
    if r["comm"]:
        a += bgp.attribute(0xc0, 8, struct.pack(f"!{2 * len(r['comm'])}H", *numbers(r["comm"])))
    if r["ext"]:
        a += bgp.attribute(0xc0, 16, b"".join(map(pack_ext, r["ext"])))
    if r["large"]:
        a += bgp.attribute(0xc0, 32, struct.pack(f"!{3 * len(r['large'])}I", *numbers(r["large"])))
    if family.v6:
        a += bgp.attribute(0x80, 14, struct.pack("!HBB", 2, 1, 16) + hop + b"\0" + bgp.nlri(prefix))
    return struct.pack("!HH", 0, len(a)) + a + (b"" if family.v6 else bgp.nlri(prefix))


def with_preferences(routes):
    return [{**r, "pref": p} for r, p in zip(routes, PREFERENCES)]


class World:
    """The speaker in one namespace, weft or BIRD in the other."""

    def __init__(self, lab, name, all_policies, family=Family(False)):
        self.family = family
        self.speaker, self.ns = lab.ns("s" + name), lab.ns(name)
        mine = [f"{ME}/16", *([f"{six(ME)}/64"] if family.v6 else [])]
        lab.link(self.speaker, "eth0", self.ns, "eth0", [], mine)
        addresses = [family(a) for a in (FEED, FEED_IBGP, HOP, "10.9.4.5", "10.9.4.9")]
        more = " nodad" if family.v6 else ""
        self.speaker.batch([f"addr add {a}/{64 if family.v6 else 16} dev eth0{more}"
                            for a in addresses + [p.address for p in all_policies]])
        self.policies, self.conns = all_policies, {}

    def session(self, address, asn, router_id):
        conn = bgp.connect(self.speaker, address, self.family(ME))
        caps = bgp.cap_mp(self.family.name) + bgp.cap_as4(asn)
        conn.establish(asn, router_id, hold=180, caps=caps)
        return conn

    def talk(self, export):
        """All sessions; for export the feeds announce everything, else each one does."""
        feeds = (("feed", FEED, FEED_AS, False), ("feedi", FEED_IBGP, AS, True))
        for name, address, asn, internal in feeds if export else ():
            self.conns[name] = self.session(self.family(address), asn, address)
            for r in feed_routes(internal):
                self.conns[name].send(bgp.UPDATE, update(r, internal, self.family))
            self.conns[name].send(bgp.UPDATE, bgp.end_of_rib(self.family.name))
        for p in self.policies:
            conn = self.conns[p.name] = self.session(p.address, p.asn, p.id)
            for r in [] if export else with_preferences(ROUTES):
                conn.send(bgp.UPDATE, update(r, p.internal, self.family))
            conn.send(bgp.UPDATE, bgp.end_of_rib(self.family.name))


def feed_routes(internal):
    """The internal feed has prefixes of its own: no route has to win."""
    if not internal:
        return with_preferences(ROUTES)
    return [{**r, "prefix": f"10.{100 + k}.0.0/{16 + k}"}
            for k, r in enumerate(with_preferences(ROUTES)[:6])]


# ---- what came out ---------------------------------------------------------------------------

def path_text(raw):
    """'65001 65002 {65003 65004}', sets in order."""
    out = []
    while raw:
        kind, n = raw[0], raw[1]
        asns = struct.unpack_from(f"!{n}I", raw, 2)
        raw = raw[2 + 4 * n:]
        out.append("{" + " ".join(map(str, sorted(asns))) + "}" if kind == 1 else
                   " ".join(map(str, asns)))
    return " ".join(x for x in out if x)


def ext_text(raw):
    t, sub, asn, n = struct.unpack("!BBHI", raw)
    assert t == 0
    return f"{ {2: 'rt', 3: 'so'}[sub]}:{asn}:{n}"


def parse_update(body, table):
    """One UPDATE; of an IPv6 next hop the global address counts."""
    gone = struct.unpack_from("!H", body)[0]
    for prefix in parse_nlri(body[2:2 + gone]):
        table.pop(prefix, None)
    body = body[2 + gone:]
    n = struct.unpack_from("!H", body)[0]
    raw, tail = body[2:2 + n], body[2 + n:]
    r = dict(med=None, pref=None, comm=[], large=[], ext=[], otc=None)
    while raw:
        flags, kind = raw[0], raw[1]
        size, at = (struct.unpack_from("!H", raw, 2)[0], 4) if flags & 0x10 else (raw[2], 3)
        v, raw = raw[at:at + size], raw[at + size:]
        if kind == 1:
            r["origin"] = v[0]
        elif kind == 2:
            r["path"] = path_text(v)
        elif kind == 3:
            r["hop"] = str(ipaddress.ip_address(v))
        elif kind in (4, 5):
            r["med" if kind == 4 else "pref"] = struct.unpack("!I", v)[0]
        elif kind == 14:
            r["hop"] = str(ipaddress.ip_address(v[4:20]))
            tail = v[5 + v[3]:]
        elif kind == 15:
            for prefix in parse_nlri(v[3:], 16):
                table.pop(prefix, None)
        elif kind == 8:
            r["comm"] = sorted("%d:%d" % x for x in struct.iter_unpack("!HH", v))
        elif kind == 16:
            r["ext"] = sorted(ext_text(v[i:i + 8]) for i in range(0, size, 8))
        elif kind == 32:
            r["large"] = sorted("%d:%d:%d" % x for x in struct.iter_unpack("!III", v))
        else:
            raise AssertionError(f"attribute {kind} was not asked for")
    for prefix in parse_nlri(tail, 4 if len(body) > 2 + n else 16):
        table[prefix] = r


def parse_nlri(raw, octets=4):
    while raw:
        n = (raw[0] + 7) // 8
        yield f"{ipaddress.ip_address(raw[1:1 + n].ljust(octets, bytes(1)))}/{raw[0]}"
        raw = raw[1 + n:]


# BIRD writes the attribute of the IPv6 one with a length of two octets.
ENDS = (bgp.end_of_rib("ipv4"), bgp.end_of_rib("ipv6"),
        struct.pack("!HHBBHHB", 0, 7, 0x90, 15, 3, 2, 1))


def heard(conn):
    """What a session was told: {prefix: attributes}, and whether End-of-RIB came."""
    conn.poll()
    table, end = {}, False
    for kind, body in conn.received:
        if kind == bgp.UPDATE and body in ENDS:
            end = True
        elif kind == bgp.UPDATE:
            parse_update(body, table)
    return table, end


ORIGINS = {"igp": 0, "egp": 1, "incomplete": 2, "IGP": 0, "EGP": 1, "Incomplete": 2}


def sort_sets(path):
    return re.sub(r"\{(.*?)\}", lambda m: "{" + " ".join(sorted(m[1].split())) + "}", path)


def weft_table(w, policy):
    """Accepted routes of one session as weft shows them."""
    out = {}
    for r in w.routes("--peer", policy.name):
        if r["rejected"]:
            continue
        out[r["prefix"]] = dict(
            path=sort_sets(r["as_path"]), hop=r["next_hop"], med=r["med"], pref=r["local_pref"],
            origin=ORIGINS[r["origin"]], comm=sorted(r["communities"]),
            large=sorted(r["large_communities"]), ext=sorted(r["ext_communities"]))
    return out


def tuples(text):
    return re.findall(r"\(([^)]*)\)", text)


def bird_tables(text):
    """{protocol: {prefix: attributes}} from `show route all`."""
    out, prefix, r = {}, None, None
    for line in text.splitlines():
        head = re.match(r"(\S+)?\s+(?:unicast|unreachable|blackhole) \[(\S+) ", line)
        if head:
            prefix = head[1] or prefix
            r = out.setdefault(head[2], {})[prefix] = dict(
                med=None, pref=None, comm=[], large=[], ext=[], path="", hop=None, origin=None)
        item = re.match(r"\tBGP\.(\w+): ?(.*)", line)
        if not item or r is None:
            continue
        key, v = item[1], item[2].strip()
        if key == "origin":
            r["origin"] = ORIGINS[v]
        elif key == "as_path":
            r["path"] = sort_sets(v)
        elif key == "next_hop":
            r["hop"] = v.split()[0]
        elif key == "med":
            r["med"] = int(v)
        elif key == "local_pref":
            r["pref"] = int(v)
        elif key == "community":
            r["comm"] = sorted(x.replace(",", ":") for x in tuples(v))
        elif key == "large_community":
            r["large"] = sorted(x.replace(", ", ":") for x in tuples(v))
        elif key == "ext_community":
            r["ext"] = sorted(x.replace(", ", ":").replace("ro:", "so:") for x in tuples(v))
    return out


def differences(policy, prefixes, mine, other):
    out = []
    for p in prefixes:
        a, b = mine.get(p), other.get(p)
        if a != b:
            out.append(f"{policy.name}: {p}:\n    weft {a}\n    BIRD {b}")
    return out


class Both:
    """weft and BIRD with the same policies, and all sessions up."""

    def __init__(self, lab, export, v6):
        self.family = family = Family(v6)
        self.policies = every = policies(export, family)
        self.ours = World(lab, "weft", every, family)
        self.theirs = World(lab, "bird", every, family)
        feeds = [peer(name, family(address), asn, passive=True, families=[family.name],
                      timers={"hold": "180s"}, **{"import": "all"})
                 for name, address, asn in (("feed", FEED, FEED_AS), ("feedi", FEED_IBGP, AS))]
        self.weft = Weft(self.ours.ns, config(
            "weft", AS, [ME, *([six(ME)] if v6 else [])], feeds + [p.peer() for p in every], [],
            [family(PERMIT)],
            filters={p.name: p.filter() for p in every}, kernel={"install": False},
            advertisements=[{"type": "Prefix", "prefixes": family(OWN)}])).start()
        self.bird = FilterBird(self.theirs.ns, AS, ME, [], [], policies=every,
                               family=family).start()
        self.ours.talk(export)
        self.theirs.talk(export)

    def compare(self, prefixes, mine, other, figure):
        """mine(policy), other(policy): {prefix: attributes}."""
        prefixes = self.family(prefixes)
        wrong, accepted = [], 0
        for p in self.policies:
            a, b = mine(p), other(p)
            assert set(a) <= set(prefixes), f"{p.name}: {sorted(set(a) - set(prefixes))}"
            wrong += differences(p, prefixes, a, b)
            accepted += len(a)
        pairs = len(self.policies) * len(prefixes)
        assert not wrong, f"{len(wrong)} of {pairs} pairs differ:\n" + "\n".join(wrong[:40])
        assert len(self.policies) >= 60 and 0 < accepted < pairs
        figure(f"{self.family.name}: {pairs} route/policy pairs "
               f"({len(self.policies)} policies) as BIRD has them, "
               f"{accepted} accepted")


@pytest.mark.slice
@pytest.mark.parametrize("v6", [False, True], ids=["ipv4", "ipv6"])
def test_import_like_birds(lab, figure, v6):
    """Every pair of a received route and a policy: verdict and attributes as in BIRD's table."""
    both = Both(lab, False, v6)

    def taken():
        want = f"{len(ROUTES)} imported"
        late = [p.name for p in both.policies if p.name.endswith("-accept") and
                (both.weft.received(p.name)[both.family.name] < len(ROUTES) or
                 want not in both.bird.birdc("show", "protocols", "all", p.protocol()))]
        return not late or No(late)
    wait_until(taken, 20, "the last route arrived")
    tables = bird_tables(both.bird.birdc("show", "route", "all", "table", "t_in"))
    both.compare([r["prefix"] for r in ROUTES], lambda p: weft_table(both.weft, p),
                 lambda p: tables.get(p.protocol(), {}), figure)


@pytest.mark.slice
@pytest.mark.parametrize("v6", [False, True], ids=["ipv4", "ipv6"])
def test_export_like_birds(lab, figure, v6):
    """Every pair of a route in the table and a policy: what a peer is told as by BIRD."""
    both = Both(lab, True, v6)
    worlds = (both.ours, both.theirs)
    first = both.policies[0].name               # sends all but transit
    wanted = len(OWN) + len(feed_routes(True))

    def told():
        tables = [heard(w.conns[p.name]) for w in worlds for p in both.policies]
        got = [len(heard(w.conns[first])[0]) for w in worlds]
        return (all(end for _, end in tables) and got == [wanted] * 2) or No(got)
    wait_until(told, 20, "every session was told everything")
    holds_for(told, 0.5, "and nothing more")
    prefixes = [r["prefix"] for i in (False, True) for r in feed_routes(i)] + OWN
    both.compare(prefixes, lambda p: heard(both.ours.conns[p.name])[0],
                 lambda p: heard(both.theirs.conns[p.name])[0], figure)


@pytest.mark.slice
def test_change_on_a_live_session(lab):
    """Other rules after a reload: routes and what is sent change, no session and no refresh."""
    world = World(lab, "weft", [Policy(1, "x", [ACCEPT], False, False)])
    p = world.policies[0]
    conf = config("weft", AS, [ME], [p.peer()], [], [PERMIT], kernel={"install": False},
                  filters={p.name: {"import": [change({"setMED": 5})]}},
                  advertisements=[{"type": "Prefix", "prefixes": OWN}])
    w = Weft(world.ns, conf).start()
    world.talk(export=False)
    conn, prefix = world.conns[p.name], ROUTES[0]["prefix"]

    def med(of, want):
        got = [r["med"] for r in w.routes("--peer", p.name, "--accepted") if r["prefix"] == of]
        return got == [want] or No(got)
    wait_until(lambda: med(prefix, 5), 10, "the first rule set MED")
    wait_until(lambda: set(heard(conn)[0]) == set(OWN) or No(heard(conn)), 10,
               "own prefixes are sent")
    since, seen = w.peer(p.name)["established_count"], len(conn.received)
    conf["filters"] = {p.name: {
        "import": [{"cidr": prefix, **REJECT}, change({"setMED": 6})],
        "export": [{"cidr": OWN[0], "matchOperator": "Equal", **REJECT}]}}
    w.write_config(conf)
    w.weft("reload")
    other, why = ROUTES[1]["prefix"], f"filter {p.name}, rule 1: rejected"
    wait_until(lambda: med(other, 6), 10, "the new rule set MED")
    assert all(r["fib"] is None for r in w.routes()), "nothing is refused where nothing is installed"
    rejected = w.route(prefix)["paths"][0]
    assert rejected["reject_reason"] == why and rejected["med"] is None, rejected
    wait_until(lambda: set(heard(conn)[0]) == {OWN[1]} or No(heard(conn)), 10, "one was withdrawn")
    assert w.route(OWN[0])["advertised_to"][0]["withheld"] == f"not announced: {why}"
    assert f"not accepted: {why}" in w.weft("route", prefix)
    assert w.peer(p.name)["established_count"] == since and not conn.closed
    assert {kind for kind, _ in conn.received[seen:]} <= {bgp.UPDATE, bgp.KEEPALIVE}
