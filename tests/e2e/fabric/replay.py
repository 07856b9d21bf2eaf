"""A Kubernetes API server of a test's own: objects in memory, recorded answers, faults on demand.

    with replay.Server(ns, "10.9.1.2") as api:              # or the fixture api_server(ns, address)
        api.store.put(NODES, apistore.node("n1", ["10.9.1.1"], ["10.244.1.0/24"]))
        api.kubeconfig(f"{ns.dir}/kubeconfig")              # for `kubernetes: {kubeconfig: ...}`
        api.fault("GET /api/v1/nodes.*watch=1", replay.too_many(3), times=2)
        api.fault("GET /api/v1/nodes", fragment=7, delay_s=0.001)   # 7 octets at a time
        api.fault("GET /api/v1/nodes", cut_after=900, end="rst")    # cut in mid-word
        api.fault("GET /api/v1/nodes", hang=True)           # not a byte, ever
        api.fault("watch=1", Recording("k8s-136").octets("98-watch-too-old-410"))
        api.cut_watches("rst", half=True)                   # half an event, then the end
        api.freeze(); api.thaw()                            # as SIGSTOP and SIGCONT
        api.stop(); api.start()                             # killed, started again: same port
        api.requests                                        # everything that was asked
        api.written[rv]                                     # when the event's last octet was written

A fault answers the first `times` requests (-1: all) whose "METHOD PATH?QUERY" matches its regular
expression; the newest fault comes first. Standard library only; one thread for each connection.
100 events of 4 KB a second take some percent of a core.
"""

import base64
import collections
import contextlib
import json
import os
import queue
import re
import select
import socket
import ssl
import struct
import threading
import time
import urllib.parse

from . import apistore, bgp
from .apistore import Refused, Store, encode
from .pki import Authority
from .wait import wait_until

NODES, SERVICES = "/api/v1/nodes", "/api/v1/services"
SLICES = "/apis/discovery.k8s.io/v1/endpointslices"
SECRETS, EVENTS = "/api/v1/secrets", "/api/v1/events"
LEASES = "/apis/coordination.k8s.io/v1/leases"
RECORDED = os.path.join(os.path.dirname(__file__), "..", "..", "kube", "recorded")
REASONS = {200: "OK", 201: "Created", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden",
           404: "Not Found", 405: "Method Not Allowed", 409: "Conflict", 410: "Gone",
           415: "Unsupported Media Type", 422: "Unprocessable Entity", 429: "Too Many Requests",
           500: "Internal Server Error", 503: "Service Unavailable", 504: "Gateway Timeout"}
CHUNK = 2048    # real servers cut what they write into chunks of this size

Request = collections.namedtuple("Request", "at method path query headers body alpn subject")


class Cut(Exception):
    """This connection ends now."""


# -- octets of answers ------------------------------------------------------------


def answer(code, body, headers=(), kind="application/json"):
    """A whole answer with Content-Length."""
    body = body if isinstance(body, bytes) else encode(body) + b"\n"
    lines = [f"HTTP/1.1 {code} {REASONS.get(code, 'Unknown')}", "Cache-Control: no-cache, private",
             f"Content-Type: {kind}", *headers, f"Content-Length: {len(body)}"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def refusal(code, reason, message, headers=(), **more):
    """A Status object, as every error of an API server."""
    meta = more.pop("metadata", {})
    return answer(code, {"kind": "Status", "apiVersion": "v1", "metadata": meta, "status": "Failure",
                         "message": message, "reason": reason, **more, "code": code}, headers)


def unauthorized():
    return refusal(401, "Unauthorized", "Unauthorized")


def forbidden(what="nodes"):
    return refusal(403, "Forbidden", f'{what} is forbidden: User "weft" cannot list resource "{what}"')


def gone():
    """A list of a revision that is too old. Watches: see gone_event()."""
    return refusal(410, "Expired", "The resourceVersion for the provided list is too old.")


def gone_event():
    """A watch that is too old: HTTP 200 and an ERROR in the stream."""
    event = encode({"type": "ERROR", "object": {
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": "too old resource version: 215 (303)", "reason": "Expired", "code": 410}}) + b"\n"
    return STREAM + chunk(event) + b"0\r\n\r\n"


def too_many(seconds=1, text=False):
    """429: a collection that is being set up, or (text) an overloaded server."""
    after = [f"Retry-After: {seconds}"]
    if text:
        return answer(429, b"Too many requests, please try again later.\n", after, "text/plain; charset=utf-8")
    return refusal(429, "TooManyRequests", "storage is (re)initializing", after,
                   details={"retryAfterSeconds": seconds})


def too_large_version(seconds=1):
    """504: a revision that this server has not seen yet."""
    return refusal(504, "Timeout", "Timeout: Too large resource version: 100261, current: 263",
                   [f"Retry-After: {seconds}"], details={
                       "causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}],
                       "retryAfterSeconds": seconds})


STREAM = (b"HTTP/1.1 200 OK\r\nCache-Control: no-cache, private\r\nContent-Type: application/json\r\n"
          b"Transfer-Encoding: chunked\r\n\r\n")


def chunk(octets):
    return b"%x\r\n%s\r\n" % (len(octets), octets)


def chunks(octets, size=CHUNK):
    return b"".join(chunk(octets[i:i + size]) for i in range(0, len(octets), size))


class Recording:
    """Exchanges with a real server, one pair of files for each (see tests/kube/recorded/README)."""

    def __init__(self, name):
        self.dir = os.path.join(RECORDED, name)

    def names(self):
        return sorted(f[:-5] for f in os.listdir(self.dir) if f.endswith(".http"))

    def request(self, name):
        """"METHOD PATH" that was asked."""
        with open(f"{self.dir}/{name}.req") as f:
            return f.readline().rsplit(" ", 1)[0]

    def octets(self, name):
        with open(f"{self.dir}/{name}.http", "rb") as f:
            return f.read()

    def body(self, name):
        """Without headers and chunk framing; what a cut left of it."""
        head, rest = self.octets(name).split(b"\r\n\r\n", 1)
        if b"transfer-encoding: chunked" not in head.lower():
            return rest
        out = b""
        while b"\r\n" in rest:
            size, rest = rest.split(b"\r\n", 1)
            n = int(size, 16)
            if n == 0:
                break
            out, rest = out + rest[:n], rest[n + 2:]
        return out

    def events(self, name):
        """Whole events of a watch, decoded."""
        return [json.loads(line) for line in self.body(name).split(b"\n")[:-1] if line]

    def node_body(self):
        """What a real kubelet and its controllers write into a Node: about 4 KB."""
        node = max((e["object"] for e in self.events("211-real-node-watch")), key=lambda o: len(str(o)))
        return {"metadata": {"managedFields": node["metadata"]["managedFields"]}, "status": node["status"]}


class Fault:
    """What to do to some requests; see the top of this file."""

    def __init__(self, match, octets=None, times=1, hang=False, delay_s=0.0, fragment=0,
                 cut_after=None, end="keep", headers_only=False):
        self.match, self.octets, self.times = re.compile(match), octets, times
        self.hang, self.delay_s, self.fragment = hang, delay_s, fragment
        self.cut_after, self.end, self.headers_only = cut_after, end, headers_only
        self.hits = 0


class Connection:
    """One client's connection: a thread reads requests from it and answers them in turn."""

    def __init__(self, server, sock):
        self.server, self.sock, self.buf = server, sock, b""
        self.watch = None               # the collection it watches
        self.orders = queue.SimpleQueue()
        self.fault = None
        self.sent = 0                   # octets of this answer
        self.requests = 0

    # -- octets -----------------------------------------------------------------

    def send(self, octets):
        f = self.fault
        size = f.fragment if f and f.fragment else len(octets)
        for i in range(0, len(octets), max(size, 1)):
            piece = octets[i:i + size]
            if f and f.delay_s:
                self.server.pause(f.delay_s)
            self.server.thawed.wait()
            if f and f.cut_after is not None and self.sent + len(piece) >= f.cut_after:
                self.sock.sendall(piece[:f.cut_after - self.sent])
                raise Cut(f.end)
            self.sock.sendall(piece)
            self.sent += len(piece)

    def end(self, how):
        """eof: FIN and no more; rst: RST; else TLS's own goodbye, too."""
        with contextlib.suppress(OSError):
            if how == "rst":
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            elif how == "eof":
                socket.socket.shutdown(self.sock, socket.SHUT_WR)
            elif isinstance(self.sock, ssl.SSLSocket):
                self.sock.settimeout(0.2)
                self.sock.unwrap()
        with contextlib.suppress(OSError):
            self.sock.close()

    def peer_left(self):
        """Did the client close it (or say more than it should)?"""
        try:
            if self.sock.pending() or not select.select([self.sock], [], [], 0)[0]:
                return False
            return not self.sock.recv(1)
        except (OSError, ValueError):
            return True

    # -- requests ---------------------------------------------------------------

    def fill(self):
        data = self.sock.recv(65536)
        self.server.thawed.wait()
        if not data:
            raise Cut("close")
        self.buf += data

    def read_request(self):
        while b"\r\n\r\n" not in self.buf:
            self.fill()
        head, self.buf = self.buf.split(b"\r\n\r\n", 1)
        line, *fields = head.decode("latin-1").split("\r\n")
        method, target, _ = line.split(" ", 2)
        headers = {k.lower(): v.strip() for k, v in (f.split(":", 1) for f in fields)}
        size = int(headers.get("content-length", 0))
        while len(self.buf) < size:
            self.fill()
        body, self.buf = self.buf[:size], self.buf[size:]
        path, _, query = target.partition("?")
        alpn = subject = None
        if isinstance(self.sock, ssl.SSLSocket):
            alpn = self.sock.selected_alpn_protocol()
            cert = self.sock.getpeercert() or {}
            subject = dict(x[0] for x in cert.get("subject", ())).get("commonName")
        return Request(time.monotonic(), method, path,
                       dict(urllib.parse.parse_qsl(query, keep_blank_values=True)),
                       headers, body, alpn, subject)

    def run(self):
        how = "close"
        try:
            while True:
                req = self.read_request()
                self.requests += 1
                self.sent = 0
                self.server.requests.append(req)
                self.fault = self.server.fault_for(req)
                self.respond(req)
        except Cut as e:
            how = e.args[0]
        except (OSError, ValueError, ssl.SSLError):
            pass
        self.watch = None
        self.server.forget(self)
        self.end(how)

    def respond(self, req):
        f = self.fault
        if f and f.hang:
            if f.headers_only:
                self.sock.sendall(STREAM)
            while not self.peer_left():
                self.server.pause(0.05)
            raise Cut("close")
        if f and f.octets is not None:
            self.send(f.octets)
            if f.end != "keep":
                raise Cut(f.end)
            return
        try:
            refused = self.server.refuse(req)
            if refused:
                self.send(refused)
            else:
                Answer(self, req).give()
        except Refused as e:
            self.send(refusal(e.code, e.reason, e.message, **e.more))
        if f and f.cut_after is None and f.end != "keep":
            raise Cut(f.end)


class Answer:
    """What the store says to one request."""

    def __init__(self, conn, req):
        self.conn, self.req, self.server = conn, req, conn.server
        self.store = conn.server.store
        self.path, self.namespace, self.name, self.sub = split_path(req.path)

    def give(self):
        special = {"/version": {"major": "1", "minor": self.server.version.split(".")[1],
                                "gitVersion": f"v{self.server.version}.0"}}
        if self.req.path in special:
            return self.conn.send(answer(200, special[self.req.path]))
        if self.req.path in ("/readyz", "/livez", "/healthz"):
            return self.conn.send(answer(200, b"ok", kind="text/plain"))
        with self.store.changed:
            self.col = self.store.collections.get(self.path)
        if not self.col:
            return self.conn.send(answer(404, b"404 page not found\n", kind="text/plain"))
        verb = self.req.method
        if verb == "GET" and self.name is None:
            return self.watch() if self.req.query.get("watch") in ("1", "true") else self.list()
        todo = {"GET": self.get, "POST": self.create, "PUT": self.put, "PATCH": self.patch,
                "DELETE": self.delete}.get(verb)
        if not todo:
            raise Refused(405, "MethodNotAllowed", "the server does not allow this method")
        code, obj = todo()
        return self.conn.send(answer(code, obj))

    def body(self):
        try:
            return json.loads(self.req.body)
        except ValueError:
            raise Refused(400, "BadRequest", "the object provided is unrecognized") from None

    def get(self):
        return 200, self.store.get(self.path, self.name, self.namespace)

    def create(self):
        return 201, self.store.create(self.path, self.namespace, self.body())

    def put(self):
        return 200, self.store.update(self.path, self.namespace, self.name, self.sub, self.body())

    def patch(self):
        how = self.req.headers.get("content-type", "").split(";")[0]
        return 200, self.store.patch(self.path, self.namespace, self.name, self.sub, how, self.body())

    def delete(self):
        return 200, self.store.delete(self.path, self.namespace, self.name)

    # -- lists ------------------------------------------------------------------

    def wanted(self, entry):
        meta = entry.obj["metadata"]
        if self.namespace and meta.get("namespace") != self.namespace:
            return False
        for term in filter(None, self.req.query.get("fieldSelector", "").split(",")):
            key, _, value = term.replace("==", "=").partition("=")
            at = entry.obj
            for word in key.split("."):
                at = at.get(word, "") if isinstance(at, dict) else ""
            if at != value:
                return False
        labels = meta.get("labels") or {}
        for term in filter(None, self.req.query.get("labelSelector", "").split(",")):
            key, eq, value = term.replace("==", "=").partition("=")
            if labels.get(key) != value if eq else (key.lstrip("!") in labels) == key.startswith("!"):
                return False
        return True

    def list(self):
        query, server = self.req.query, self.server
        limit, token = int(query.get("limit") or 0), query.get("continue")
        rv = query.get("resourceVersion", "")
        if token:
            token = json.loads(base64.urlsafe_b64decode(token + "=="))
            snapshot = server.snapshots.get((self.path, token["rv"]))
            if snapshot is None:
                return self.conn.send(expired_continue(token["start"]))
            revision, start = token["rv"], token["start"]
            items = [e for e in snapshot if list(apistore.key_of(e.obj)) > start]
        else:
            with self.store.changed:
                revision = self.store.revision
                if rv not in ("", "0") and int(rv) > revision:
                    return self.conn.send(too_large_version())
                items = [self.col.entries[k] for k in sorted(self.col.entries)]
            items = [e for e in items if self.wanted(e)]
            if limit and rv != "0":
                server.snapshots[(self.path, revision)] = items
        meta = {"resourceVersion": str(revision)}
        if limit and rv != "0" and len(items) > limit:
            last = list(apistore.key_of(items[limit - 1].obj))
            meta["continue"] = base64.urlsafe_b64encode(
                encode({"rv": revision, "start": last})).decode().rstrip("=")
            meta["remainingItemCount"] = len(items) - limit
            items = items[:limit]
        head = encode({"kind": f"{self.col.kind}List", "apiVersion": self.col.api_version, "metadata": meta})
        body = head[:-1] + b',"items":[' + b",".join(e.octets for e in items) + b"]}\n"
        if len(body) <= CHUNK:
            return self.conn.send(answer(200, body))
        return self.conn.send(STREAM + chunks(body) + b"0\r\n\r\n")

    # -- watches ----------------------------------------------------------------

    def watch(self):
        query, conn, store = self.req.query, self.conn, self.store
        rv = query.get("resourceVersion") or "0"
        if not rv.isdigit():
            raise Refused(400, "BadRequest", f"Invalid resource version {rv}")
        if "sendInitialEvents" in query and self.server.version == "1.20":
            raise Refused(422, "Invalid", 'ListOptions.meta.k8s.io "" is invalid')
        end = time.monotonic() + float(query.get("timeoutSeconds") or 1800)
        bookmarks = query.get("allowWatchBookmarks") in ("1", "true")
        with store.changed:
            at, first = int(rv), b""
            if at == 0:
                at = store.revision
                first = b"".join(b'{"type":"ADDED","object":%s}\n' % self.col.entries[k].octets
                                 for k in sorted(self.col.entries) if self.wanted(self.col.entries[k]))
                if bookmarks and self.server.version != "1.20":
                    first += self.col.bookmark(at, initial=True)
            elif at < self.col.compacted:
                return conn.send(gone_event())
            asked = self.col.bookmarks
        conn.send(STREAM + chunks(first))
        conn.watch = self.col.path
        try:
            self.follow(at, asked, end, bookmarks)
        finally:
            conn.watch = None
        conn.send(b"0\r\n\r\n")
        return None

    def follow(self, at, asked, end, bookmarks):
        """Events as they come until the stream's time is over, or an order ends it."""
        conn, store, col = self.conn, self.store, self.col

        def due():
            return col.since(at) or col.gone or not conn.orders.empty() or col.bookmarks != asked

        while True:
            with store.changed:
                store.changed.wait_for(due, timeout=max(0, min(0.5, end - time.monotonic())))
                events, gone = col.since(at), col.gone
                mark, asked = col.bookmarks != asked and bookmarks, col.bookmarks
                at = max(at, events[-1].rv if events else 0, store.revision if mark else 0)
            self.write([e for e in events if self.wanted(e.entry)], col.bookmark(at) if mark else b"")
            if not conn.orders.empty():
                conn.orders.get()()
            if gone:
                return
            if time.monotonic() >= end:
                if bookmarks and self.server.version != "1.20":
                    self.write([], col.bookmark(at))
                return
            if conn.peer_left():
                raise Cut("close")

    def write(self, events, more=b""):
        octets = b"".join(e.octets() for e in events) + more
        if octets:
            self.conn.send(chunks(octets))
            at = time.monotonic()
            for e in events:
                self.server.written[e.rv] = at


def expired_continue(start):
    """410 with a fresh token, which goes on in a list of now."""
    token = base64.urlsafe_b64encode(encode({"rv": -1, "start": start})).decode().rstrip("=")
    return refusal(410, "Expired", "The provided continue parameter is too old to display a consistent list "
                   "result. You can start a new list without the continue parameter.",
                   metadata={"continue": token})


def split_path(path):
    """(collection, namespace, name, subresource) of a request's path."""
    words = [urllib.parse.unquote(w) for w in path.strip("/").split("/")]
    base, rest = (words[:2], words[2:]) if words[0] == "api" else (words[:3], words[3:])
    namespace = ""
    if len(rest) > 2 and rest[0] == "namespaces":
        namespace, rest = rest[1], rest[2:]
    rest += [None] * (3 - len(rest))
    return "/" + "/".join([*base, rest[0] or ""]), namespace, rest[1], rest[2]


class Server:
    """The whole server. ns: where its listening socket is; names: what its certificate says.

    tokens: those that it knows, to be changed at will; None lets everybody in. allow(request):
    False answers 403. version "1.20" leaves out what was new since.
    """

    def __init__(self, ns, address, port=6443, names=None, version="1.36", store=None, tokens=("token",),
                 authority=None):
        self.ns, self.address, self.port, self.version = ns, address, port, version
        self.store = store or Store(more=apistore.WEFT)
        self.tokens = set(tokens) if tokens is not None else None
        self.allow = None
        self.ca = authority or Authority(f"{ns.dir}/pki")
        self.cert = self.ca.issue("kube-apiserver", names or [address, "kubernetes.default.svc"])
        self.requests, self.written, self.snapshots = [], {}, {}
        self.faults, self.connections = [], set()
        self.refusals = []      # why handshakes failed
        self.lock = threading.Lock()
        self.thawed, self.stopped = threading.Event(), threading.Event()
        self.thawed.set()
        self.listener = None

    # -- life -------------------------------------------------------------------

    def start(self):
        """Listen; also again after stop()."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.cert)
        context.load_verify_locations(self.ca.cert)
        context.verify_mode = ssl.CERT_OPTIONAL
        context.set_alpn_protocols(["h2", "http/1.1"])
        self.stopped.clear()
        self.listener = bgp.listener(self.ns, self.address, self.port, backlog=128)
        threading.Thread(target=self._accept, args=(self.listener, context), daemon=True).start()
        return self

    def stop(self):
        """As killed: nobody listens, every connection is reset."""
        self.stopped.set()
        self.thawed.set()
        if self.listener:
            with contextlib.suppress(OSError):
                self.listener.shutdown(socket.SHUT_RDWR)
            self.listener.close()
            self.listener = None
        for conn in self._live():
            with contextlib.suppress(OSError):
                conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                socket.socket.shutdown(conn.sock, socket.SHUT_RDWR)
            conn.orders.put(lambda: (_ for _ in ()).throw(Cut("rst")))
        with self.store.changed:
            self.store.changed.notify_all()

    def __enter__(self):
        return self.start()

    def __exit__(self, *exc):
        self.stop()

    def freeze(self):
        """Nothing is read, written or accepted until thaw(); the kernel still takes connections."""
        self.thawed.clear()

    def thaw(self):
        self.thawed.set()

    def use_certificate(self, cert):
        """Another (certificate, key) for connections of the next start()."""
        self.cert = cert

    def forget_pages(self):
        """Every `continue` token is too old from now on."""
        self.snapshots.clear()

    # -- connections ------------------------------------------------------------

    def _accept(self, listener, context):
        while True:
            try:
                raw, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(raw, context), daemon=True).start()

    def _serve(self, raw, context):
        self.thawed.wait()
        try:
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            raw.settimeout(10)
            sock = context.wrap_socket(raw, server_side=True)
            sock.settimeout(None)
        except (OSError, ssl.SSLError) as e:
            self.refusals.append(str(e))
            raw.close()
            return
        if sock.selected_alpn_protocol() == "h2":
            self.refusals.append("h2 was offered")      # and is not spoken here
            sock.close()
            return
        conn = Connection(self, sock)
        with self.lock:
            self.connections.add(conn)
        if self.stopped.is_set():
            self.forget(conn)
            sock.close()
            return
        conn.run()

    def forget(self, conn):
        with self.lock:
            self.connections.discard(conn)

    def _live(self):
        with self.lock:
            return list(self.connections)

    def pause(self, seconds):
        """Some time, or until stop()."""
        if self.stopped.wait(seconds):
            raise Cut("rst")

    # -- who may ----------------------------------------------------------------

    def refuse(self, req):
        """Octets of a 401 or 403, or None."""
        if self.tokens is not None and not req.subject:
            sent = req.headers.get("authorization", "")
            if not sent:
                return forbidden(req.path.rsplit("/", 1)[1])
            if sent.removeprefix("Bearer ") not in self.tokens:
                return unauthorized()
        if self.allow and not self.allow(req):
            return forbidden(req.path.rsplit("/", 1)[1])
        return None

    # -- faults -----------------------------------------------------------------

    def fault(self, match, octets=None, **how):
        """The next requests that match get this; returns it (.hits counts)."""
        f = Fault(match, octets, **how)
        with self.lock:
            self.faults.insert(0, f)
        return f

    def heal(self):
        """No more faults, thawed."""
        with self.lock:
            self.faults.clear()
        self.thaw()

    def fault_for(self, req):
        line = f"{req.method} {req.path}?{urllib.parse.urlencode(req.query)}"
        with self.lock:
            for f in self.faults:
                if f.times and f.match.search(line):
                    f.times -= 1
                    f.hits += 1
                    return f
        return None

    def watches(self, path=None):
        """Connections with a watch (of one collection)."""
        return [c for c in self._live() if c.watch and path in (None, c.watch)]

    def _order(self, conns, make):
        for conn in conns:
            conn.orders.put(make(conn))
        with self.store.changed:
            self.store.changed.notify_all()
        return len(conns)

    def cut_watches(self, how="rst", path=None, half=False):
        """End watches, at once: "rst", "eof" (no final chunk), "close" (TLS says so, too), "clean" (final
        chunk). half: after half an event, in mid-word, with the chunk's size promising all of it."""
        def make(conn):
            def cut():
                if half:
                    event = b'{"type":"MODIFIED","object":{"kind":"Node","apiVersion":"v1","metadata":{"name":"'
                    conn.send(b"%x\r\n%s" % (len(event) + 500, event))
                if how == "clean":
                    conn.send(b"0\r\n\r\n")
                raise Cut(how)
            return cut
        conns = self.watches(path)
        self._order(conns, make)
        wait_until(lambda: not any(c.watch for c in conns), 5, "the watches are cut")
        return len(conns)

    def say(self, octets, path=None, raw=False):
        """Put octets into live watches: as one chunk, or (raw) as they are."""
        return self._order(self.watches(path), lambda conn: lambda: conn.send(octets if raw else chunk(octets)))

    def say_again(self, path, since=0):
        """Old events once more, as a server restored from an old state may do."""
        with self.store.changed:
            old = b"".join(e.octets() for e in self.store.collections[path].since(since))
        return self.say(old, path)

    # -- credentials ------------------------------------------------------------

    def kubeconfig(self, path, token="token", token_file=None, client=None, ca=None, server=None):
        """Write a kubeconfig: with a token, a file with one, or client (certificate, key) files.

        Certificates and keys stand in it, so that it may lie where weft is allowed to read.
        """
        if client:
            user = {"client-certificate-data": base64_of(client[0]), "client-key-data": base64_of(client[1])}
        else:
            user = {"tokenFile": token_file} if token_file else {"token": token}
        host = f"[{self.address}]" if ":" in self.address else self.address
        write_kubeconfig(path, server or f"https://{host}:{self.port}", ca or self.ca.cert, user)
        return path

    def service_account(self, folder, token="token"):
        """Write what a pod finds in /var/run/secrets/kubernetes.io/serviceaccount."""
        os.makedirs(folder, exist_ok=True)
        with open(self.ca.cert) as f:
            files = {"ca.crt": f.read(), "token": token, "namespace": "kube-system"}
        for name, text in files.items():
            with open(f"{folder}/{name}", "w") as f:
                f.write(text)
        return folder

    # -- questions --------------------------------------------------------------

    def asked(self, match):
        """Requests whose "METHOD PATH?QUERY" matches, oldest first."""
        return [r for r in list(self.requests)
                if re.search(match, f"{r.method} {r.path}?{urllib.parse.urlencode(r.query)}")]


def base64_of(path):
    with open(path, "rb") as f:
        return base64.b64encode(f.read()).decode()


def write_kubeconfig(path, server, ca, user):
    text = {"apiVersion": "v1", "kind": "Config", "current-context": "test",
            "clusters": [{"name": "test", "cluster": {"server": server,
                                                      "certificate-authority-data": base64_of(ca)}}],
            "users": [{"name": "weft", "user": user}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "weft"}}]}
    with open(path, "w") as f:
        f.write(json.dumps(text, indent=1) + "\n")
    os.chmod(path, 0o644)
