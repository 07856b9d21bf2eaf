"""The objects of a small API server in memory: collections, revisions, events.

What clients see follows what real servers answered (tests/kube/recorded): lists in pages of one
revision, watches from a revision on, bookmarks, conflicts by resourceVersion. Nothing is
validated and nothing defaulted: a test stores exactly the object it wants to be read.
"""

import bisect
import copy
import json
import threading
import time

LOG_MAX = 4000          # events kept for watches of each collection

# Collection path -> kind, namespaced. More by Store.serve().
BUILT_IN = {
    "/api/v1/nodes": ("Node", False),
    "/api/v1/services": ("Service", True),
    "/api/v1/secrets": ("Secret", True),
    "/api/v1/configmaps": ("ConfigMap", True),
    "/api/v1/pods": ("Pod", True),
    "/api/v1/events": ("Event", True),
    "/apis/events.k8s.io/v1/events": ("Event", True),
    "/apis/discovery.k8s.io/v1/endpointslices": ("EndpointSlice", True),
    "/apis/coordination.k8s.io/v1/leases": ("Lease", True),
}
WEFT = {
    f"/apis/weft.dev/v1alpha1/{plural}": (kind, False) for plural, kind in (
        ("bgpconfigurations", "BGPConfiguration"), ("bgppeers", "BGPPeer"),
        ("bgpfilters", "BGPFilter"), ("bgpadvertisements", "BGPAdvertisement"))
}


class Refused(Exception):
    """What the server says no to: the HTTP status, reason and words of its Status object."""

    def __init__(self, code, reason, message, **more):
        super().__init__(message)
        self.code, self.reason, self.message, self.more = code, reason, message, more


def encode(obj):
    return json.dumps(obj, separators=(",", ":"), ensure_ascii=False).encode()


def key_of(obj):
    meta = obj["metadata"]
    return (meta.get("namespace", ""), meta["name"])


class Entry:
    """One object as it was stored, and its octets; replaced as a whole, never changed."""

    def __init__(self, obj):
        self.obj, self.octets = obj, encode(obj)
        self.rv = int(obj["metadata"]["resourceVersion"])


class Event:
    def __init__(self, rv, kind, entry):
        self.rv, self.kind, self.entry = rv, kind, entry

    def octets(self):
        return b'{"type":"%s","object":%s}\n' % (self.kind.encode(), self.entry.octets)


class Collection:
    def __init__(self, path, kind, namespaced):
        self.path, self.kind, self.namespaced = path, kind, namespaced
        self.api_version = path.split("/apis/")[-1].rsplit("/", 1)[0] if "/apis/" in path else "v1"
        self.plural = path.rsplit("/", 1)[1]
        self.entries, self.log, self.revs = {}, [], []
        self.compacted = 0      # watches from below are too old
        self.gone = False       # its definition was deleted
        self.bookmarks = 0      # counts demands for one

    def append(self, event):
        if len(self.log) >= LOG_MAX:
            drop = LOG_MAX // 2
            self.compacted = self.revs[drop - 1]
            del self.log[:drop], self.revs[:drop]
        self.log.append(event)
        self.revs.append(event.rv)

    def since(self, rv):
        """Events after a revision."""
        return self.log[bisect.bisect_right(self.revs, rv):]

    def bookmark(self, rv, initial=False):
        """A partial object as real servers send it: null lists, no name."""
        meta = {"resourceVersion": str(rv)}
        if initial:
            meta["annotations"] = {"k8s.io/initial-events-end": "true"}
        obj = {"kind": self.kind, "apiVersion": self.api_version, "metadata": meta}
        obj.update({"Node": {"spec": {}, "status": {"daemonEndpoints": {"kubeletEndpoint": {"Port": 0}}}},
                    "Service": {"spec": {}, "status": {"loadBalancer": {}}},
                    "EndpointSlice": {"addressType": "", "endpoints": None, "ports": None}}
                   .get(self.kind, {}))
        return b'{"type":"BOOKMARK","object":%s}\n' % encode(obj)


def merge_patch(target, patch):
    """RFC 7396."""
    if not isinstance(patch, dict):
        return patch
    out = dict(target) if isinstance(target, dict) else {}
    for k, v in patch.items():
        if v is None:
            out.pop(k, None)
        else:
            out[k] = merge_patch(out.get(k), v)
    return out


def strategic_patch(target, patch):
    """Kubernetes' own, as far as nodes need it: status.conditions is merged by type."""
    out = merge_patch(target, patch)
    changed = patch.get("status", {}).get("conditions")
    if changed is not None:
        by_type = {c["type"]: c for c in target.get("status", {}).get("conditions") or []}
        for c in changed:
            if c.get("$patch") == "delete":
                by_type.pop(c["type"], None)
            else:
                by_type[c["type"]] = merge_patch(by_type.get(c["type"]), c)
        out["status"] = {**out["status"], "conditions": list(by_type.values())}
    return out


def json_patch(target, ops):
    """RFC 6902: test, add, replace and remove."""
    out = copy.deepcopy(target)
    for op in ops:
        *way, last = [w.replace("~1", "/").replace("~0", "~") for w in op["path"].split("/")[1:]]
        at = out
        try:
            for w in way:
                at = at[int(w)] if isinstance(at, list) else at[w]
            if isinstance(at, list):
                last = len(at) if last == "-" else int(last)
            if op["op"] == "test":
                if at[last] != op["value"]:
                    raise Refused(422, "Invalid", "the server rejected our request due to an error in our request")
            elif op["op"] == "remove":
                del at[last]
            elif op["op"] == "add" and isinstance(at, list):
                at.insert(last, op["value"])
            else:
                at[last] = op["value"]
        except (KeyError, IndexError, ValueError):
            raise Refused(422, "Invalid", f"no {op['path']} to {op['op']}") from None
    return out


PATCHES = {"application/merge-patch+json": merge_patch,
           "application/strategic-merge-patch+json": strategic_patch,
           "application/json-patch+json": json_patch}


class Store:
    """All collections. Every call takes the lock; watchers wait on .changed."""

    def __init__(self, revision=1000, more=None):
        self.changed = threading.Condition(threading.RLock())
        self.revision, self.uid = revision, 0
        self.collections = {}
        for path, (kind, namespaced) in {**BUILT_IN, **(more or {})}.items():
            self.serve(path, kind, namespaced)

    def serve(self, path, kind, namespaced=False):
        """The collection exists from now on (as after a CustomResourceDefinition was made)."""
        with self.changed:
            self.collections[path] = Collection(path, kind, namespaced)

    def retire(self, path):
        """Its definition was deleted: DELETED for each object, then every watch ends, then 404."""
        with self.changed:
            col = self.collections[path]
            for key in list(col.entries):
                self.delete(path, *key)
            col.gone = True
            del self.collections[path]
            self.changed.notify_all()

    # -- changes ----------------------------------------------------------------

    def _stored(self, col, obj, old):
        self.revision += 1
        meta = dict(obj["metadata"])
        if old:
            meta["uid"] = old.obj["metadata"]["uid"]
            meta.setdefault("creationTimestamp", old.obj["metadata"].get("creationTimestamp"))
        elif "uid" not in meta:
            self.uid += 1
            meta["uid"] = f"00000000-0000-4000-8000-{self.uid:012x}"
        meta.setdefault("creationTimestamp", "2026-11-22T23:51:35Z")
        meta["resourceVersion"] = str(self.revision)
        return Entry({"kind": col.kind, "apiVersion": col.api_version, **obj, "metadata": meta})

    def put(self, path, obj):
        """Create or replace; the stored object. One event."""
        with self.changed:
            col = self.collections[path]
            key = key_of(obj)
            old = col.entries.get(key)
            entry = self._stored(col, obj, old)
            col.entries[key] = entry
            col.append(Event(entry.rv, "MODIFIED" if old else "ADDED", entry))
            self.changed.notify_all()
            return entry.obj

    def delete(self, path, namespace, name):
        with self.changed:
            col = self.collections[path]
            old = col.entries.pop((namespace, name), None)
            if not old:
                raise self.not_found(col, name)
            entry = self._stored(col, old.obj, old)
            col.append(Event(entry.rv, "DELETED", entry))
            self.changed.notify_all()
            return entry.obj

    def get(self, path, name, namespace=""):
        with self.changed:
            entry = self.collections[path].entries.get((namespace, name))
            if not entry:
                raise self.not_found(self.collections[path], name)
            return entry.obj

    @staticmethod
    def not_found(col, name):
        return Refused(404, "NotFound", f'{col.plural} "{name}" not found',
                       details={"name": name, "kind": col.plural})

    def compact(self, path=None):
        """Forget the past: watches from before now are too old."""
        with self.changed:
            for p, col in self.collections.items():
                if path in (None, p):
                    col.log.clear()
                    col.revs.clear()
                    col.compacted = self.revision

    def bookmark(self, path):
        """Every watch of it gets a bookmark of the newest revision."""
        with self.changed:
            self.collections[path].bookmarks += 1
            self.changed.notify_all()

    # -- what requests ask for --------------------------------------------------

    def create(self, path, namespace, obj):
        with self.changed:
            col = self.collections[path]
            meta = dict(obj.get("metadata") or {})
            if col.namespaced:
                meta["namespace"] = namespace
            if "name" not in meta and "generateName" in meta:
                meta["name"] = f"{meta['generateName']}{self.revision:x}"
            obj = {**obj, "metadata": meta}
            if key_of(obj) in col.entries:
                raise Refused(409, "AlreadyExists", f'{col.plural} "{meta["name"]}" already exists')
            return self.put(path, obj)

    def update(self, path, namespace, name, sub, obj):
        """PUT of an object or of its status."""
        with self.changed:
            old = self.get(path, name, namespace)
            sent = str((obj.get("metadata") or {}).get("resourceVersion") or "")
            if sent and sent != old["metadata"]["resourceVersion"]:
                raise Refused(409, "Conflict", f'Operation cannot be fulfilled on "{name}": the object has been '
                              "modified; please apply your changes to the latest version and try again")
            return self._replace(path, old, obj, sub)

    def patch(self, path, namespace, name, sub, how, patch):
        with self.changed:
            if how not in PATCHES:
                raise Refused(415, "UnsupportedMediaType", f"the body of the request was in an unknown format: {how}")
            old = self.get(path, name, namespace)
            new = PATCHES[how](old, patch)
            if isinstance(patch, dict) and "resourceVersion" in (patch.get("metadata") or {}):
                return self.update(path, namespace, name, sub, new)
            return self._replace(path, old, new, sub)

    def _replace(self, path, old, new, sub):
        """Status changes by the subresource only; what changes nothing makes no event."""
        if sub == "status":
            new = {**old, "status": new.get("status")}
        elif "status" in old:
            new = {**new, "status": old["status"]}
        new = {**new, "metadata": {**new["metadata"], "resourceVersion": old["metadata"]["resourceVersion"],
                                   "uid": old["metadata"]["uid"]}}
        return old if encode(new) == encode(old) else self.put(path, new)


def now():
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def node(name, addresses=(), cidrs=(), labels=None, annotations=None, body=None, **spec):
    """A Node; body: what a real kubelet's object has besides (see Recording.node_body)."""
    body = copy.deepcopy(body) if body else {"status": {}}
    status = body.get("status", {})
    status["addresses"] = [{"type": "InternalIP", "address": a} for a in addresses] \
        + [{"type": "Hostname", "address": name}]
    meta = {"name": name, "labels": {"kubernetes.io/hostname": name, **(labels or {})},
            "annotations": dict(annotations or {})}
    if "managedFields" in body.get("metadata", {}):
        meta["managedFields"] = body["metadata"]["managedFields"]
    spec = {**({"podCIDR": cidrs[0], "podCIDRs": list(cidrs)} if cidrs else {}), **spec}
    return {"metadata": meta, "spec": spec, "status": status}


def heartbeat(obj):
    """The same Node after its kubelet reported its status again."""
    when = now()
    conditions = [{**c, "lastHeartbeatTime": when} for c in obj["status"].get("conditions") or []]
    return {**obj, "status": {**obj["status"], "conditions": conditions}}
