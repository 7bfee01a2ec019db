#!/usr/bin/env python3
"""What a bundle seals for gateways and origins, written from docs/format.md §11: the box `gateway`, and the fields of slots.
Run as a program, it prints the vectors of test/vectors/data/gateway.json, made from fixed seeds."""
import hashlib, json, re
from cryptography.hazmat.primitives.asymmetric import ed25519, x25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from vsync_client import CORRUPT, b64, dump, hkdf, hpke, only, open_box, place, public, strict_json, tried, un64
from vsync_token import Credential, credential_text, open_slot


def is_private(keys):
    return type(keys) is dict and keys and all(re.fullmatch("gw_[0-9a-f]{16}", kid) and len(un64(key)) == 32 for kid, key in keys.items())


def open_gateway_box(operator, vault, gen, box):
    """The private halves of the gateway keys, with the operators' key."""
    plain = open_box(hkdf(operator, "vsync-gateway-v1"), place({"vault": vault, "gen": gen}, "gateway"), box)
    content = tried(CORRUPT, "not JSON", strict_json, plain)
    return tried(CORRUPT, "not the content of a gateway's box", only, content, list(content) == ["keys"] and is_private(content["keys"]))


def open_token_slot(vault, gen, slot, credential, at="2026-11-30T00:00:00.000Z"):
    payload = open_slot({"vault": vault, "gen": gen, "slots": [slot]}, Credential(credential), at)
    tried(CORRUPT, "a gateway's private key", only, payload, "gateway_key" not in payload or is_private(payload["gateway_key"]))
    return payload


# --- vectors

def seed(text):
    return hashlib.sha256(text.encode()).digest()


def seal(key, data, plain):
    nonce = seed(data + plain.decode())[:12]
    return nonce + AESGCM(key).encrypt(nonce, plain, data.encode())


def seal_slot(vault, gen, credential, payload):
    ephemeral = seed("ephemeral of a slot")
    enc = public(x25519.X25519PrivateKey.from_private_bytes(ephemeral))
    aead, nonce = hpke(ephemeral, credential.recipient, enc, credential.recipient, b"vsync-token-slot-v1")
    ct = aead.encrypt(nonce, dump(payload).encode(), place({"vault": vault, "gen": gen}, credential.id).encode())
    return {"id": credential.id, "seals": "T", "enc": b64(enc), "ct": b64(ct)}


def box_vectors(vault, gen):
    operator, (one, other) = seed("operator"), (b64(seed(name)) for name in ("one", "other"))
    def vector(name, about, content, good=False, aad="gateway", info="vsync-gateway-v1"):
        plain = content if type(content) is bytes else dump(content).encode()
        box = seal(hkdf(operator, info), place({"vault": vault, "gen": gen}, aad), plain)
        result = {"out": open_gateway_box(operator, vault, gen, box)} if good else {"error": CORRUPT}
        return {"name": f"gateway/box-{name}", "about": about, "op": "openGatewayBox", **result,
                "in": {"vault": vault, "gen": gen, "operatorKey": {"hex": operator.hex()}, "box": {"b64": b64(box)}}}
    kid, second = "gw_0123456789abcdef", "gw_fedcba9876543210"
    yield vector("one", "A key.", {"keys": {kid: one}}, True)
    yield vector("two", "Two keys, in an overlap.", {"keys": {kid: one, second: other}}, True)
    for name, about, content, more in (
        ("other-aad", "The box of the roll in its place.", {"keys": {kid: one}}, {"aad": "roll"}),
        ("other-key", "Sealed under the key of the roll.", {"keys": {kid: one}}, {"info": "vsync-roll-v1"}),
        ("kid-short", "A key's id of another form.", {"keys": {"gw_0123": one}}, {}),
        ("kid-upper", "A key's id in upper case.", {"keys": {kid.upper(): one}}, {}),
        ("key-31-bytes", "A key of 31 bytes.", {"keys": {kid: b64(seed("one")[:31])}}, {}),
        ("unknown-field", "Another member.", {"keys": {kid: one}, "signs": True}, {}),
        ("array", "Keys in an array.", {"keys": [{"kid": kid, "private": one}]}, {}),
        ("no-json", "No JSON.", b"keys", {}),
    ):
        yield vector(name, about, content, **more)


def slot_vectors(vault, gen):
    text = credential_text("live", seed("credential"))
    credential = Credential(text)
    private = seed("gateway key")
    kid, half = "gw_0123456789abcdef", b64(public(ed25519.Ed25519PrivateKey.from_private_bytes(private)))
    key = {"kid": kid, "public": half, "not_before": "2026-11-29T00:00:00.000Z", "not_after": "2027-01-01T00:00:00.000Z"}
    usage_key = b64(public(x25519.X25519PrivateKey.from_private_bytes(seed("usage"))))
    view = {"id": "00112233445566aa", "key": b64(seed("view"))}
    settings = {"backends": [{"id": "api", "profile": "rfc9421", "meters": ["tokens"]}], "meters": [{"key": "tokens", "unit": "token"}],
                "routes": [{"id": "chat", "method": "POST", "path": "/chat/{id}", "meters": ["tokens"], "maxPerRequest": {"tokens": 100}}]}
    def claims(capabilities, **more):
        return {"id": credential.id, "kind": "live", "name": "api", **({"backend": "api"} if "permissions" not in more else {}),
                "capabilities": capabilities, **more, "created_at": "2026-11-29T00:00:00.000Z"}
    origin = {"claims": claims(["gateway_verification", "metering"]), "root": b64(seed("root")),
              "gateway_keys": [key], "usage_key": usage_key, "settings": settings}
    gateway = {"claims": claims(["metering"], permissions=["api.gateway.sign", "api.tokens.verify"]), "view": view,
               "verify_key": b64(seed("verify")), "gateway_keys": [{**key, "backends": ["api"]}], "gateway_key": {kid: b64(private)},
               "usage_key": usage_key, "settings": settings}
    def vector(name, about, payload, good=False):
        slot = seal_slot(vault, gen, credential, payload)
        result = {"out": open_token_slot(vault, gen, slot, text)} if good else {"error": CORRUPT}
        return {"name": f"gateway/slot-{name}", "about": about, "op": "openTokenSlot", **result,
                "in": {"vault": vault, "gen": gen, "credential": text, "slot": slot}}
    plain = {name: origin[name] for name in ("claims", "root")}
    yield vector("origin", "An origin verifies requests and reports usage.", origin, True)
    yield vector("gateway", "A gateway signs, verifies tokens and keeps usage.", gateway, True)
    yield vector("no-keys-yet", "A vault without a gateway key.", {**plain, "usage_key": usage_key}, True)
    yield vector("keys-none", "A list without keys.", {**plain, "gateway_keys": []}, True)
    yield vector("key-for-good", "A key without times, for every backend.", {**plain, "gateway_keys": [{"kid": "k", "public": half}]}, True)
    for name, about, payload in (
        ("public-31-bytes", "A public key of 31 bytes.", {**plain, "gateway_keys": [{**key, "public": b64(private[:31])}]}),
        ("key-unknown-field", "Another member of a key.", {**plain, "gateway_keys": [{**key, "private": b64(private)}]}),
        ("key-no-time", "A time of another form.", {**plain, "gateway_keys": [{**key, "not_after": "tomorrow"}]}),
        ("keys-object", "Keys that are no list.", {**plain, "gateway_keys": {kid: half}}),
        ("private-31-bytes", "A private key of 31 bytes.", {**gateway, "gateway_key": {kid: b64(private[:31])}}),
        ("private-kid", "A private key of another id.", {**gateway, "gateway_key": {"k": b64(private)}}),
        ("private-list", "Private keys in a list.", {**gateway, "gateway_key": [b64(private)]}),
        ("usage-key-hex", "A usage key in hex.", {**origin, "usage_key": un64(usage_key).hex()}),
        ("settings-list", "Settings that are no object.", {**origin, "settings": [settings]}),
        ("unknown-field", "Another field.", {**origin, "gateway": True}),
    ):
        yield vector(name, about, payload)


def vectors():
    vault, gen = "jrGt0M6B7MtpHxiVvamNLw", 7
    yield from box_vectors(vault, gen)
    yield from slot_vectors(vault, gen)


if __name__ == "__main__":
    print("[\n" + ",\n".join(json.dumps(vector, separators=(",", ":")) for vector in vectors()) + "\n]")
