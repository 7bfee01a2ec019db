#!/usr/bin/env python3
"""Usage, written from docs/format.md §12: statements in responses, batches of events, objects of operators.
Run as a program, it prints the vectors of test/vectors/data/usage.json, made from fixed seeds."""
import datetime, gzip, hashlib, json, re
from cryptography.hazmat.primitives.asymmetric import ed25519, x25519
from vsync_client import CORRUPT, FORGED, b64, b64u, dump, hkdf, hpke, only, public, sha256, strict_json, tried, un64, un64u

METER, TOKEN = r"(?![0-9]+$)[a-z0-9_]{1,64}", r"tok_[0-9a-f]{32}"
CLAIMS = ("iss", "iat", "request_id", "route_id", "usage", "context", "credits", "pending")
EVENT = ("id", "lane", "usage", "request_id", "route_id", "context", "credits", "token", "backend", "subject", "pending", "at")
HEADER = ("v", "token", "recipient", "signing", "instance", "seq", "prev", "count", "sha256")
INFO = b"vsync-usage-v1"


def is_usage(value, least=1):
    amounts = type(value) is dict and len(value) >= least and all(type(amount) is int for amount in value.values())
    return amounts and all(re.fullmatch(METER, meter) for meter in value)


def is_text(value, most=256):
    return type(value) is str and 1 <= len(value.encode("utf-16-le")) // 2 <= most


def verify(signing, signature, text):
    ed25519.Ed25519PublicKey.from_public_bytes(signing).verify(signature, text)


# --- statements

def sign_statement(kid, key, claims):
    parts = ({"alg": "EdDSA", "typ": "vsync-usage+jwt", "kid": kid}, {name: claims[name] for name in CLAIMS if name in claims})
    signed = ".".join(b64u(dump(part).encode()) for part in parts)
    return f"{signed}.{b64u(key.sign(signed.encode()))}"


def claims_of(jwt, signing):
    only(jwt, len(jwt) <= 4096)
    header, payload, signature = (un64u(only(part, part)) for part in jwt.split("."))
    only(header, re.fullmatch(rb'\{"alg":"EdDSA","typ":"vsync-usage\+jwt","kid":"%s"\}' % TOKEN.encode(), header))
    verify(signing, signature, jwt.rsplit(".", 1)[0].encode())
    claims = strict_json(payload)
    only(claims, type(claims) is dict and set(claims) <= set(CLAIMS))
    only(claims, all(type(claims.get(name)) is str for name in ("iss", "request_id", "route_id")) and claims["request_id"])
    only(claims, type(claims.get("iat")) is int and claims.get("pending", True) is True)
    only(claims, claims["usage"] == {} if "pending" in claims else is_usage(claims["usage"]))
    return only(claims, type(claims.get("context", {})) is dict and is_usage(claims.get("credits", {"c": 0})))


def read_statement(jwt, signing):
    return tried(FORGED, "not a statement, or not signed by this key", claims_of, jwt, signing)


# --- batches

def signed_text(vault, key, line):
    return f"vsync-usage-batch-v1|{vault}|{key}|".encode() + line


def token_id(recipient, signing):
    return "tok_" + sha256(b"vsync-token-id-v1|" + recipient + signing)[:32]


def day_of(ms):
    return datetime.datetime.fromtimestamp(ms // 1000, datetime.timezone.utc).strftime("%Y-%m-%d")


def header_of(line, token):
    header = strict_json(line)
    order = [name for name in HEADER if name != "prev" or header["seq"] != 1]
    recipient, signing = un64(header["recipient"]), un64(header["signing"])
    only(header, list(header) == order and header["v"] == 1 and type(header["v"]) is int)
    only(header, re.fullmatch("[0-9a-f]{16}", header["instance"]) and re.fullmatch("[0-9a-f]{64}", header.get("prev", "0" * 64)))
    only(header, type(header["seq"]) is int and header["seq"] >= 1 and type(header["count"]) is int and 1 <= header["count"] <= 5000)
    return only(header, header["token"] == token == token_id(recipient, signing))


def event_of(line, day):
    event = strict_json(line.encode())
    lane, rest = event["lane"], {name: value for name, value in event.items() if name not in ("usage", "context", "credits", "at", "route_id", "pending")}
    only(event, len(line) <= 8192 and list(event) == [name for name in EVENT if name in event] and lane in ("meter", "deferred", "response"))
    only(event, all(is_text(value, 4096 if name == "subject" else 256) for name, value in rest.items()) and type(event.get("route_id", "")) is str)
    only(event, is_usage(event["usage"], 0 if "pending" in event else 1) and is_usage(event.get("credits", {"c": 0})))
    only(event, type(event.get("context", {})) is dict and event.get("pending", True) is True)
    only(event, lane == "meter" or event["id"] == event.get("request_id"))
    if lane == "response":
        only(event, re.fullmatch(TOKEN, event["token"]) and "backend" in event)
    else:
        only(event, not {"token", "backend", "subject", "pending"} & set(event))
    return only(event, type(event["at"]) is int and day_of(event["at"]) == day)


def opened(vault, key, raw, private):
    token, day, _ = re.fullmatch(rf"usage/({TOKEN})/(\d{{4}}-\d\d-\d\d)/([0-7][0-9A-HJKMNP-TV-Z]{{25}})", key).groups()
    line, signature, sealed = raw.split(b"\n", 2)
    header = header_of(line, token)
    verify(un64(header["signing"]), un64(signature.decode()), signed_text(vault, key, line))
    only(header, sha256(sealed) == header["sha256"])
    own = public(x25519.X25519PrivateKey.from_private_bytes(private))
    aead, nonce = hpke(private, sealed[:32], sealed[:32], own, INFO)
    lines = aead.decrypt(nonce, sealed[32:], f"{vault}|{key}".encode()).decode().split("\n")
    only(lines, len(lines) == header["count"])
    return {"header": header, "events": [event_of(line, day) for line in lines]}


def open_batch(vault, key, raw, private):
    return tried(FORGED, "not a batch of its token under this name", opened, vault, key, raw, private)


def seal_batch(vault, key, writer, usage_public, ephemeral, place, lines, **changes):
    aead, nonce = hpke(ephemeral, usage_public, ephemeral_public := public(x25519.X25519PrivateKey.from_private_bytes(ephemeral)), usage_public, INFO)
    sealed = ephemeral_public + aead.encrypt(nonce, "\n".join(lines).encode(), f"{vault}|{key}".encode())
    fields = {"v": 1, "token": writer.id, "recipient": b64(writer.recipient), "signing": b64(writer.signing),
              **place, "count": len(lines), "sha256": sha256(sealed), **changes}
    line = dump({name: fields[name] for name in HEADER if name in fields}).encode()
    return line + b"\n" + b64(writer.key.sign(signed_text(vault, key, line))).encode() + b"\n" + sealed


# --- objects of operators

OBJECT = ("v", "usage_key", "by", "at", "sha256")
CELL = ("day", "meter", "backend", "route", "token", "subject", "amount", "events")
BATCH = rf"usage/{TOKEN}/\d{{4}}-\d\d-\d\d/[0-7][0-9A-HJKMNP-TV-Z]{{25}}"
OPERATOR = "vsync-usage-operator-v1"


def operator_key(private):
    return ed25519.Ed25519PrivateKey.from_private_bytes(hkdf(private, OPERATOR))


def operator_text(vault, key, line):
    return f"{OPERATOR}|{vault}|{key}|".encode() + line


def has_form(value, names, optional=()):
    return type(value) is dict and set(value) <= {*names, *optional} and set(names) <= set(value)


def is_month(content):
    cells = has_form(content, ("month", "batches", "cells")) and all(has_form(cell, CELL) for cell in content["cells"])
    return cells and all(re.fullmatch("[0-9]+", cell["amount"]) and type(cell["events"]) is int for cell in content["cells"])


def is_day(content):
    return has_form(content, ("day", "batches")) and all(
        has_form(batch, ("key", "instance", "seq", "digest", "lines"), ("prev", "stored"))
        and re.fullmatch(BATCH, batch["key"]) and all(event_of(line, day_of(json.loads(line)["at"])) for line in batch["lines"])
        for batch in content["batches"])


def is_void(content):
    return has_form(content, ("id",), ("token", "note"))


def object_of(vault, key, raw, pairs):
    line, signature, sealed = raw.split(b"\n", 2)
    header = strict_json(line)
    only(header, tuple(header) == OBJECT and header["v"] == 1 and type(header["v"]) is int)
    private = un64({pair["public"]: pair["private"] for pair in pairs}[header["usage_key"]])
    verify(public(operator_key(private)), un64(signature.decode()), operator_text(vault, key, line))
    only(header, sha256(sealed) == header["sha256"])
    aead, nonce = hpke(private, sealed[:32], sealed[:32], un64(header["usage_key"]), INFO)
    content = json.loads(gzip.decompress(aead.decrypt(nonce, sealed[32:], f"{vault}|{key}".encode())))
    only(content, {"months": is_month, "days": is_day, "voids": is_void}[key.split("/")[1]](content))
    return {"by": header["by"], "at": header["at"], "content": content}


def open_object(vault, key, raw, pairs):
    return tried(CORRUPT, "not an object of an operator under this name", object_of, vault, key, raw, pairs)


def seal_object(vault, key, private, ephemeral, content, by="ann@laptop", at="2026-12-01T08:00:00.000Z", signer=None, **changes):
    usage_public, enc = (public(x25519.X25519PrivateKey.from_private_bytes(half)) for half in (private, ephemeral))
    aead, nonce = hpke(ephemeral, usage_public, enc, usage_public, INFO)
    sealed = enc + aead.encrypt(nonce, gzip.compress(content if type(content) is bytes else dump(content).encode(), mtime=0), f"{vault}|{key}".encode())
    line = dump({"v": 1, "usage_key": b64(usage_public), "by": by, "at": at, "sha256": sha256(sealed), **changes}).encode()
    return line + b"\n" + b64(operator_key(signer or private).sign(operator_text(vault, key, line))).encode() + b"\n" + sealed


# --- vectors

class Writer:
    def __init__(self, seed):
        signing, recipient = hkdf(seed, "vsync-token-signing-v1"), hkdf(seed, "vsync-token-recipient-v1")
        self.key = ed25519.Ed25519PrivateKey.from_private_bytes(signing)
        self.private, self.signing = signing, public(self.key)
        self.recipient = public(x25519.X25519PrivateKey.from_private_bytes(recipient))
        self.id = token_id(self.recipient, self.signing)


def statement_vectors(vault, api, other):
    claims = {"iss": f"vsync:{vault}", "iat": 1795942800, "request_id": "3q2-7wAAAAAAAAAAAAAAAA", "route_id": "jobs.create", "usage": {"tokens_used": 42}}
    full = {**claims, "context": {"model": "m-1"}, "credits": {"coins": 2}}
    pending = {**claims, "usage": {}, "pending": True}
    def make(name, about, given):
        body = {key: value for key, value in given.items() if key != "iss"}
        return {"name": f"usage/{name}", "about": about, "op": "signUsage", "out": {"jwt": sign_statement(api.id, api.key, given)},
                "in": {"vault": vault, "kid": api.id, "signingKey": {"hex": api.private.hex()}, "claims": body}}
    def read(name, about, jwt, out=None):
        given = {"jwt": jwt, "signing": {"b64": b64(api.signing)}}
        return {"name": f"usage/{name}", "about": about, "op": "readUsage", "in": given,
                **({"out": {"claims": out}} if out else {"error": FORGED})}
    def said(given, kid=api.id, key=api.key):
        return sign_statement(kid, key, given)
    def raw(header, payload):
        signed = f"{b64u(header.encode())}.{b64u(payload.encode())}"
        return f"{signed}.{b64u(api.key.sign(signed.encode()))}"
    head, body, typ = dump({"alg": "EdDSA", "typ": "vsync-usage+jwt", "kid": api.id}), dump(claims), "vsync-usage+jwt"
    yield make("statement", "What a response says.", claims)
    yield make("statement-full", "With context and credits, in the format's order.", {**dict(reversed(full.items())), "usage": {"tokens_used": 1, "a": 0}})
    yield make("statement-pending", "The usage of a stream follows.", pending)
    yield read("read-statement", "A whole one.", said(full), full)
    yield read("read-pending", "Nothing is said yet.", said(pending), pending)
    yield read("read-zero", "Zero is an amount.", said({**claims, "usage": {"a": 0}}), {**claims, "usage": {"a": 0}})
    for name, about, jwt in (
        ("other-key", "Another token signed it.", said(claims, key=other.key)),
        ("access-type", "It is an access token.", raw(head.replace("usage", "access"), body)),
        ("other-order", "The header in another order.", raw(dump(dict(reversed(json.loads(head).items()))), body)),
        ("extra-header", "Another member in the header.", raw(head.replace("}", ',"b64":true}'), body)),
        ("none", "Without an algorithm.", raw(head.replace("EdDSA", "none"), body)),
        ("two-parts", "The signature is missing.", said(claims).rsplit(".", 1)[0]),
        ("padded", "Base64 with padding.", said(claims) + "=="),
        ("too-long", "More than 4 KiB.", said({**claims, "context": {"x": "y" * 4096}})),
        ("fraction", "Half a token.", raw(head, body.replace(":42", ":4.5"))),
        ("exponent", "An integer in another spelling.", raw(head, body.replace(":42", ":42e0"))),
        ("negative", "Less than nothing.", raw(head, body.replace(":42", ":-42"))),
        ("too-much", "2^53.", raw(head, body.replace(":42", ":9007199254740992"))),
        ("twice", "A meter twice.", raw(head, body.replace('{"tokens_used":42}', '{"tokens_used":42,"tokens_used":1}'))),
        ("number-meter", "A meter that is a number.", said({**claims, "usage": {"12": 1}})),
        ("upper-meter", "A meter in upper case.", said({**claims, "usage": {"Tokens": 1}})),
        ("no-meter", "No meter, and not pending.", said({**claims, "usage": {}})),
        ("pending-usage", "Pending, with usage.", said({**claims, "pending": True})),
        ("pending-false", "Pending, or not.", said({**pending, "pending": False})),
        ("no-request", "Of no request.", said({name: value for name, value in claims.items() if name != "request_id"})),
        ("empty-request", "Of a request without id.", said({**claims, "request_id": ""})),
        ("unknown-claim", "A claim of its own.", raw(head, body.replace("{", '{"subject":"ann",', 1))),
        ("context-text", "Context that is no object.", said({**claims, "context": "m-1"})),
        ("no-credits", "Credits of nothing.", said({**claims, "credits": {}})),
    ):
        yield read(f"statement-{name}", about, jwt)


def batch_vectors(vault, api, gateway):
    private, ephemeral = hashlib.sha256(b"usage").digest(), hashlib.sha256(b"ephemeral").digest()
    usage_public = public(x25519.X25519PrivateKey.from_private_bytes(private))
    at, day, name = 1795942800123, "2026-11-29", "01KB84JPWB0000000000000000"
    key = f"usage/{api.id}/{day}/{name}"
    first = {"instance": "00112233445566aa", "seq": 1}
    meter = {"id": "job-1", "lane": "meter", "usage": {"jobs": 1}, "request_id": "r-1", "route_id": "jobs.create", "at": at}
    deferred = {"id": "r-2", "lane": "deferred", "usage": {"tokens_used": 7}, "request_id": "r-2", "context": {"model": "m"}, "credits": {"c": 1}, "at": at + 1}
    settled = {"id": "r-1", "lane": "response", "usage": {"tokens_used": 42}, "request_id": "r-1", "route_id": "", "token": api.id, "backend": "api", "subject": "ann", "at": at}
    pending = {"id": "r-2", "lane": "response", "usage": {}, "request_id": "r-2", "token": api.id, "backend": "api", "pending": True, "at": at}
    def batch(events, key=key, under=None, writer=api, place=first, **changes):
        lines = [event if type(event) is str else dump(event) for event in events]
        return under or key, seal_batch(vault, key, writer, usage_public, ephemeral, place, lines, **changes)
    def vector(name, about, made, out=None):
        stored, raw = made
        result = {"out": open_batch(vault, stored, raw, private)} if out else {"error": FORGED}
        return {"name": f"usage/{name}", "about": about, "op": "openUsageBatch", **result,
                "in": {"vault": vault, "key": stored, "batch": {"b64": b64(raw)}, "usageKey": {"hex": private.hex()}}}
    second = {"instance": "00112233445566aa", "seq": 2, "prev": "ab" * 32}
    by_gateway = key.replace(api.id, gateway.id)
    yield vector("batch", "Two events of an app.", batch([meter, deferred]), True)
    yield vector("batch-second", "It names the header before.", batch([meter], place=second), True)
    yield vector("batch-gateway", "What a gateway settled, and what is pending.", batch([settled, pending], by_gateway, writer=gateway), True)
    good = batch([meter])[1]
    line, signature, sealed = good.split(b"\n", 2)
    other_day = key.replace(day, "2026-11-28")
    without = lambda event, name: {k: v for k, v in event.items() if k != name}
    for name, about, made in (
        ("copied", "Copied to another day.", batch([meter], under=other_day)),
        ("renamed", "Copied to another name of its day.", batch([meter], under=key[:-1] + "1")),
        ("other-token", "Under another token.", batch([meter], under=by_gateway)),
        ("other-keys", "Signed by another token, which says that it is this one.", batch([meter], writer=gateway, token=api.id)),
        ("lower-ulid", "A name in lower case.", batch([meter], key=key.lower())),
        ("no-day", "A day that the calendar lacks.", batch([meter], key=key.replace(day, "2026-02-30"))),
        ("cut", "The last byte is missing.", (key, good[:-1])),
        ("altered", "A bit of what is sealed.", (key, good[:-1] + bytes([good[-1] ^ 1]))),
        ("no-signature", "The signature is missing.", (key, line + b"\n" + sealed)),
        ("bad-signature", "Another signature.", (key, line + b"\n" + b64(bytes(64)).encode() + b"\n" + sealed)),
        ("other-vault", "Of another vault.", (key, seal_batch("AAAAAAAAAAAAAAAAAAAAAA", key, api, usage_public, ephemeral, first, [dump(meter)]))),
        ("other-usage-key", "Sealed to another key.", (key, seal_batch(vault, key, api, api.recipient, ephemeral, first, [dump(meter)]))),
        ("miscounted", "More events than it says.", batch([meter, meter], count=1)),
        ("seq-0", "Instances count from 1.", batch([meter], place={**second, "seq": 0})),
        ("first-with-prev", "Nothing comes before the first.", batch([meter], place={**second, "seq": 1})),
        ("second-without-prev", "The second names no first.", batch([meter], place={**first, "seq": 2})),
        ("version-2", "Another version.", batch([meter], v=2)),
        ("other-day", "An event of another day.", batch([{**meter, "at": at - 86400000}])),
        ("subject-of-an-app", "An app does not say for whom.", batch([{**without(meter, "at"), "subject": "ann", "at": at}])),
        ("backend-of-an-app", "An app does not say where.", batch([{**without(meter, "at"), "backend": "b", "at": at}])),
        ("pending-of-an-app", "An app does not announce.", batch([{**without(deferred, "at"), "pending": True, "at": at}])),
        ("deferred-other-id", "Another id than the request's.", batch([{**deferred, "id": "x"}])),
        ("response-without-token", "A gateway says of whom.", batch([without(settled, "token")], by_gateway, writer=gateway)),
        ("unknown-lane", "Another lane.", batch([{**meter, "lane": "guess"}])),
        ("unknown-field", "A field of its own.", batch([dump({**meter, "price": 1})])),
        ("order", "Fields in another order.", batch([dump(dict(reversed(meter.items())))])),
        ("spaced", "White space.", batch([dump(meter).replace(":", ": ")])),
        ("empty-line", "A line without an event.", batch([meter, ""])),
        ("no-meter", "An event of nothing.", batch([{**meter, "usage": {}}])),
        ("long-id", "257 characters.", batch([{**meter, "id": "x" * 257}])),
        ("long-event", "More than 8 KiB.", batch([{**deferred, "context": {"x": "y" * 8192}}])),
    ):
        yield vector(f"batch-{name}", about, made)


def object_vectors(vault, api):
    old, private, ephemeral = (hashlib.sha256(text).digest() for text in (b"old usage", b"usage", b"ephemeral"))
    pairs = [{"public": b64(public(x25519.X25519PrivateKey.from_private_bytes(key))), "private": b64(key)} for key in (old, private)]
    at, day = 1795942800123, "2026-11-29"
    batch = f"usage/{api.id}/{day}/01KB84JPWB0000000000000000"
    line = dump({"id": "job-1", "lane": "meter", "usage": {"jobs": 1}, "at": at})
    cell = {"day": day, "meter": "jobs", "backend": "api", "route": "", "token": api.id, "subject": "", "amount": "18014398509481982", "events": 2}
    month, days, void = "usage/months/2026-11", f"usage/days/{day}", "usage/voids/01KB84JPWB0000000000000000"
    entry = {"key": batch, "instance": "00112233445566aa", "seq": 1, "digest": "ab" * 32, "stored": at, "lines": [line]}
    contents = {month: {"month": "2026-11", "batches": [batch], "cells": [cell]}, days: {"day": day, "batches": [entry]},
                void: {"id": "job-1", "token": api.id, "note": "ran twice"}}
    def vector(name, about, key, raw, good=False):
        result = {"out": open_object(vault, key, raw, pairs)} if good else {"error": CORRUPT}
        return {"name": f"usage/object-{name}", "about": about, "op": "openUsageObject", **result,
                "in": {"vault": vault, "key": key, "object": {"b64": b64(raw)}, "usageKeys": pairs}}
    def sealed(key, content=None, by_key=private, under=None, **changes):
        return under or key, seal_object(vault, key, by_key, ephemeral, contents[key] if content is None else content, **changes)
    def without(key, name):
        return {field: value for field, value in contents[key].items() if field != name}
    yield vector("month", "The totals of a closed month.", *sealed(month), True)
    yield vector("day", "The batches of a day.", *sealed(days), True)
    yield vector("day-second", "A batch that names the one before, of which nobody knows when it came.", *sealed(
        days, {"day": day, "batches": [{**{name: value for name, value in entry.items() if name != "stored"}, "seq": 2, "prev": "cd" * 32}]}), True)
    yield vector("void", "An event that does not count.", *sealed(void), True)
    yield vector("void-of-any-token", "The id alone.", *sealed(void, {"id": "job-1"}), True)
    yield vector("old-key", "Written before a leak, with the usage key of that time.", *sealed(month, by_key=old), True)
    good = sealed(month)[1]
    header, signature, rest = good.split(b"\n", 2)
    for name, about, made in (
        ("copied", "Another month's totals.", sealed(month, under="usage/months/2026-10")),
        ("other-vault", "Of another vault.", (month, seal_object("AAAAAAAAAAAAAAAAAAAAAA", month, private, ephemeral, contents[month]))),
        ("unknown-key", "Sealed to a key that the roll does not have.", sealed(month, by_key=ephemeral)),
        ("by-an-app", "Signed by somebody who knows the public half alone.", sealed(month, signer=api.private)),
        ("bad-signature", "Another signature.", (month, header + b"\n" + b64(bytes(64)).encode() + b"\n" + rest)),
        ("no-signature", "The signature is missing.", (month, header + b"\n" + rest)),
        ("altered", "A bit of what is sealed.", (month, good[:-1] + bytes([good[-1] ^ 1]))),
        ("version-2", "Another version.", sealed(month, v=2)),
        ("unknown-field", "Another field in the header.", sealed(month, note="x")),
        ("month-without-batches", "A month that names no batches.", sealed(month, without(month, "batches"))),
        ("cell-number", "An amount that is a number.", sealed(month, {**contents[month], "cells": [{**cell, "amount": 2}]})),
        ("cell-negative", "Less than nothing.", sealed(month, {**contents[month], "cells": [{**cell, "amount": "-2"}]})),
        ("day-other-name", "A batch that cannot be.", sealed(days, {"day": day, "batches": [{**entry, "key": "usage/x"}]})),
        ("day-event", "An event of another form.", sealed(days, {"day": day, "batches": [{**entry, "lines": [line.replace("meter", "guess")]}]})),
        ("void-nothing", "Nothing is void.", sealed(void, {"note": "x"})),
    ):
        yield vector(name, about, *made)


def vectors():
    vault, api, gateway = "jrGt0M6B7MtpHxiVvamNLw", Writer(hashlib.sha256(b"api").digest()), Writer(hashlib.sha256(b"gateway").digest())
    yield from statement_vectors(vault, api, gateway)
    yield from batch_vectors(vault, api, gateway)
    yield from object_vectors(vault, api)


if __name__ == "__main__":
    print("[\n" + ",\n".join(json.dumps(vector, separators=(",", ":")) for vector in vectors()) + "\n]")
