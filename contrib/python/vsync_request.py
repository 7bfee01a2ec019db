#!/usr/bin/env python3
"""Signed requests, written from docs/format.md §13: verifies both profiles. In an origin of your own, call `verify` with
the raw body, and then claim (key id, request id) once, for all processes, until the request is too old.
Run as a program, it prints the vectors of test/vectors/data/request.json, made from fixed seeds."""
import base64, hashlib, json, re
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ed25519

ALWAYS = ("@method", "@path", "@query", "vsync-request")
IF_PRESENT = ("vsync-context", "content-type", "content-encoding", "content-digest")
ASCII, MAX_BODY = r"[ !#-+\--\[\]-~]*", 10 * 1024 * 1024
COVERED = " ".join(f'"{name}"' for name in ALWAYS) + "".join(f'(?: "{name}")?' for name in IF_PRESENT)
INPUT = re.compile(rf'vsync=(?P<params>\((?P<covered>{COVERED})\);created=(?P<created>[1-9][0-9]{{0,11}});expires=(?P<expires>[1-9][0-9]{{0,11}});'
                   r'nonce="(?P<nonce>[A-Za-z0-9_-]{22,64})";keyid="(?P<keyid>[!#-+\-.-\[\]-~]{1,128})";alg="ed25519";tag="vsync-gateway-1")')
REQUEST = re.compile(r'vault="(?P<vault>[^"]*)";backend="(?P<backend>[^"]*)";route="(?P<route>[^"]*)"')
EMPTY = hashlib.sha256(b"").hexdigest()


class Refused(Exception):
    """`code` is for the client."""

    def __init__(self, code):
        super().__init__(code)
        self.code = code


def need(condition, code):
    if not condition:
        raise Refused(code)
    return condition


def values_of(headers, name):
    found = [value for key, value in headers.items() if key.lower() == name]
    return [one for value in found for one in (value if isinstance(value, list) else [value])]


def single(headers, name, may_be_list=False):
    values = values_of(headers, name)
    need(len(values) < 2 and (may_be_list or not values or "," not in values[0]), "malformed_signature")
    return values[0] if values else None


def decoded(text, alphabet, length=None):
    """base64 in its one spelling."""
    padded = text + "=" * (-len(text) % 4) if alphabet == b"-_" else text
    try:
        raw = base64.b64decode(padded.encode("ascii"), alphabet, validate=True)
    except ValueError:
        raise Refused("malformed_signature") from None
    spelled = base64.b64encode(raw, alphabet).decode()
    need((spelled.rstrip("=") if alphabet == b"-_" else spelled) == text, "malformed_signature")
    need(length is None or len(raw) == length, "malformed_signature")
    return raw


def split(target):
    path, mark, query = target.partition("?")
    return path, mark + query


# --- profile rfc9421

def read_rfc9421(headers):
    signature, given = single(headers, "signature"), single(headers, "signature-input")
    need(signature and given, "missing_signature")
    fields = need(INPUT.fullmatch(given), "malformed_signature").groupdict()
    request = single(headers, "vsync-request")
    fields.update(need(REQUEST.fullmatch(request or ""), "malformed_signature").groupdict())
    sealed = need(re.fullmatch(r"vsync=:([A-Za-z0-9+/]{86}==):", signature), "malformed_signature")
    values = {"vsync-request": request, **{name: single(headers, name, name in IF_PRESENT[1:3]) for name in IF_PRESENT}}
    digest = values["content-digest"]
    if digest is not None:
        digest = need(re.fullmatch(r"sha-256=:([A-Za-z0-9+/]{43}=):", digest), "malformed_signature")[1]
    body_hash = EMPTY if digest is None else decoded(digest, b"+/", 32).hex()
    created = int(fields["created"])
    until = lambda max_age: min(int(fields["expires"]), created + max_age)

    def signed(method, target):
        path, query = split(target)
        present = list(ALWAYS) + [name for name in IF_PRESENT if values[name] is not None]
        need(fields["covered"] == " ".join(f'"{name}"' for name in present), "bad_signature")
        lines = {"@method": method, "@path": path, "@query": query or "?", **values}
        return "\n".join([f'"{name}": {lines[name]}' for name in present] + [f'"@signature-params": {fields["params"]}'])

    def window(now, max_age):
        need(created - now <= 30, "clock_skew")
        need(now < until(max_age), "expired_signature")

    return {"keyId": fields["keyid"], "requestId": fields["nonce"], "vault": fields["vault"], "backend": fields["backend"],
            "routeId": fields["route"], "bodyHash": body_hash, "unsigned": digest is None, "context": values["vsync-context"],
            "signature": decoded(sealed[1], b"+/", 64), "signed": signed, "window": window}


# --- profile x-fs

def read_xfs(headers):
    signature = need(single(headers, "x-fs-signature"), "missing_signature")
    raw = decoded(signature, b"-_")

    def of(name, may_be_empty=False):
        value = single(headers, "x-fs-" + name)
        need(value is not None and (value or may_be_empty), "malformed_signature")
        return value

    timestamp = need(re.fullmatch(r"[0-9]{1,12}", of("timestamp")), "malformed_signature")[0]
    said = {"request-id": of("request-id"), "timestamp": int(timestamp), "business-id": of("business-id"),
            "backend-id": of("backend-id"), "route-id": single(headers, "x-fs-route-id") or "",
            "policy-version": of("policy-version", True)}
    body_hash, context = of("body-hash"), single(headers, "x-fs-context")

    def signed(method, target):
        path, query = split(target)
        lines = {"method": method.upper(), "path": path, "query": query, "body-hash": body_hash, **said,
                 "context-hash": hashlib.sha256((context or "").encode()).hexdigest()}
        return "\n".join(f"{name}:{value}" for name, value in lines.items())

    def window(now, _):
        distance = abs(now - said["timestamp"])
        need(distance <= 300, "clock_skew" if distance <= 305 else "expired_signature")

    return {"keyId": of("key-id"), "requestId": said["request-id"], "vault": said["business-id"], "backend": said["backend-id"],
            "routeId": said["route-id"], "bodyHash": body_hash, "unsigned": body_hash == "STREAM", "context": context,
            "signature": raw, "signed": signed, "window": window}


PROFILES = {"rfc9421": read_rfc9421, "x-fs": read_xfs}


def verify(origin, now, method, target, headers, body):
    """What the gateway says of a request that came as it is; the caller has to see that it comes once, and that its route
    is the one that serves it. `origin`: profile, vault, backend, keys {id: 32 bytes}, maxAgeSeconds, unsigned (route ids)."""
    claim = PROFILES[origin["profile"]](headers)
    claim["window"](now, origin.get("maxAgeSeconds", 60))
    key = need(origin["keys"].get(claim["keyId"]), "unknown_key_id")
    need(re.fullmatch(r"[A-Za-z][A-Za-z-]*", method) and re.fullmatch(r'/[!"$-~]*', target), "bad_signature")
    try:
        text = claim["signed"](method, target).encode()
        ed25519.Ed25519PublicKey.from_public_bytes(key).verify(claim["signature"], text)
    except InvalidSignature:
        raise Refused("bad_signature") from None
    need(claim["vault"] == origin["vault"] and claim["backend"] == origin["backend"], "route_mismatch")
    exempt = claim["unsigned"] and claim["routeId"] in origin.get("unsigned", ())
    if not exempt:
        need(len(body) <= MAX_BODY, "body_too_large")
        need(hashlib.sha256(body).hexdigest() == claim["bodyHash"], "body_hash_mismatch")
    return {name: claim[name] for name in ("requestId", "keyId", "routeId", "context")} | {"bodyVerified": not exempt}


# --- vectors: what a gateway signs, and each way in which one thing is wrong with it

KEY = ed25519.Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"gateway").digest())
OTHER = ed25519.Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"another").digest())
NOW, VAULT = 1796029200, "jrGt0M6B7MtpHxiVvamNLw"


def b64(raw):
    return base64.b64encode(raw).decode()


def b64u(raw):
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def sign_rfc9421(request, key=KEY):
    body, context = request["body"], request.get("context")
    given = {"vsync-request": f'vault="{request["vault"]}";backend="{request["backend"]}";route="{request["route"]}"',
             "vsync-context": context, "content-type": request.get("type"), "content-encoding": request.get("encoding"),
             "content-digest": f"sha-256=:{b64(hashlib.sha256(body).digest())}:" if body else None}
    present = list(ALWAYS) + [name for name in IF_PRESENT if given[name] is not None]
    names = " ".join(f'"{name}"' for name in present)
    params = (f'({names});created={request["created"]};expires={request["expires"]};nonce="{request["id"]}"'
              f';keyid="{request["kid"]}";alg="ed25519";tag="vsync-gateway-1"')
    path, query = split(request["target"])
    lines = {"@method": request["method"], "@path": path, "@query": query or "?", **given}
    base = "\n".join([f'"{name}": {lines[name]}' for name in present] + [f'"@signature-params": {params}'])
    return {**{name: value for name, value in given.items() if value is not None},
            "signature-input": f"vsync={params}", "signature": f"vsync=:{b64(key.sign(base.encode()))}:"}


def sign_xfs(request, key=KEY):
    path, query = split(request["target"])
    digest = "STREAM" if request["body"] is None else hashlib.sha256(request["body"]).hexdigest()
    said = {"body-hash": digest, "request-id": request["id"], "timestamp": str(request["created"]), "business-id": request["vault"],
            "backend-id": request["backend"], "route-id": request["route"], "policy-version": "7"}
    context = request.get("context")
    lines = {"method": request["method"], "path": path, "query": query, **said,
             "context-hash": hashlib.sha256((context or "").encode()).hexdigest()}
    text = "\n".join(f"{name}:{value}" for name, value in lines.items())
    headers = {f"x-fs-{name}": value for name, value in said.items()}
    return {**headers, "x-fs-key-id": request["kid"], "x-fs-signature": b64u(key.sign(text.encode())),
            **({} if context is None else {"x-fs-context": context}), **({"content-type": request["type"]} if "type" in request else {})}


def vector(profile, name, about, signed, headers={}, without=(), key=KEY, **arrives):
    sign = {"rfc9421": sign_rfc9421, "x-fs": sign_xfs}[profile]
    sent = {**{k: v for k, v in sign(signed, key).items() if k not in without}, **headers}
    got = {"method": signed["method"], "target": signed["target"], "body": signed["body"] or b"", **arrives}
    origin = {"profile": profile, "vault": VAULT, "backend": "api", "maxAgeSeconds": 60, "unsigned": ["upload"]}
    public = KEY.public_key().public_bytes_raw()
    try:
        out = verify({**origin, "keys": {"gw_1": public}}, NOW, got["method"], got["target"], sent, got["body"])
    except Refused as refused:
        out = {"code": refused.code}
    return {"name": f"request/{profile}-{name}", "about": about, "op": "verifyRequest", "out": out,
            "in": {**origin, "keys": [{"kid": "gw_1", "public": b64(public)}], "now": NOW, **got, "headers": sent,
                   "body": {"b64": b64(got["body"])}}}


def vectors():
    create = {"method": "POST", "target": "/v1/jobs?dry=1", "body": b'{"name":"nightly"}', "type": "application/json", "kid": "gw_1",
              "id": "3q2-7wAAAAAAAAAAAAAAAA", "created": NOW, "expires": NOW + 60, "vault": VAULT, "backend": "api", "route": "jobs.create"}
    get = {**create, "method": "GET", "target": "/v1/jobs/7", "route": "jobs.get", "body": b""}
    del get["type"]
    context = b64u(b'{"subject":"ann","claims":{"plan":"pro"}}')
    for profile in ("rfc9421", "x-fs"):
        ours = profile == "rfc9421"
        signature, request_id, key_id = ("signature", "signature-input", "signature-input") if ours else ("x-fs-signature", "x-fs-request-id", "x-fs-key-id")

        yield vector(profile, "post", "A body and a query.", create)
        yield vector(profile, "get", "Neither.", get)
        yield vector(profile, "context", "On behalf of somebody.", {**create, "context": context})
        yield vector(profile, "encoded", "An encoding, which is not undone.", {**create, "encoding": "gzip, br"}, {"content-encoding": "gzip, br"})
        yield vector(profile, "upload", "A body that is not signed.", {**create, "method": "PUT", "target": "/files/a", "route": "upload", "body": None}, body=b"anything")
        yield vector(profile, "two-marks", "A query that starts with ?.", {**get, "target": "/v1/jobs/7??x"})
        yield vector(profile, "empty-query", "A ? and nothing after it.", {**get, "target": "/v1/jobs/7"}, target="/v1/jobs/7?")
        yield vector(profile, "stream-elsewhere", "Not signed where it has to be.", {**create, "body": None}, body=b"x")
        for name, about, change in (
            ("no-signature", "None.", {"without": (signature,)}),
            ("other-key", "Another gateway's.", {"key": OTHER}),
            ("unknown-key", "A key that the vault lacks.", {"signed": {**create, "kid": "gw_2"}}),
            ("other-method", "Another method.", {"method": "PUT"}),
            ("other-path", "Another path.", {"target": "/v1/jobs/?dry=1"}),
            ("other-query", "Another query.", {"target": "/v1/jobs?dry=2"}),
            ("no-query", "The query is gone.", {"target": "/v1/jobs"}),
            ("fragment", "A fragment.", {"target": "/v1/jobs?dry=1#x"}),
            ("other-body", "Another body.", {"body": b"{}"}),
            ("no-body", "The body is gone.", {"body": b""}),
            ("added-body", "A body that was not signed.", {"signed": get, "body": b"x"}),
            ("other-vault", "For another vault.", {"signed": {**create, "vault": "AAAAAAAAAAAAAAAAAAAAAA"}}),
            ("other-backend", "For another backend.", {"signed": {**create, "backend": "web"}}),
            ("doubled", "A header twice.", {"headers": {request_id: ["a", "b"]}}),
            ("list", "A header with a comma.", {"headers": {key_id: "gw_1,gw_2"}}),
            ("added-context", "A context that was not signed.", {"headers": {"vsync-context" if ours else "x-fs-context": context}}),
            ("old", "Too old.", {"signed": {**create, "created": NOW - 400, "expires": NOW + 60}}),
            ("ahead", "A clock that is ahead.", {"signed": {**create, "created": NOW + (31 if ours else 303), "expires": NOW + 400}}),
        ):
            yield vector(profile, name, about, **{"signed": create, **change})
    given = sign_rfc9421(create)
    signed_input = given["signature-input"]
    for name, about, headers in (
        ("order", "Components in another order.", {"signature-input": signed_input.replace('"@method" "@path"', '"@path" "@method"')}),
        ("less", "A component less.", {"signature-input": signed_input.replace('"@query" ', "")}),
        ("spaces", "Two spaces.", {"signature-input": signed_input.replace('" "', '"  "', 1)}),
        ("parameter", "A parameter of its own.", {"signature-input": signed_input + ";x=1"}),
        ("algorithm", "Another algorithm.", {"signature-input": signed_input.replace("ed25519", "hmac-sha256")}),
        ("tag", "Another tag.", {"signature-input": signed_input.replace("gateway-1", "gateway-2")}),
        ("longer", "A longer life.", {"signature-input": signed_input.replace(f"expires={NOW + 60}", f"expires={NOW + 99}")}),
        ("leading-zero", "A time with a zero before it.", {"signature-input": signed_input.replace("created=", "created=0")}),
        ("stray-bits", "base64 with bits after its end.", {"signature": f"vsync=:{'A' * 85}B==:"}),
        ("other-type", "Another content type.", {"content-type": "text/plain"}),
        ("added-encoding", "An encoding that was not signed.", {"content-encoding": "gzip"}),
        ("other-route", "Another route.", {"vsync-request": given["vsync-request"].replace("jobs.create", "jobs.get")}),
        ("digest-form", "A digest by another hash.", {"content-digest": "sha-512=:AAAA:"}),
    ):
        yield vector("rfc9421", name, about, create, headers)


if __name__ == "__main__":
    print("[\n" + ",\n".join(json.dumps(vector, separators=(",", ":")) for vector in vectors()) + "\n]")
