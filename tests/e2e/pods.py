"""What runs in the pods of the tests' cluster, with nothing but Python's standard library.

    pods.py serve PORT     HTTP: answers with the pod's name, its node and the client's address
    pods.py dns            DNS on port 53: NAME.NAMESPACE.svc.cluster.local, from the API's Services
    pods.py ask URL [N]    prints what URL answers, N times, each over a connection of its own
"""

import http.server
import json
import os
import socket
import socketserver
import ssl
import struct
import sys
import threading
import time
import urllib.request

ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
ZONE = "svc.cluster.local"
A, AAAA = 1, 28
NXDOMAIN, NOERROR = 3, 0


# ---- a web server that tells who asked -------------------------------------------


class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        client = self.client_address[0].removeprefix("::ffff:")
        text = json.dumps({"pod": os.environ.get("POD"), "node": os.environ.get("NODE"), "client": client})
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6
    daemon_threads = True


def serve(port):
    Server(("::", int(port)), Answer).serve_forever()


# ---- DNS ---------------------------------------------------------------------------


class Names:
    """Addresses of the cluster's Services, listed again and again."""

    def __init__(self):
        self.addresses = {}
        self.known = threading.Event()
        threading.Thread(target=self._follow, daemon=True).start()

    def _list(self):
        host = os.environ["KUBERNETES_SERVICE_HOST"]
        url = f"https://{host}:{os.environ['KUBERNETES_SERVICE_PORT']}/api/v1/services"
        with open(f"{ACCOUNT}/token") as f:
            headers = {"Authorization": f"Bearer {f.read().strip()}"}
        context = ssl.create_default_context(cafile=f"{ACCOUNT}/ca.crt")
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=5,
                                    context=context) as answer:
            return json.load(answer)["items"]

    def _follow(self):
        while True:
            try:
                self.addresses = {
                    f"{s['metadata']['name']}.{s['metadata']['namespace']}.{ZONE}":
                    s["spec"].get("clusterIPs") or [s["spec"].get("clusterIP")] for s in self._list()}
                self.known.set()
            except (OSError, ValueError, KeyError) as e:
                print(f"dns: {e}", flush=True)
            time.sleep(1)


def read_name(query):
    """(name in lower case, offset behind it) of the first question."""
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode("ascii", "replace").lower())
        at += 1 + query[at]
    return ".".join(labels), at + 1


def answer(names, query):
    name, at = read_name(query)
    kind = struct.unpack_from("!H", query, at)[0]
    found = names.addresses.get(name)
    family = {A: socket.AF_INET, AAAA: socket.AF_INET6}.get(kind)
    data = [socket.inet_pton(family, a) for a in found or () if family and (":" in a) == (kind == AAAA)]
    flags = 0x8580 | (NOERROR if found else NXDOMAIN)       # an authoritative answer
    head = query[:2] + struct.pack("!HHHHH", flags, 1, len(data), 0, 0)
    records = b"".join(struct.pack("!HHHIH", 0xc00c, kind, 1, 5, len(d)) + d for d in data)
    return head + query[12:at + 4] + records


def dns():
    names = Names()
    names.known.wait()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            query, sock = self.request
            try:
                sock.sendto(answer(names, query), self.client_address)
            except (IndexError, struct.error):
                pass                                        # not a question

    class Udp(socketserver.ThreadingUDPServer):
        address_family = socket.AF_INET6

    threading.Thread(target=serve, args=(8080,), daemon=True).start()   # for the readiness probe
    Udp(("::", 53), Handler).serve_forever()


def ask(url, times=1):
    for _ in range(int(times)):
        with urllib.request.urlopen(url, timeout=5) as got:
            print(got.read().decode())


if __name__ == "__main__":
    {"serve": serve, "dns": dns, "ask": ask}[sys.argv[1]](*sys.argv[2:])
