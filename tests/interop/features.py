"""The fixed table of the interoperability matrix.

Each feature names its RFC, what is asserted on both ends, the scenario that does it
(scenarios.py), and for every daemon a cell: Conf with the lines of that daemon's own
configuration which switch it on (empty: it does so by default), or Not with the manual
that was read and why it is not there, in our words. The manuals:

    bird2-doc 2.0.12    bird-6.html (chapter 6, protocols), bird-5.html (filters)
    frr-doc 8.4.4       html/bgp.html, html/routemap.html
    gobgpd 3.10.0       /usr/share/doc/gobgpd/*.md
    openbgpd 7.7        bgpd.conf(5), bgpctl(8)
    exabgp 4.2.21       exabgp.conf(5), /usr/share/doc/exabgp/examples
"""

from matrix import Conf, Feature, Not

D = Conf()
EXA = "exabgp.conf(5), CONFIGURATION FILE SYNTAX"
BGPD = "bgpd.conf(5), NEIGHBORS AND GROUPS"
GOCONF = "gobgpd configuration.md"
NO_RIB = Not(EXA, "it announces what its file or a program tells it and keeps no table of "
             "routes: nothing there passes on what a neighbour sent")


def cells(bird=D, frr=D, gobgp=D, openbgpd=D, exabgp=D):
    return {"bird": bird, "frr": frr, "gobgp": gobgp, "openbgpd": openbgpd, "exabgp": exabgp}


def route(**words):
    return cells(**{k: Conf(route=v) if isinstance(v, str) else v for k, v in words.items()})


def standard(value):
    """A standard community on one announced prefix."""
    a, b = value.split(":")
    return route(bird=f"bgp_community.add(({a},{b}));", frr=f"set community {value}",
                 gobgp=f"community {value}", openbgpd=f"community {value}",
                 exabgp=f"community [{value}]")


def tagged(name, prefix, value):
    """As standard(), but put on while it is sent: FRR and OpenBGPD obey it themselves."""
    own = standard(value)
    own["frr"] = Conf(
        family="  neighbor $peer route-map tag out",
        glob=f"ip prefix-list {name} permit {prefix}\n"
        f"route-map tag permit {10 if name == 'no-export' else 20}\n"
        f"match ip address prefix-list {name}\nset community {value} additive\n"
        "route-map tag permit 30")
    own["openbgpd"] = Conf(rules=f"match to any prefix {prefix} set community {value}")
    return own


LLGR = cells(
    bird=Conf(session="graceful restart time 2; long lived graceful restart on; "
              "long lived stale time 40;"),
    frr=Conf(router=" bgp long-lived-graceful-restart stale-time 40\n"
             " bgp graceful-restart restart-time 2"),
    gobgp=Conf(session="  [neighbors.graceful-restart.config]\n    enabled = true\n"
               "    restart-time = 2\n    long-lived-enabled = true",
               family="    [neighbors.afi-safis.mp-graceful-restart.config]\n"
               "      enabled = true\n"
               "    [neighbors.afi-safis.long-lived-graceful-restart.config]\n"
               "      enabled = true\n      restart-time = 40"),
    openbgpd=Not(f"{BGPD}, announce", "no announce there speaks of long-lived stale routes"),
    exabgp=Not(EXA, "nothing there speaks of long-lived stale routes"))


# Whole configurations with a range of neighbours in the place of one.
RANGE_BIRD = """log "$dir/bird.log" all;
router id 10.9.2.2;
protocol device { }
protocol static { ipv4; route 172.21.0.0/24 unreachable; }
protocol bgp racks {
  local 10.9.2.2 as 4200000002;
  neighbor range 10.9.2.0/24 as 4200000001;
  dynamic name "rack";
  ipv4 { import all; export where source = RTS_STATIC; next hop self; };
}
"""
RANGE_FRR = """log file $dir/frr.log
router bgp 4200000002
 bgp router-id 10.9.2.2
 no bgp ebgp-requires-policy
 no bgp default ipv4-unicast
 no bgp network import-check
 neighbor rack peer-group
 neighbor rack remote-as 4200000001
 bgp listen range 10.9.2.0/24 peer-group rack
 address-family ipv4 unicast
  network 172.21.0.0/24
  neighbor rack activate
 exit-address-family
"""
RANGE_GOBGP = """[global.config]
  as = 4200000002
  router-id = "10.9.2.2"
  local-address-list = ["10.9.2.2"]
[[peer-groups]]
  [peer-groups.config]
    peer-group-name = "rack"
    peer-as = 4200000001
  [[peer-groups.afi-safis]]
    [peer-groups.afi-safis.config]
      afi-safi-name = "ipv4-unicast"
[[dynamic-neighbors]]
  [dynamic-neighbors.config]
    prefix = "10.9.2.0/24"
    peer-group = "rack"
"""
UNNUMBERED_GOBGP = """[global.config]
  as = 4200000002
  router-id = "10.9.2.2"
[[neighbors]]
  [neighbors.config]
    neighbor-interface = "eth0"
    peer-as = 4200000001
  [neighbors.timers.config]
    connect-retry = 1
  [[neighbors.afi-safis]]
    [neighbors.afi-safis.config]
      afi-safi-name = "ipv6-unicast"
"""
RANGE_OPENBGPD = """AS 4200000002
router-id 10.9.2.2
fib-update no
socket "$dir/bgpd.sock"
listen on 10.9.2.2
network 172.21.0.0/24
neighbor 10.9.2.0/24 {
	remote-as 4200000001
}
allow from any
allow to any
"""

BFD_BIRD = """protocol bfd {
  interface "*" { min rx interval 50 ms; min tx interval 50 ms; multiplier 3; };
  multihop { min rx interval 50 ms; min tx interval 50 ms; multiplier 3; };
}"""


def bfd_frr(peer, local):
    """A session of FRR's bfdd; bgpd asks for it, too, and these are its intervals."""
    return (f" peer {peer} local-address {local}\n  receive-interval 50\n"
            "  transmit-interval 50\n  detect-multiplier 3\n  no shutdown\n exit")


def bfd(peer, local, more=""):
    """On in the two daemons that have it."""
    return cells(bird=Conf(glob=BFD_BIRD, session="bfd on;"),
                 frr=Conf(bfd=bfd_frr(peer + more, local), session=" neighbor $peer bfd"),
                 gobgp=Not("gobgpd /usr/share/doc/gobgpd/*.md", "no page names BFD"),
                 openbgpd=Not("bgpd(8), bgpd.conf(5)", "neither names BFD"),
                 exabgp=Not(EXA, "nothing there names BFD"))


BFD4 = bfd("10.9.2.1", "10.9.2.2")

FEATURES = [
    # ---- sessions
    Feature("ipv4", "session over IPv4, weft dials", "4271",
            "Established on both ends within the deadline; each end counts the prefixes that "
            "the other one says it sent.", "session", cells()),
    Feature("ipv6", "session over IPv6", "4271, 4760",
            "The same over an IPv6 connection, weft's own address being IPv6.", "session6", cells()),
    Feature("passive", "the daemon dials, weft waits", "4271 s8.1.1",
            "weft is passive and the session runs on its port 179.", "session6", cells()),
    Feature("families", "two families on one session", "4760",
            "Both families are negotiated; each end has a usable IPv6 route of the other's.",
            "session", cells(openbgpd=Conf(session="\tmultihop 2", rules=(
                "match to any inet6 set nexthop fd09:2::2\n"
                "match to any inet6 set nexthop no-modify")))),
    Feature("as4", "4-octet AS numbers", "6793",
            "AS 4200000001 and 4200000002 stand in the other end's AS_PATH as they are.",
            "session", cells()),
    Feature("eor", "End-of-RIB", "4724 s2",
            "Sent and received for both families, by weft's counters and the daemon's.",
            "session", cells()),
    Feature("hold3", "hold time 3 s", "4271 s4.2",
            "Both ends say 3 s was agreed, and the session lives on for longer than that.",
            "session", cells()),
    Feature("ll", "IPv6 next hops, global and link-local", "2545",
            "weft takes the daemon's next hop of either form; the daemon has weft's.",
            "session6", cells()),
    Feature("linklocal", "session between link-local addresses", "4291, 2545",
            "It comes up from weft's link-local address, each end has the other's IPv6 route, and "
            "weft's kernel takes it.", "linklocal", cells(
                frr=Conf(session=" neighbor $peer interface eth0"),
                gobgp=Conf(whole=UNNUMBERED_GOBGP),
                exabgp=Not(EXA, "an address has no interface there"))),
    Feature("plain", "OPEN without capabilities", "5492, 4271",
            "No optional parameter from the daemon: an IPv4 session comes up with 2-octet AS "
            "numbers, and routes pass both ways.", "plain", cells(
                bird=Conf(session="capabilities off;"),
                frr=Conf(session=" neighbor $peer dont-capability-negotiate"),
                openbgpd=Conf(session="\tannounce capabilities no"),
                gobgp=Not(GOCONF, "lists every key of a neighbour; none leaves capabilities out"),
                exabgp=Not(EXA, "the capability section switches single ones; those of the "
                           "families are always sent"))),
    Feature("md5", "TCP MD5 signatures", "2385",
            "With the same key on both ends the session comes up and routes pass.", "md5", cells(
                bird=Conf(), frr=Conf())),
    Feature("md5-wrong", "TCP MD5, wrong key refused", "2385",
            "With another key on weft's side neither end comes up, and weft has a reason; with "
            "the right one both come up again.", "md5", cells()),
    Feature("gtsm", "GTSM", "5082",
            "Both ends send TTL 255 (seen on the wire) and accept each other.", "gtsm", cells(
                bird=Conf(session="ttl security on;"),
                frr=Conf(session=" neighbor $peer ttl-security hops 1"),
                gobgp=Conf(session="  [neighbors.ttl-security.config]\n    enabled = true\n"
                           "    ttl-min = 255"),
                openbgpd=Conf(session="\tttl-security yes"),
                exabgp=Conf(session=" outgoing-ttl 255; incoming-ttl 255;"))),
    Feature("multihop", "eBGP multihop", "4271",
            "A session between loopback addresses that no link shares.", "multihop", cells()),

    # ---- restart, refresh
    Feature("gr-helper", "graceful restart, weft helps", "4724 s4.2",
            "The daemon is killed: weft shows its routes as stale and valid; when it is back "
            "none is stale.", "helper", cells(
                openbgpd=Not(f"{BGPD}, announce restart", "it sends and understands the "
                             "End-of-RIB marker only; its capability names no family whose "
                             "routes could be kept"))),
    Feature("gr-restarting", "graceful restart, weft restarts", "4724 s4.1",
            "weft is killed: the daemon keeps its routes while the session is down, and has them "
            "after weft sent End-of-RIB.", "restarting", cells(
                openbgpd=Not(f"{BGPD}, announce restart", "only the End-of-RIB marker is "
                             "supported of graceful restart"),
                exabgp=NO_RIB)),
    Feature("gr-notification", "graceful restart over NOTIFICATIONs", "8538",
            "Both set the N bit; weft says Cease, Administrative Reset before a prepared restart, "
            "and the daemon keeps its routes until it is back.", "planned", cells(
                bird=Not("bird-6.html, 6.3 BGP, graceful restart", "its options know no "
                         "NOTIFICATION that keeps routes"),
                frr=Conf(router=" bgp graceful-restart notification"),
                gobgp=Conf(session="  [neighbors.graceful-restart.config]\n    enabled = true\n"
                           "    restart-time = 30\n    notification-enabled = true",
                           family="    [neighbors.afi-safis.mp-graceful-restart.config]\n"
                           "      enabled = true"),
                openbgpd=Not(f"{BGPD}, announce restart", "only the End-of-RIB marker is "
                             "supported of graceful restart"),
                exabgp=NO_RIB)),
    Feature("llgr-helper", "long-lived stale routes, weft helps", "9494 s4.2",
            "The daemon is killed and stays away: past its restart time weft keeps its routes as "
            "a last resort for the time that it offered.", "longlived", LLGR),
    Feature("llgr-restarting", "long-lived stale routes, weft stays away", "9494 s4.2",
            "weft is killed: past its restart time the daemon keeps its routes with LLGR_STALE, "
            "and without it once weft is back.", "longlived_ours", LLGR),
    Feature("refresh-ours", "route refresh, weft asks", "2918",
            "The daemon counts the request and sends its UPDATEs again; the session stays.",
            "refresh", cells(
                openbgpd=Not(f"{BGPD}, announce refresh", "the capability is announced, but 7.7 "
                             "logs `route refresh: AID IPv4 unicast not negotiated` for every "
                             "request and sends nothing"),
                exabgp=Not("/usr/share/doc/exabgp/examples/api-open.conf, capability",
                           "route-refresh offers RFC 7313 as well, and 4.2.21 ends a session "
                           "without a message when a neighbour that speaks it asks"))),
    Feature("refresh-theirs", "route refresh, the daemon asks", "2918",
            "weft counts the request and sends its UPDATEs again.", "refresh", cells(
                exabgp=Conf(capability="route-refresh enable;"),
                gobgp=Not("gobgpd cli-command-syntax.md, 2.2", "the commands for a neighbour are "
                          "soft resets; softresetin works on the routes it has stored and sends "
                          "no request"))),

    # ---- attributes
    Feature("communities", "communities", "1997",
            "Two values reach the other end in order, both ways.", "attributes", route(
                bird="bgp_community.add((64900,7)); bgp_community.add((64900,8));",
                frr="set community 64900:7 64900:8", gobgp="community 64900:7,64900:8",
                openbgpd="community 64900:7 community 64900:8",
                exabgp="community [64900:7 64900:8]")),
    Feature("large", "large communities", "8092",
            "One with a 4-octet AS reaches the other end, both ways.", "attributes", route(
                bird="bgp_large_community.add((4200000008,3,4));",
                frr="set large-community 4200000008:3:4", gobgp="large-community 4200000008:3:4",
                openbgpd="large-community 4200000008:3:4",
                exabgp="large-community [4200000008:3:4]")),
    Feature("ext", "extended communities passed on", "4360",
            "A route target passes through weft, both ways, octet by octet.", "attributes", route(
                bird="bgp_ext_community.add((rt,64900,200));",
                frr="set extcommunity rt 64900:200", gobgp="rt 64900:200",
                openbgpd="ext-community rt 64900:200",
                exabgp="extended-community [target:64900:200]")),
    Feature("unknown", "unknown transitive attribute passed on", "4271 s9",
            "Attribute 250 passes through weft to the daemon with the Partial bit set, and from "
            "the daemon through weft to the next speaker.", "attributes", route(
                exabgp="attribute [0xfa 0xc0 0x77656674]")),
    Feature("prepend", "AS_PATH prepended", "4271 s5.1.2",
            "A path with an AS several times passes unchanged but for one's own AS in front.",
            "attributes", route(
                bird="bgp_path.prepend(4200000002); bgp_path.prepend(4200000002);",
                frr="set as-path prepend 4200000002 4200000002",
                gobgp="aspath 4200000002,4200000002", openbgpd="prepend-self 2",
                exabgp="as-path [4200000002 4200000002 4200000002]")),
    Feature("no-export", "NO_EXPORT obeyed", "1997",
            "weft takes the route and tells it to no other AS, in both directions.",
            "attributes", tagged("no-export", "172.21.14.0/24", "65535:65281")),
    Feature("no-advertise", "NO_ADVERTISE obeyed", "1997",
            "weft takes the route and tells it to nobody, in both directions.",
            "attributes", tagged("no-advertise", "172.21.15.0/24", "65535:65282")),
    Feature("gshut", "GRACEFUL_SHUTDOWN", "8326",
            "weft gives the daemon's route LOCAL_PREF 0; passed on, the community stays.",
            "attributes", standard("65535:0")),
    Feature("blackhole", "BLACKHOLE", "7999",
            "weft does not take the daemon's host route with it; with acceptBlackhole it does, on "
            "the same session, and tells it to no other AS.", "attributes", standard("65535:666")),
    Feature("med", "MULTI_EXIT_DISC", "4271 s5.1.4",
            "weft takes the daemon's value; neither way does one reach a third AS.",
            "attributes", route(bird="bgp_med = 42;", frr="set metric 42", gobgp="med 42",
                                openbgpd="med 42", exabgp="med 42")),
    Feature("aggregate", "AGGREGATOR and ATOMIC_AGGREGATE passed on", "4271 s5.1.6-7",
            "Both attributes pass through weft, both ways.", "attributes", route(
                exabgp="atomic-aggregate aggregator (64820:4.3.2.1)")),
    Feature("as-loop", "AS loops refused", "4271 s9.1.2",
            "weft refuses a path with its own AS and says why; the daemon does not use one with "
            "its own.", "loop", cells(
                gobgp=Conf(route="aspath 4200000001"),
                exabgp=Conf(route="as-path [4200000002 4200000001]"))),

    # ---- iBGP
    Feature("ibgp", "iBGP: LOCAL_PREF, MED, no re-advertisement", "4271 s5.1.5, s9.2",
            "LOCAL_PREF and MED arrive as set, both ways, with an empty AS_PATH; weft tells the "
            "daemon's route to no other iBGP peer.", "internal", route(
                bird="bgp_local_pref = 300; bgp_med = 30;",
                frr="set local-preference 300\nset metric 30", gobgp="local-pref 300 med 30",
                openbgpd="localpref 300 med 30", exabgp="local-preference 300 med 30")),
    Feature("reflector", "route reflection, weft reflects", "4456",
            "Between clients: ORIGINATOR_ID, CLUSTER_LIST and the kept next hop, both ways.",
            "reflector", cells()),
    Feature("rr-client", "route reflection, weft is a client", "4456",
            "The daemon reflects: weft shows originator and cluster of what it gets, and what it "
            "announces reaches another client.", "client", cells(
                bird=Conf(session="rr client; rr cluster id 10.255.0.1;"),
                frr=Conf(router=" bgp cluster-id 10.255.0.1",
                         family="  neighbor $peer route-reflector-client"),
                gobgp=Conf(session="  [neighbors.route-reflector.config]\n"
                           "    route-reflector-client = true\n"
                           '    route-reflector-cluster-id = "10.255.0.1"'),
                openbgpd=Conf(session="\troute-reflector 10.255.0.1"), exabgp=NO_RIB)),
    Feature("cluster-loop", "CLUSTER_LIST and ORIGINATOR_ID loops refused", "4456 s8",
            "Through the daemon comes a route with weft's own cluster id, and one with its own "
            "router id: refused, with the reason.", "client", cells(exabgp=NO_RIB)),

    # ---- closing
    Feature("limit-ours", "prefix limit, weft's", "4486, 4271 s6.7",
            "The daemon sends more than weft takes: weft closes with Cease 6/1, and the daemon "
            "says so.", "limit_ours", cells()),
    Feature("limit-theirs", "prefix limit, the daemon's", "4486",
            "weft sends more than the daemon takes: weft says that the peer closed with 6/1.",
            "limit_theirs", cells(
                bird=Conf(family="import limit 3 action restart;"),
                frr=Conf(family="  neighbor $peer maximum-prefix 3"),
                gobgp=Conf(family="    [neighbors.afi-safis.prefix-limit.config]\n"
                           "      max-prefixes = 3"),
                openbgpd=Conf(session="\tmax-prefix 3 restart 1"),
                exabgp=Not(EXA, "no key limits what a neighbour may send"))),
    Feature("shutdown", "administrative shutdown", "4486",
            "weft closes the session: the daemon says that it was shut down by the other side.",
            "closing", cells()),
    Feature("shutdown-ours", "shutdown communication, weft's", "9003",
            "Text with letters beyond ASCII arrives as it was written.", "closing", cells(
                exabgp=Not(EXA, "nothing there knows of one; 4.2.21 takes a Cease with text for "
                           "a broken message and answers with 1/0"))),
    Feature("shutdown-theirs", "shutdown communication, the daemon's", "9003",
            "weft shows the daemon's text.", "closing", cells(
                exabgp=Not("/usr/share/doc/exabgp/examples/run/api-teardown.run", "the command "
                           "teardown takes a subcode and no text"))),
    Feature("deconfigured", "peer taken out of the configuration", "4486",
            "weft closes with Cease 6/3, and the daemon says so.", "closing", cells()),
    Feature("reset", "administrative reset", "4486",
            "Each side resets the session in turn: the other one says so, and it comes up again.",
            "closing", cells()),

    # ---- extensions
    Feature("addpath-rx", "several paths received", "7911",
            "weft has two paths of one prefix from the daemon.", "addpath", cells(
                bird=Conf(family="add paths on;"),
                frr=Conf(family="  neighbor $peer addpath-tx-all-paths"),
                gobgp=Conf(session="  [neighbors.add-paths.config]\n    receive = true\n"
                           "    send-max = 8"),
                openbgpd=Conf(session="\tannounce add-path recv yes\n"
                              "\tannounce add-path send all"),
                exabgp=Conf(capability="add-path send/receive;",
                            route="path-information 0.0.0.1 as-path [4200000002 64820]|"
                            "path-information 0.0.0.2 as-path [4200000002 64821]"))),
    Feature("addpath-tx", "several paths sent", "7911",
            "The daemon has two paths of one prefix from weft.", "addpath", cells()),
    Feature("extended", "extended messages", "8654",
            "Both ends agree; a route with 6,000 octets of communities passes both ways.", "big",
            cells(bird=Conf(session="enable extended messages on;"),
                  gobgp=Not(GOCONF, "lists every key of a neighbour, and nothing in the documents "
                            "there speaks of longer messages"),
                  openbgpd=Not("bgpd(8), STANDARDS", "RFC 8654 is not among them, and "
                               "bgpd.conf(5) has no word for it"),
                  exabgp=Conf(capability="extended-message enable;", route="community [" +
                              " ".join(f"65000:{i}" for i in range(1500)) + "]"))),
    Feature("enhanced", "enhanced route refresh", "7313",
            "Each side asks: the other sends its routes between the markers, of both families.",
            "enhanced", cells(
                gobgp=Not("gobgpd configuration.md, evpn.md", "no key of a neighbour asks for it, "
                          "and a session shown with one that offers it has it as received only"),
                openbgpd=Conf(session="\tannounce enhanced refresh yes"),
                exabgp=Not("/usr/share/doc/exabgp/examples/api-open.conf, capability",
                           "route-refresh offers it, but 4.2.21 ends the session without a "
                           "message when it ought to send the markers"))),
    Feature("roles", "roles and Only to Customer", "9234",
            "weft is the daemon's customer: its routes carry OTC to weft's customer and go to no "
            "other provider of weft.", "roles", cells(
                bird=Conf(session="local role provider;"),
                frr=Conf(session=" neighbor $peer local-role provider"),
                gobgp=Not(GOCONF, "lists every key of a neighbour; none is a role"),
                openbgpd=Conf(session="\tannounce policy provider"),
                exabgp=Not(EXA, "neither the capability section nor a neighbour has a role"))),
    Feature("role-mismatch", "role mismatch refused", "9234 s4.2",
            "Both call themselves provider: neither end comes up, and weft says why.", "mismatch",
            cells(gobgp=Not(GOCONF, "lists every key of a neighbour; none is a role"),
                  exabgp=Not(EXA, "neither the capability section nor a neighbour has a role"))),
    Feature("confed", "confederation", "5065",
            "Two Member-ASes: LOCAL_PREF passes, paths show the members inside and one AS outside.",
            "confederation", cells(
                bird=Conf(session="confederation 64700; confederation member yes;"),
                frr=Conf(router=" bgp confederation identifier 64700\n"
                         " bgp confederation peers 64601"),
                gobgp=Conf(glob="[global.confederation.config]\n  enabled = true\n"
                           "  identifier = 64700\n  member-as-list = [ 64601 ]"),
                openbgpd=Not("bgpd(8), STANDARDS", "RFC 5065 is not among them, and "
                             "bgpd.conf(5) has no word for it"),
                exabgp=Not(EXA, "no key makes a neighbour a member of a confederation"))),
    Feature("longopen", "extended optional parameters", "9072",
            "The daemon's capabilities take more than 255 octets: the session comes up, routes "
            "pass.",
            "longopen", cells(
                bird=Not("bird-6.html, BGP, supported standards", "RFC 9072 is not among them"),
                frr=Conf(glob=f"hostname {'h' * 60}\ndomainname {'d' * 60}\n"
                         "router bgp 4200000002\n" + "\n".join(
                    f" address-family {f}\n  neighbor 10.9.2.1 activate\n"
                    "  neighbor 10.9.3.1 activate\n exit-address-family" for f in ("ipv4 multicast", "ipv4 vpn", "ipv4 flowspec", "ipv6 multicast",
                              "ipv6 vpn", "ipv6 flowspec", "l2vpn evpn"))),
                gobgp=Not(GOCONF, "lists every key of a neighbour; none speaks of it"),
                openbgpd=Not("bgpd(8), STANDARDS", "it is among them, for parameters of more than "
                             "255 octets, but bgpd.conf(5) has nothing that makes them so long"),
                exabgp=Not(EXA, "nothing there speaks of it"))),

    # ---- options of weft that the other side sees
    Feature("as-override", "asOverride", "4271 s9.1.2",
            "The daemon takes a path that had its own AS in it: weft's stands in its place.",
            "aspath", cells()),
    Feature("allow-as-in", "allowAsIn", "4271 s9.1.2",
            "weft takes the daemon's path with weft's AS in it.", "aspath", cells()),
    Feature("remove-private", "removePrivate", "6996",
            "Private numbers do not reach the daemon, public ones do.", "private", cells()),
    Feature("local-as", "localAS", "4271 s4.2",
            "The daemon knows weft by another AS: that one alone stands in its paths.", "private",
            cells()),
    Feature("aggregation", "aggregationLength", "4271 s9.2.2.2",
            "The daemon gets the covering prefix with ATOMIC_AGGREGATE and AGGREGATOR, and none "
            "of the longer ones.", "aggregation", cells()),
    Feature("nexthop-self", "next hop self", "4271 s5.1.3",
            "On iBGP the daemon sees weft's address for another AS's route.", "nexthops", cells()),
    Feature("nexthop-keep", "next hop unchanged", "4271 s5.1.3",
            "After a reload it sees the address that was learned; the session stays.", "nexthops",
            cells()),
    Feature("nexthop-given", "next hop given", "4271 s5.1.3",
            "The daemon sees the address that the configuration names; the session stays.", "given",
            cells()),
    Feature("extnh", "IPv4 routes with IPv6 next hops", "8950",
            "On a session over IPv6 each end has the other's IPv4 route with an IPv6 next hop, "
            "and weft's kernel takes it.", "extnh", cells(
                bird=Conf(family="extended next hop on;"),
                frr=Conf(session=" neighbor $peer capability extended-nexthop"),
                openbgpd=Not("bgpd(8), STANDARDS", "neither RFC 8950 nor 5549 is among them, and "
                             "bgpd.conf(5) has no word for it"),
                exabgp=Conf(capability="nexthop enable;", session=" nexthop {\n  ipv4 unicast ipv6;\n }",
                            api="announce route 172.21.0.0/24 next-hop fd09:2::2"))),
    Feature("dynamic", "dynamic peers", "4271 s8.1.1",
            "The daemon dials from within weft's listenRange: a session, and routes both ways.",
            "dynamic", cells()),
    Feature("dynamic-theirs", "dynamic peers, the daemon's", "4271 s8.1.1",
            "weft dials from within the daemon's range: a session, and routes both ways.",
            "dynamic_theirs", cells(
                bird=Conf(whole=RANGE_BIRD), frr=Conf(whole=RANGE_FRR),
                gobgp=Conf(whole=RANGE_GOBGP), openbgpd=Conf(whole=RANGE_OPENBGPD),
                exabgp=Not(EXA, "a neighbor is one ip-address there"))),
    Feature("ecmp", "equal paths by two links, weft", "4271 s9.1.2",
            "Two sessions give one prefix: weft's kernel has a route with two legs.", "ecmp",
            cells()),
    Feature("ecmp-theirs", "equal paths by two links, the daemon", "4271 s9.1.2",
            "weft's prefix by two sessions: the daemon's kernel has a route with two legs.", "ecmp",
            cells(gobgp=Not("gobgpd zebra-multipath.md", "routes get into a kernel through "
                            "another daemon only, FRR's zebra"),
                  openbgpd=Not("bgpd.conf(5), GLOBAL CONFIGURATION and ATTRIBUTE SET",
                               "one path of a prefix is used; ecmp is a choice of what add-path "
                               "sends"), exabgp=NO_RIB)),
    Feature("filter-out", "filters for export", "4271 s9.1.3",
            "Communities, MED and prepended numbers of a filter, as the daemon sees them.",
            "filters", cells()),
    Feature("filter-in", "filters for import", "4271 s9.1.1",
            "LOCAL_PREF and a community of a filter on the daemon's route.", "filters", cells()),
    Feature("filter-live", "filters changed on a live session", "4271 s9",
            "Another filter, one that rejects all, and none: the daemon sees each, and the session "
            "stays as it was.", "filters", cells()),

    # ---- BFD
    Feature("bfd", "BFD over IPv4, 50 ms x 3", "5880, 5881",
            "Up on both ends, with the same intervals and detection times; both see the other's "
            "discriminator work.", "bfd", BFD4),
    Feature("bfd-change", "BFD timers changed while it is up", "5880 s6.8.3",
            "weft goes to 100 ms x 5 and back: both ends have the new figures each time, and "
            "neither was down.", "bfd", BFD4),
    Feature("bfd-resume", "bfdd killed", "5880",
            "kill -9 of weft-bfdd: it goes on with the session, which was never down for the "
            "daemon; nor was the BGP session.", "bfd", BFD4),
    Feature("bfd-loss", "BFD finds the path dead", "5880 s6.8.4, 9384",
            "The daemon's packets are dropped: weft ends the session with Cease, BFD Down, and the "
            "daemon sees BFD down, too; both come up again afterwards.", "bfd", BFD4),
    Feature("bfd6", "BFD over IPv6", "5881",
            "The same beginning over IPv6.", "bfd6", bfd("fd09:2::1", "fd09:2::2")),
    Feature("bfd-multihop", "BFD over several hops", "5883",
            "Between loopback addresses, on the port of RFC 5883.", "bfd_multihop",
            bfd("10.9.90.1", "10.9.90.2", " multihop")),
    Feature("bfd-auth", "BFD with authentication", "5880 s6.7",
            "Keyed and meticulous keyed MD5 and SHA1, one after the other: both ends are up and "
            "take each other's packets.", "bfd_auth",
            {**BFD4, "frr": Not("bfdd 8.4.4, its commands", "none is about authentication")}),

    # ---- numbers
    Feature("many", "10,000 prefixes each way", "4271",
            "Both ends count them all, the next speaker hears all, and 700 withdrawals arrive.",
            "many", cells()),
]
