#!/usr/bin/env python3
"""Opens a vault with a credential, the one secret of a scoped token (docs/format.md, Scoped tokens).

Run as a program, it opens the vault of VSYNC_CONFIG with the credential in it, or with the one in VSYNC_TOKEN, and prints
as JSON what the token may read. Without a credential, it opens it with VSYNC_PASSPHRASE."""
import os, re
import vsync_client as vsync
from cryptography.hazmat.primitives.asymmetric import ed25519, x25519
from vsync_client import (
    CONFIG, CORRUPT, FORGED, FORMS, Refused, as_json, b64, b64u, check, dump, fetch_bundle, hkdf, hpke, is_name, like, main,
    need, now, only, open_box, open_items, open_vault, parse_bundle, parse_manifest, place, public, reader, sha256,
    strict_json, tried, un64, un64u, unique, verify_note)


def list_of(pattern):
    return lambda v: type(v) is list and all(map(like(pattern), v)) and unique(v)


FORMS.update({
    "tokenid": like("tok_[0-9a-f]{32}"), "tokenkind": like("live|test"), "T": like("T"), "X": like("X"),
    "label": lambda v: 1 <= len(v.encode()) <= 128 and not re.search("[\0-\x1f\x7f-\x9f]", v),
    "backend": like("[a-z0-9][a-z0-9._-]{0,63}"), "names": list_of("(?s).*"), "meters": list_of("[a-z0-9_]{1,64}"),
    "routes": list_of(r"(\*|[A-Z]+) (/([^/\s]+(/|$))*)"), "backends": list_of("[a-z0-9][a-z0-9._-]{0,63}"),
    "gateway": "kid:text public:b64[32] not_before?:time not_after?:time backends?:backends",
    "gatewaykeys": lambda v: type(v) is list and all(check(key, "gateway", CORRUPT) for key in v),
    "tokenslot": "id:tokenid seals:T enc:b64 ct:b64",
    "tombstone": "id:tokenid seals:X revoked_at?:time expired_at?:time",
    "claims": "id:tokenid kind:tokenkind name?:label backend?:backend capabilities:names permissions?:names grants?:list "
              "meters?:meters routes?:routes created_at:time not_after?:time",
    "viewkey": "id:itemid key:b64[32]", "viewentry": FORMS["entry"] + " key:b64[32]", "viewbox": "items:list",
    "privatekeys": lambda v: type(v) is dict and v and all(len(un64(key)) == 32 for key in v.values()),
    "payload": "claims:claims root?:b64[32] view?:viewkey verify_key?:b64[32] gateway_keys?:gatewaykeys "
               "gateway_key?:privatekeys usage_key?:b64[32] settings?:object"})


def credential_text(kind, seed):
    return f"vsrt_{kind}_{b64u(seed + bytes.fromhex(sha256(f'vsync-credential-v1|{kind}|'.encode() + seed)[:8]))}"


def seed_of(text):
    kind, body = re.fullmatch("vsrt_(live|test)_([A-Za-z0-9_-]{48})", text).groups()
    return only((kind, seed := un64u(body)[:32]), credential_text(kind, seed) == text)


class Credential:
    """The keys that follow from a credential, and the id that follows from these."""

    def __init__(self, text):
        self.kind, seed = tried(CONFIG, "no credential, or an altered one", seed_of, text)
        self.seed, self.last_four = hkdf(seed, "vsync-token-recipient-v1"), text[-4:]
        self.signing_key = hkdf(seed, "vsync-token-signing-v1")
        self.recipient = public(x25519.X25519PrivateKey.from_private_bytes(self.seed))
        self.signing = public(ed25519.Ed25519PrivateKey.from_private_bytes(self.signing_key))
        self.id = "tok_" + sha256(b"vsync-token-id-v1|" + self.recipient + self.signing)[:32]


def decode_token(text):
    token = vsync.decode_token(text)
    if "token" in token:
        need("anchor" in token, CONFIG, "a token without the anchor beside it")
        tried(CONFIG, "token is no credential, or an altered one", seed_of, token["token"])
    return token


def cert_text(vault, signer, not_after=""):
    return f"vsync-cert-v1|{vault}|{signer}|{not_after}".encode()


def make_cert(anchor_key, vault, signer, not_after=None):
    key = ed25519.Ed25519PrivateKey.from_private_bytes(anchor_key)
    until = {} if not_after is None else {"not_after": not_after}
    return {"anchor": b64(public(key)), **until, "sig": b64(key.sign(cert_text(vault, signer, not_after or "")))}


def open_manifest(get, token, at):
    """The vault's manifest, its signer vouched for by the anchor that the token pins."""
    need((raw := get("manifest")) is not None, "ManifestNotFoundError", "no manifest")
    m, _, note = parse_manifest(raw)
    cert = next((c for c in m.get("certs", []) if c["anchor"] == token["anchor"]), None)
    need(cert and at < cert.get("not_after", "9999-99"), FORGED, "no cert of this anchor, or one that has ended")
    anchor = tried(FORGED, "no anchor", ed25519.Ed25519PublicKey.from_public_bytes, un64(token["anchor"]))
    text = cert_text(m["vault"], m["signer"], cert.get("not_after", ""))
    tried(FORGED, "the anchor has not certified the signer", anchor.verify, un64(cert["sig"]), text)
    verify_note(note, "vsync/" + m["vault"], un64(m["signer"]))
    need((token.get("vault", m["vault"]), token["env"]) == (m["vault"], m["env"]), FORGED, "another vault or env")
    need(m["gen"] >= token.get("minGen", 0), "RollbackError", "older than minGen")
    return m


def open_slot(header, credential, at):
    slot = next((s for s in header["slots"] if s["id"] == credential.id), None)
    need(slot, "TokenUnknownError", "this token is unknown, or ended long ago")
    if slot.get("seals") == "X":
        check(slot, "tombstone", CORRUPT)
        need(len(slot) == 3, CORRUPT, "a tombstone has one time")
        raise Refused(*("TokenRevokedError", "revoked") if "revoked_at" in slot else ("TokenExpiredError", "expired"))
    check(slot, "tokenslot", CORRUPT)
    enc, aad = un64(slot["enc"]), place(header, slot["id"]).encode()
    aead, nonce = tried(CORRUPT, "the slot", hpke, credential.seed, enc, enc, credential.recipient, b"vsync-token-slot-v1")
    plain = tried(CORRUPT, "the slot does not open", aead.decrypt, nonce, un64(slot["ct"]), aad)
    payload = check(tried(CORRUPT, "payload", strict_json, plain), "payload", CORRUPT)
    claims = payload["claims"]
    need(len(dump(claims).encode()) <= 8192, CORRUPT, "claims of more than 8 KiB")
    need((claims["id"], claims["kind"]) == (credential.id, credential.kind), CORRUPT, "the claims of another token")
    reads_all = "grants" not in claims and "secrets.items.read" in claims.get("permissions", ["secrets.items.read"])
    need(("root" in payload, "view" in payload) == (reads_all, not reads_all), CORRUPT, "more or less than the claims give")
    need(at < claims.get("not_after", "9999-99"), "TokenExpiredError", "expired")
    return payload


def open_view(header, boxes, view):
    """The items that a view lists, each opened with its own key. Nothing else has a name here."""
    box = next((v["box"] for v in header.get("views", []) if v["id"] == view["id"]), None)
    plain = open_box(un64(view["key"]), place(header, f"view|{view['id']}"), un64(box)) if box else b""
    entries = check(tried(CORRUPT, "view", strict_json, plain), "viewbox", CORRUPT)["items"]
    for e in entries:
        check(e, "viewentry", CORRUPT)
        named = is_name(e["name"], e["kind"]) and (e["kind"] == "file" or "mode" not in e)
        need(named and e["id"] in boxes, CORRUPT, "name, mode or id")
    need(unique([e["name"] for e in entries]) and unique([e["id"] for e in entries]), CORRUPT, "a name or id twice")
    items = [{**e, "data": open_box(un64(e["key"]), place(header, e["id"]), boxes[e["id"]])} for e in entries]
    for item in items:
        item["kind"] == "file" or tried(CORRUPT, "a secret is not UTF-8", item["data"].decode)
    return items


def open_with_credential(get, token, text, at):
    """The manifest, the content of the token's slot, and the items that it may read."""
    credential = Credential(text)
    need("anchor" in token, CONFIG, "a credential needs the vault's anchor in VSYNC_CONFIG")
    m = open_manifest(get, token, at)
    header, boxes = parse_bundle(fetch_bundle(get, m["bundle"]), m["vault"], m["gen"])
    payload = open_slot(header, credential, at)
    root, view = payload.get("root"), payload.get("view")
    return m, payload, open_items(header, boxes, un64(root)) if root else open_view(header, boxes, view)


def credential_of(token, apart):
    """The credential that is given apart, else the token's own, else None."""
    need(apart != "", "ConfigMissingError", "VSYNC_TOKEN is empty")
    return token.get("token") if apart is None else apart


def open_any(get, token, passphrase, at, apart=None):
    """With a credential where there is one, else with the passphrase, which has no token's slot."""
    if (text := credential_of(token, apart)) is None:
        m, _, _, items = open_vault(get, token, passphrase, at)
        return m, None, items
    return open_with_credential(get, token, text, at)


def run(token, passphrase):
    m, _, items = open_any(reader(token), token, passphrase, now(), os.environ.get("VSYNC_TOKEN"))
    return as_json(m["gen"], m["env"], items)


if __name__ == "__main__":
    main(run, decode_token)
