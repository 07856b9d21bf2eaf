"""What the matrix asks of each daemon, beside the questions of fabric.peers.

View.KIND wraps a running adapter and answers in one form for all:

    attrs(prefix)   the best path as a dict, or None: as_path, next_hop, med, local_pref,
                    communities, large, ext, originator, clusters, aggregator, unknown
    paths(prefix)   the same for every path
    hold(addr)      negotiated hold time in seconds
    eor(addr)       families whose End-of-RIB it has got
    error(addr)     what it says of the last NOTIFICATION, as text
    refresh(addr)   ask the neighbour for its routes again
    shutdown(addr, text), restart(addr): close a session, and open it again at once
    refreshes(addr) ROUTE-REFRESH requests it has got
    bfd(addr)       its BFD session: up, interval_ms (of its packets), detect_ms, and
                    since: the same as long as it stays up (BIRD, FRR)
"""

import json
import os
from base64 import b64decode
import re
import struct

from fabric.peers import FAMILIES, copy_of, family_of


def flat(xs):
    return [x for sub in xs for x in sub]


class View:
    """Common part; d is the adapter."""

    def __init__(self, d):
        self.d = d

    def attrs(self, prefix):
        found = self.paths(prefix)
        return found[0] if found else None


class Bird(View):
    KEYS = {"next_hop": "next_hop", "med": "med", "local_pref": "local_pref",
            "originator_id": "originator", "aggregator": "aggregator", "otc": "otc"}

    def paths(self, prefix):
        found, a = [], None
        shown = self.d.ns.run(f"{self.d.root}/usr/sbin/birdc", "-s", f"{self.d.dir}/bird.ctl", "show",
                              "route", "all", prefix, check=False, env=self.d.env())
        for line in shown.stdout.splitlines():
            if re.match(r"(\S+)?\s+\w+ \[", line):
                a = {"as_path": [], "communities": [], "large": [], "ext": [], "clusters": []}
                found.append(a)
            m = re.match(r"\s+BGP\.(\w+)(?: \[\w\])?: ?(.*)", line)
            if m and a is not None:
                self._attr(a, m.group(1), m.group(2).strip())
        return found

    def _attr(self, a, key, value):
        if key == "as_path":
            a["as_path"] = [int(x) for x in re.findall(r"\d+", value)]
            a["path_text"] = value
        elif key == "next_hop":
            a["next_hop"], *a["next_hops"] = value.split()
        elif key in ("community", "large_community"):
            name = "communities" if key == "community" else "large"
            a[name] = [x.replace(" ", "").replace(",", ":")
                       for x in re.findall(r"\(([^)]*)\)", value)]
        elif key == "ext_community":
            a["ext"] = [x.replace(" ", "").replace(",", ":")
                        for x in re.findall(r"\(([^)]*)\)", value)]
        elif key == "cluster_list":
            a["clusters"] = value.split()
        elif key == "atomic_aggr":
            a["atomic"] = True
        elif re.fullmatch(r"[0-9a-f]{2}", key):
            a.setdefault("unknown", {})[int(key, 16)] = bytes.fromhex(value.replace(" ", ""))
        elif key in self.KEYS:
            a[self.KEYS[key]] = int(value) if value.isdigit() else value

    def hold(self, addr):
        return int(re.search(r"Hold timer:\s+[\d.]+/(\d+)", self.d._show(addr)).group(1))

    def log(self):
        with open(f"{self.d.dir}/bird.log") as f:
            return f.read()

    def eor(self, addr):
        n = self.log().count(f"{self._name(addr)}: Got END-OF-RIB")
        return set(FAMILIES[:n])        # it does not say of which family

    def error(self, addr):
        return self.d._show(addr) + self.log()

    def _name(self, addr):
        return f"n{self.d._index(addr)}"

    def refresh(self, addr):
        self.d.birdc("reload", "in", self._name(addr))

    def refreshes(self, addr):
        return len(re.findall(r"Got (?:ROUTE-REFRESH|route refresh)", self.log()))

    def bfd(self, addr):
        for line in self.d.birdc("show", "bfd", "sessions").splitlines():
            words = line.split()
            if words and words[0] == addr:
                return {"up": words[2] == "Up", "since": words[3],
                        "interval_ms": round(1000 * float(words[4])),
                        "detect_ms": round(1000 * float(words[5]))}
        return {"up": False}

    def shutdown(self, addr, text):
        self.d.birdc("disable", self._name(addr), f'"{text}"')

    def restart(self, addr):
        self.d.birdc("restart", self._name(addr))


class Frr(View):
    def paths(self, prefix):
        data = self.d.json(f"show bgp {family_of(prefix)} unicast {prefix}")
        paths = sorted(data.get("paths", []), key=lambda p: not p.get("bestpath", {}).get("overall"))
        return [self._path(p) for p in paths]

    @staticmethod
    def _path(p):
        segments = p["aspath"].get("segments", [])
        a = {"as_path": flat(s["list"] for s in segments), "path_text": p["aspath"]["string"],
             "next_hop": p["nexthops"][0].get("ip"),
             "next_hops": [h.get("ip") for h in p["nexthops"]],
             "communities": [WELL_KNOWN.get(c, c) for c in p.get("community", {}).get("list", [])],
             "large": p.get("largeCommunity", {}).get("list", []),
             "ext": p.get("extendedCommunity", {}).get("string", "").lower().split(),
             "clusters": p.get("clusterList", {}).get("list", []),
             "originator": p.get("originatorId"), "med": p.get("metric"),
             "local_pref": p.get("locPrf"), "otc": p.get("otc"),
             "atomic": p.get("atomicAggregate", False)}
        if "aggregatorAs" in p:
            a["aggregator"] = f"{p['aggregatorId']} AS{p['aggregatorAs']}"
        return a

    def neighbor(self, addr):
        return self.d.json(f"show bgp neighbors {addr}")[addr]

    def hold(self, addr):
        return self.neighbor(addr)["bgpTimerHoldTimeMsecs"] // 1000

    def eor(self, addr):
        got = self.neighbor(addr).get("gracefulRestartInfo", {}).get("endOfRibRecv", {})
        return {f for f in FAMILIES if got.get(f"{f}Unicast")}

    def error(self, addr):
        n = self.neighbor(addr)
        with open(f"{self.d.dir}/frr.log") as f:
            log = f.read()
        return " ".join(str(v) for k, v in n.items() if k.startswith("last")) + log

    def refresh(self, addr):
        self.d.vtysh(*[f"clear bgp {f} {addr} soft in" for f in FAMILIES])

    def refreshes(self, addr):
        return self.neighbor(addr)["messageStats"]["routeRefreshRecv"]

    def bfd(self, addr):
        def ask(words):
            return {p["peer"]: p for p in json.loads(self.d.vtysh(words, daemon="bfdd"))}.get(addr)
        p, n = ask("show bfd peers json"), ask("show bfd peers counters json")
        if not p or not n:
            return {"up": False}
        return {"up": p["status"] == "up", "since": n["session-down"],
                "interval_ms": max(p["transmit-interval"], p["remote-receive-interval"]),
                "detect_ms": p["remote-detect-multiplier"] *
                max(p["receive-interval"], p["remote-transmit-interval"])}

    def shutdown(self, addr, text):
        self.d.vtysh("configure terminal", f"router bgp {self.d.asn}",
                     f"neighbor {addr} shutdown message {text}")

    def restart(self, addr):
        self.d.vtysh(f"clear bgp {addr}")


WELL_KNOWN = {"noExport": "65535:65281", "noAdvertise": "65535:65282", "gracefulShutdown": "65535:0",
              "graceful-shutdown": "65535:0", "no-export": "65535:65281", "blackhole": "65535:666",
              "no-advertise": "65535:65282"}


class Gobgp(View):
    def paths(self, prefix):
        data = json.loads(self.d.gobgp("global", "rib", prefix, "-a", family_of(prefix), "-j") or "{}")
        return [self._path(p) for p in flat(data.values())] if isinstance(data, dict) else []

    @staticmethod
    def _path(p):
        a = {"as_path": [], "communities": [], "large": [], "ext": [], "clusters": [],
             "local_id": p.get("local-id")}
        for x in p["attrs"]:
            kind = x["type"]
            if kind == 2:
                a["as_path"] = flat(s.get("asns", []) for s in x["as_paths"])
                a["segments"] = [(s["segment_type"], s["asns"]) for s in x["as_paths"]]
            elif kind in (3, 14):
                a["next_hop"] = x.get("nexthop")
            elif kind == 4:
                a["med"] = x.get("metric", 0)
            elif kind == 5:
                a["local_pref"] = x.get("value", 0)
            elif kind == 6:
                a["atomic"] = True
            elif kind == 7:
                a["aggregator"] = f"{x['address']} AS{x['as']}"
            elif kind == 8:
                a["communities"] = [f"{c >> 16}:{c & 0xffff}" for c in x["communities"]]
            elif kind == 9:
                a["originator"] = x["value"]
            elif kind == 10:
                a["clusters"] = x["value"]
            elif kind == 16:
                a["ext"] = [f"rt:{c['value']}" for c in x["value"] if c.get("subtype") == 2]
            elif kind == 32:
                a["large"] = [f"{c['ASN']}:{c['LocalData1']}:{c['LocalData2']}" for c in x["value"]]
            elif kind > 200:
                a["unknown"], a["unknown_flags"] = {kind: b64decode(x["value"])}, x["flags"]
        return a

    def hold(self, addr):
        return self.d._peer(addr)["timers"]["state"]["negotiated_hold_time"]

    def eor(self, addr):
        return {FAMILIES[f["config"]["family"]["afi"] - 1] for f in self.d._peer(addr)["afi_safis"]
                if f["mp_graceful_restart"].get("state", {}).get("end_of_rib_received")}

    def error(self, addr):
        return self.d.procs[0].text()

    def refresh(self, addr):
        self.d.gobgp("neighbor", addr, "softresetin")

    def refreshes(self, addr):
        return self.d._peer(addr)["state"]["messages"]["received"].get("refresh", 0)

    def shutdown(self, addr, text):
        self.d.gobgp("neighbor", addr, "shutdown", "--reason", text)

    def restart(self, addr):
        self.d.gobgp("neighbor", addr, "reset")


class Openbgpd(View):
    def paths(self, prefix):
        data = json.loads(self.d.bgpctl("-j", "show", "rib", "detail", prefix))
        return [self._path(p) for p in data.get("rib", [])]

    @staticmethod
    def _path(p):
        a = {"as_path": [int(x) for x in re.findall(r"\d+", p.get("aspath", ""))],
             "next_hop": p.get("exit_nexthop"), "med": p.get("metric"),
             "local_pref": p.get("localpref"), "path_text": p.get("aspath", ""),
             "communities": [OPENBGPD_WELL_KNOWN.get(c, c) for c in p.get("communities", [])],
             "large": p.get("large_communities", []), "path_id": p.get("path_id"),
             "ext": [c.replace(" ", ":") for c in p.get("extended_communities", [])],
             "clusters": [], "unknown": {}}
        for x in p.get("attributes", []):
            kind = x["type"]
            if kind == "Aggregator":
                a["aggregator"] = f"{x['router_id']} AS{x['AS']}"
            elif kind == "Atomic Aggregate":
                a["atomic"] = True
            elif kind.startswith("Originator"):
                a["originator"] = x.get("originator")
            elif kind.startswith("Cluster"):
                a["clusters"] = x.get("cluster_list", x.get("cluster_id"))
            elif kind.startswith("OTC"):
                a["otc"] = int(x["as"])
            elif kind.startswith("Unknown"):
                a["unknown"][int(kind.rpartition("#")[2])] = bytes.fromhex(x["data"])
        return a

    def neighbor(self, addr):
        return json.loads(self.d.bgpctl("-j", "show", "neighbor", addr))["neighbors"][0]

    def hold(self, addr):
        return self.neighbor(addr)["session"]["holdtime"]

    def eor(self, addr):
        log = self.d.procs[0].text()
        return {f for f in FAMILIES
                if f"neighbor {addr}: received {f.replace('ip', 'IP')} unicast EOR marker" in log}

    def error(self, addr):
        return self.d.bgpctl("show", "neighbor", addr) + self.d.procs[0].text()

    def refresh(self, addr):
        self.d.bgpctl("neighbor", addr, "refresh")

    def refreshes(self, addr):
        return self.neighbor(addr)["stats"]["route-refresh"]["received"]["request"]

    def shutdown(self, addr, text):
        self.d.bgpctl("neighbor", addr, "down", text)

    def restart(self, addr):
        self.d.bgpctl("neighbor", addr, "clear")


OPENBGPD_WELL_KNOWN = {"NO_EXPORT": "65535:65281", "NO_ADVERTISE": "65535:65282",
                       "GRACEFUL_SHUTDOWN": "65535:0", "BLACKHOLE": "65535:666"}


class Exabgp(View):
    def events(self, kind):
        with open(f"{self.d.dir}/events", errors="replace") as f:
            for line in f:
                try:
                    e = json.loads(line, strict=False)
                except ValueError:
                    continue
                if e.get("type") == kind:
                    yield e["neighbor"]

    def paths(self, prefix):
        found = {}
        for n in self.events("update"):
            u = n["message"].get("update", {})
            key = f"{family_of(prefix)} unicast"
            for r in u.get("withdraw", {}).get(key, []):
                if r["nlri"] == prefix:
                    found.pop(r.get("path-information"), None)
            for hop, routes in u.get("announce", {}).get(key, {}).items():
                for r in routes:
                    if r.get("nlri") == prefix:
                        a = found.setdefault(r.get("path-information"), {"next_hops": []})
                        hops = a["next_hops"] if a.get("from") is n else []
                        a.clear()
                        a.update(self._path(u["attribute"]), next_hops=[*hops, hop])
                        a["from"], a["next_hop"] = n, a["next_hops"][0]
        return list(found.values())

    @staticmethod
    def _path(x):
        a = {"as_path": list(flat([[s] if isinstance(s, int) else s for s in x.get("as-path", [])])),
             "med": x.get("med"), "local_pref": x.get("local-preference"),
             "communities": [":".join(map(str, c)) for c in x.get("community", [])],
             "large": [":".join(map(str, c)) for c in x.get("large-community", [])],
             "ext": [c["string"].replace("target", "rt") for c in x.get("extended-community", [])],
             "originator": x.get("originator-id"), "clusters": x.get("cluster-list", []),
             "atomic": x.get("atomic-aggregate", False), "unknown": {},
             "confed": x.get("confederation-path", [])}
        if "aggregator" in x:
            asn, _, address = x["aggregator"].partition(":")
            a["aggregator"] = f"{address} AS{asn}"
        for key, value in x.items():
            m = re.fullmatch(r"attribute-0x(\w\w)-0x(\w\w)", key, re.I)
            if m:
                a["unknown"][int(m.group(1), 16)] = bytes.fromhex(value[2:])
                a["unknown_flags"] = int(m.group(2), 16)
                if m.group(1).lower() == "23":
                    a["otc"] = struct.unpack("!I", bytes.fromhex(value[2:]))[0]
        return a

    def hold(self, addr):
        theirs = [n["open"]["hold_time"] for n in self.events("open")]
        mine = next(n.hold for n in self.d.neighbors if n.addr == addr)
        return min(mine, theirs[-1])

    def eor(self, addr):
        return {n["message"]["eor"]["afi"] for n in self.events("update") if "eor" in n["message"]
                and n["address"]["peer"] == addr}

    def error(self, addr):
        downs = [n.get("reason", "") for n in self.events("state") if n["state"] == "down"]
        return "\n".join(downs) + self.d.procs[0].text()

    def refresh(self, addr):
        for f in FAMILIES:
            self.d.command(f"neighbor {addr} announce route-refresh {f} unicast")

    def refreshes(self, addr):
        with open(f"{self.d.dir}/events", errors="replace") as f:     # what it writes there is no JSON
            return f.read().count('"type": "refresh"')

    def shutdown(self, addr, text):
        self.d.command(f"neighbor {addr} teardown 2")

    def restart(self, addr):
        self.d.command(f"neighbor {addr} teardown 4")


VIEWS = {"bird2": Bird, "frr": Frr, "gobgpd": Gobgp, "openbgpd": Openbgpd, "exabgp": Exabgp}


def view(daemon):
    return VIEWS[daemon.package](daemon)


def version(package):
    """Version of our private copy, without Debian's part."""
    return re.search(r"_(\d[\d.]*)", os.path.basename(copy_of(package))).group(1)
