#!/usr/bin/env python3
"""A second vsync client, written from docs/format.md (§ means its sections). Debian: python3-cryptography, python3-argon2.
Run as a program, it opens the vault of VSYNC_CONFIG and VSYNC_PASSPHRASE in a directory store and prints it as JSON."""
import base64, datetime, hashlib, hmac, itertools, json, os, pathlib, re, sys, urllib.parse, zlib
from argon2.low_level import Type, hash_secret_raw
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric import ed25519, x25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
CONFIG, FORGED, CORRUPT, UNKNOWN = "ConfigInvalidError", "NotAuthenticError", "BundleCorruptError", "UnsupportedSpecVersionError"
class Refused(Exception):  # kind: an error class of §5
    def __init__(self, kind, why): super().__init__(why); self.kind = kind
def need(condition, kind, why):
    if not condition: raise Refused(kind, why)
def tried(kind, why, work, *given):
    try: return work(*given)
    except (ValueError, TypeError, AttributeError, LookupError, RecursionError, InvalidTag, InvalidSignature, zlib.error):
        raise Refused(kind, why) from None
# --- text forms. `only` raises ValueError; `tried` turns that into the class.
def only(value, condition): return value if condition else int("refused")
def b64(raw): return base64.b64encode(raw).decode()
def b64u(raw): return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
def un64(text): return only(raw := base64.b64decode(text.encode("ascii")), b64(raw) == text)
def un64u(text): return only(raw := base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4)), b64u(raw) == text)
def sha256(raw): return hashlib.sha256(raw).hexdigest()
def dump(value): return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
def unique(values): return len(set(values)) == len(values)
def strict_json(raw):  # the eight rules
    def pairs(items): return only(dict(items), unique([k for k, _ in items]) and not any(digits(k) for k, _ in items))
    def number(text): return only(digits(text) and int(text), digits(text) and int(text) < 2 ** 53)
    bare = re.sub(r'(?s)"(?:\\.|[^"\\])*"', "", text := raw.decode())
    only(bare, max(itertools.accumulate((c in "[{") - (c in "]}") for c in bare), default=0) <= 32)
    value = json.loads(text, object_pairs_hook=pairs, parse_int=number, parse_float=number, parse_constant=number)
    return only(value, dump(value) == text)
def a(*types): return lambda v: type(v) in types
def like(pattern): return lambda v: type(v) is str and re.fullmatch(pattern, v, re.ASCII) is not None
def day(pattern):  # Python has no year 0, whose days are those of 2000
    return lambda v: datetime.datetime(*(int(n) or 2000 * (len(n) == 4) for n in re.fullmatch(pattern, v, re.ASCII).groups()))
def whole(v): return int(v) if type(v) in (int, float) and abs(v) < 2 ** 53 and v == int(v) else None
def endpoint(v): return re.match(r"https?://[^/]|file:///.", v) and v[-1] != "/" and urllib.parse.urlsplit(v).port != -1
digits = like("[0-9]+")
FORMS = {  # a test, which may throw; or the fields of an object, where one with ? may be absent
    "text": a(str), "int": a(int), "object": a(dict), "list": a(list), "sha": like("[0-9a-f]{64}"), "b64": lambda v: un64(v) is not None,
    "b64[32]": lambda v: len(un64(v)) == 32, "b64[64]": lambda v: len(un64(v)) == 64, "vault": lambda v: len(un64u(v)) == 16,
    "slotid": like("[A-Za-z0-9_-]{1,64}"), "ownid": like("(?!tok_)[A-Za-z0-9_-]{1,64}"), "gen": lambda v: type(v) is int and v < 10 ** 12,
    "certs": lambda v: len(v) < 5 and unique([fits(c, "cert")["anchor"] for c in v]) and v, "cert": "anchor:b64[32] not_after?:time sig:b64[64]",
    "views": lambda v: type(v) is list and unique([fits(w, "view")["id"] for w in v]), "view": "id:itemid box:b64", "seals": like("[OR]"),
    "boxes": lambda v: all(len(un64(box)) >= 28 for box in v.values()), "argon2id": like("argon2id"), "ambient": like("ambient"), "keyname": like("[!-~]{1,2048}"), "yes": lambda v: v is True,
    "time": day(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)\.\d{3}Z"), "v=ts": day(r"v=(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)\d{3}Z"),
    "kind": like("secret|file"), "endpoint": endpoint, "prefix": lambda v: v[-1] == "/" and not {"", ".", ".."} & set(v[:-1].split("/")),
    "size": lambda v: type(v) is int and v >= 28, "mode": lambda v: type(v) is int and v < 512, "itemid": like("[0-9a-f]{16}"), "1+": lambda v: whole(v) >= 1, "0+": lambda v: whole(v) >= 0,
    "token": "v:1+ endpoint:endpoint region:text bucket:text accessKeyId?:text secretAccessKey?:text sessionToken?:text prefix:prefix "
             "env:text salt:b64 iterations:1+ kdf?:argon2id memoryKiB?:1+ parallelism?:1+ vault?:text minGen?:0+ credentials?:ambient anchor?:b64[32] token?:text kmsKey?:keyname bucketKey?:yes requesterPays?:yes",
    "kdf": "name:text salt:b64 iterations:int memory_kib:int parallelism:int", "actor": "user:text host:text tool:text",
    "header": "format:text vault:text gen:int slots:list signing:b64 index:b64 views?:views boxes?:boxes items:list",
    "slot": "id:slotid seals:seals kdf:object enc:b64 ct:b64", "item": "id:itemid size:size", "index": "items:list",
    "entry": "id:text name:text kind:kind mode?:mode", "bundle": "key:v=ts size:int sha256:sha", "link": "gen:int sha256:sha",
    "unlock": "slot:ownid kind:text recipient:b64[32] kdf:object endorse:b64[32] not_after?:time",
    "row": "format:text vault:vault gen:gen prev_gen:int at:time action:text actor:actor meta:object note?:text bundle:bundle "
           "signer:b64[32] prev_signer?:b64[32] prev?:sha"}
FORMS["manifest"] = FORMS["row"] + " repo:text env:text rotated_at:time unlock:list certs?:certs audit?:link"
def fields(form): return {n.rstrip("?"): (n[-1] != "?", of) for n, of in (f.rsplit(":", 1) for f in FORMS[form].split())}
def fits(value, form):
    if callable(FORMS[form]): return only(value, FORMS[form](value))
    for name, (required, of) in (known := fields(form)).items():
        if required or name in value: fits(value[name], of)
    return only(value, type(value) is dict and set(value) <= set(known))
def check(value, form, kind, version=None):  # the version comes before the fields beside it
    if version: need(type(value) is dict and type(value.get("format")) is str, kind, "no format")
    need(not version or value["format"] == version, UNKNOWN, "unknown format")
    return tried(kind, f"wrong form of {form}", fits, value, form)
# --- §2 token
def decode_token(token):
    need(token, "ConfigMissingError", "VSYNC_CONFIG is empty")
    need(token.startswith("vsync-cfg-v1:"), (other := "ConfigUnsupportedVersionError"), 'unsupported VSYNC_CONFIG envelope: expected "vsync-cfg-v1:"')
    gzip = zlib.decompressobj(wbits=31)
    raw = tried(CONFIG, "no base64url, or no gzip", lambda: gzip.decompress(un64u(token[13:]), 65537))
    need(gzip.eof and not gzip.unused_data and len(raw) <= 65536, CONFIG, "not one gzip member of at most 65536 bytes")
    value = tried(CONFIG, "no JSON object", lambda: only(v := json.loads(raw.decode(), parse_constant=int), type(v) is dict))
    need(whole(v := value.get("v")) == 1, other, "unsupported VSYNC_CONFIG version" + (f": v={v}" if type(v) is int else ""))
    for name, (required, form) in fields("token").items():
        if name in value or required: tried(CONFIG, f"{name} is missing or has the wrong form", lambda: fits(value[name], form))
    need("kmsKey" in value or "bucketKey" not in value, CONFIG, "kmsKey is missing")
    for name, least in {"accessKeyId": 1, "secretAccessKey": 1, "sessionToken": 0}.items():
        need(least <= (name in value) + ("credentials" in value) <= 1, CONFIG, f"{name}, credentials")
    return {name: whole(value[name]) if type(value[name]) is float else value[name] for name in fields("token") if name in value}
# --- §3 passphrase key, §4 keys, boxes, slots
def public(key): return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
def in_bounds(salt, t, m, p): return 8 <= len(salt) <= 64 and 1 <= t <= 16 and 8192 <= m <= 1048576 and 1 <= p <= 16
def cost_of(kdf, kind):
    need(type(kdf) is not dict or type(kdf.get("name")) is not str or kdf["name"] == "argon2id", UNKNOWN, "kdf")
    check(kdf, "kdf", kind)
    cost = un64(kdf["salt"]), kdf["iterations"], kdf["memory_kib"], kdf["parallelism"]
    return tried(kind, "cost out of bounds", only, cost, in_bounds(*cost))
def derive(passphrase, cost):
    need(in_bounds(*cost), FORGED, "cost out of bounds")
    out = hash_secret_raw(passphrase.encode(), *cost, 64, Type.ID, 0x13)
    return {"seed": out[:32], "mac": out[32:], "recipient": public(x25519.X25519PrivateKey.from_private_bytes(out[:32]))}
def extract(salt, ikm): return hmac.digest(salt, ikm, "sha256")
def expand(prk, info, size=32): return hmac.digest(prk, info + b"\x01", "sha256")[:size]
def hkdf(key, info): return expand(extract(b"", key), info.encode())
def endorse(mac, vault, slot, signer, end=""): return hmac.digest(mac, f"vsync-endorse-v1|{vault}|{slot}|{signer}|{end}".encode(), "sha256")
def place(m, what): return f"{m['vault']}|{m['gen']}|{what}"
def open_box(key, data, box):
    return tried(CORRUPT, "a box does not open", lambda: AESGCM(key).decrypt(box[:12], box[12:], data.encode()))
def hpke(private, other, enc, recipient, info=b"vsync-slot-v1"):  # RFC 9180, base mode: the AEAD and its nonce
    kem, suite = b"HPKE-v1KEM\x00\x20", b"HPKE-v1HPKE\x00\x20\x00\x01\x00\x02"
    def labelled(prk, label, info, size): return expand(prk, size.to_bytes(2, "big") + label + info, size)
    dh = x25519.X25519PrivateKey.from_private_bytes(private).exchange(x25519.X25519PublicKey.from_public_bytes(other))  # throws at zeros
    shared = labelled(extract(b"", kem + b"eae_prk" + dh), kem + b"shared_secret", enc + recipient, 32)
    context = b"\0" + extract(b"", suite + b"psk_id_hash") + extract(b"", suite + b"info_hash" + info)
    secret = extract(shared, suite + b"secret")
    return AESGCM(labelled(secret, suite + b"key", context, 32)), labelled(secret, suite + b"base_nonce", context, 12)
def open_slot(m, slot, seed, closed=CORRUPT):
    enc, ct, own = un64(slot["enc"]), un64(slot["ct"]), public(x25519.X25519PrivateKey.from_private_bytes(seed))
    aead, nonce = tried(closed, "the slot does not open", hpke, seed, enc, enc, own)
    key = tried(closed, "the slot does not open", aead.decrypt, nonce, ct, place(m, slot["id"]).encode())
    return tried(CORRUPT, "the slot holds no key", only, key, len(key) == 32)
# --- §4 bundle
def parse_bundle(raw, vault, gen):
    line, lf, rest = raw.partition(b"\n")
    header = check(tried(CORRUPT, "header", strict_json, line), "header", CORRUPT, "vsync-bundle-v1")
    slots = [tried(CORRUPT, "slot", lambda: fits(only(s, type(s) is dict)["id"], "slotid")) for s in header["slots"]]
    ids = [check(item, "item", CORRUPT)["id"] for item in header["items"]]
    ends = list(itertools.accumulate((i["size"] for i in header["items"]), initial=0))
    here = lf and (header["vault"], header["gen"]) == (vault, gen)
    need(here and unique(slots) and len(slots) <= 1024 and unique(ids) and ends[-1] == len(rest), CORRUPT, "place, ids or sizes")
    return header, dict(zip(ids, (rest[a:b] for a, b in zip(ends, ends[1:]))))
def slot_of(header, slot_id):
    slot = check(next((s for s in header["slots"] if s["id"] == slot_id), None), "slot", CORRUPT)
    return cost_of(slot["kdf"], CORRUPT) and slot
def is_name(name, kind):
    stays = kind == "secret" or "\\" not in name and not {"", ".", ".."} & set(name.split("/"))
    return stays and 1 <= len(name.encode()) <= 1024 and not re.search("[\0-\x1f\x7f-\x9f]", name)
def open_items(header, boxes, root):
    plain = open_box(hkdf(root, "vsync-index-v1"), place(header, "index"), un64(header["index"]))
    entries = [check(e, "entry", CORRUPT) for e in check(tried(CORRUPT, "index", strict_json, plain), "index", CORRUPT)["items"]]
    for e in entries: need(is_name(e["name"], e["kind"]) and (e["kind"] == "file" or "mode" not in e), CORRUPT, "name or mode")
    need(unique([e["name"] for e in entries]) and sorted(e["id"] for e in entries) == sorted(boxes), CORRUPT, "index and header")
    for e in entries: e["data"] = open_box(hkdf(root, f"vsync-item-v1|{e['id']}"), place(header, e["id"]), boxes[e["id"]])
    for e in entries: e["kind"] == "file" or tried(CORRUPT, "a secret is not UTF-8", e["data"].decode)
    return entries
def open_bundle(raw, vault, gen, slot_id, seed, seals):  # header, operator key or None, items
    header, boxes = parse_bundle(raw, vault, gen)
    need((slot := slot_of(header, slot_id))["seals"] == seals, CORRUPT, "the slot seals another key")
    key, operates = open_slot(header, slot, seed), seals == "O"
    return header, key if operates else None, open_items(header, boxes, hkdf(key, "vsync-root-v1") if operates else key)
# --- §5 manifest
def key_id(name, key): return hashlib.sha256(name.encode() + b"\n\x01" + key).digest()[:4]
def parse_note(raw):  # text, name, key id, signature
    head, _, tail = tried(FORGED, "not UTF-8", raw.decode).rpartition("\n\n")
    line = re.fullmatch("\u2014 ([^\\s+]+) ([A-Za-z0-9+/=]+)\n", tail)
    signed = tried(FORGED, "no signed note", lambda: only(raw := un64(line[2]), head and len(raw) == 68))
    return head + "\n", line[1], signed[:4], signed[4:]
def verify_note(note, name, key):
    tried(FORGED, "bad signature", lambda: ed25519.Ed25519PublicKey.from_public_bytes(key).verify(note[3], note[0].encode()))
    need(note[1:3] == (name, key_id(name, key)), FORGED, "signed by another")
def parse_manifest(raw):
    note = parse_note(raw if len(raw) <= 1048576 else b"too long")
    m = check(tried(FORGED, "JSON", strict_json, note[0][:-1].encode()), "manifest", FORGED, "vsync-manifest-v1")
    need(m["gen"] == m["prev_gen"] + 1 and {"audit" in m, "prev" in m} == {m["gen"] > 1}, FORGED, "gen, audit, prev")
    need(m.get("audit", {}).get("gen", 0) == m["prev_gen"] and m["bundle"]["size"] <= 67108864, FORGED, "audit.gen, bundle.size")
    need(len(m["unlock"]) <= 64 and all(type(e) is dict and type(e.get("kind")) is str for e in m["unlock"]), FORGED, "unlock")
    entries = [e for e in m["unlock"] if e["kind"] == "passphrase"]
    for e in entries: cost_of(e.get("kdf"), FORGED) and check(e, "unlock", FORGED)
    need(len(entries) <= 4 and unique([e["slot"] for e in entries]) and any("not_after" not in e for e in entries), FORGED, "entries")
    return m, entries, note
def open_manifest(get, token, passphrase, now):
    need(passphrase, "ConfigMissingError", "the passphrase is empty")
    need((raw := get("manifest")) is not None, "ManifestNotFoundError", "no manifest")
    m, entries, note = parse_manifest(raw)
    keys = ((e, derive(passphrase, cost_of(e["kdf"], FORGED))) for e in entries)
    entry, key = next(((e, k) for e, k in keys if k["recipient"] == un64(e["recipient"])), (None, None))
    need(entry, "WrongPassphraseError", "the passphrase opens no slot")
    ours = endorse(key["mac"], m["vault"], entry["slot"], m["signer"], entry.get("not_after", ""))
    need(hmac.compare_digest(ours, un64(entry["endorse"])), FORGED, "the passphrase has not endorsed the signer")
    verify_note(note, "vsync/" + m["vault"], un64(m["signer"]))
    need((token.get("vault", m["vault"]), token["env"]) == (m["vault"], m["env"]), FORGED, "another vault or env")
    need(m["gen"] >= token.get("minGen", 0), "RollbackError", "older than minGen")
    need(now < entry.get("not_after", "9999-99"), "PassphraseRetiredError", "its window is over")
    return m, entry, key
def fetch_bundle(get, ref):
    return tried(CORRUPT, "absent, or altered", only, raw := get(ref["key"]) or b"", (len(raw), sha256(raw)) == (ref["size"], ref["sha256"]))
def open_vault(get, token, passphrase, now):  # manifest, header, operator key or None, items
    m, e, key = open_manifest(get, token, passphrase, now)
    return m, *open_bundle(fetch_bundle(get, m["bundle"]), m["vault"], m["gen"], e["slot"], key["seed"], "R" if "not_after" in e else "O")
def file_path(token, key):  # §1, a directory store
    return "/".join([urllib.parse.unquote(token["endpoint"][len("file://"):], errors="strict"), token["bucket"], token["prefix"] + key])
def read(path): return pathlib.Path(path).read_bytes()
def reader(token): return lambda key: read(file_path(token, key)) if os.path.isfile(file_path(token, key)) else None
def now(): return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds")[:23] + "Z"
def as_json(gen, env, items):
    secrets, files = ({i["name"]: i["data"] for i in items if i["kind"] == kind} for kind in ("secret", "file"))
    out = {"gen": gen, "env": env, "secrets": {n: d.decode() for n, d in secrets.items()}, "files": {n: b64(d) for n, d in files.items()}}
    return {**out, "modes": modes} if (modes := {i["name"]: i["mode"] for i in items if "mode" in i}) else out
def main(work, decode=decode_token):
    try: print(json.dumps(work(decode(os.environ.get("VSYNC_CONFIG", "")), os.environ.get("VSYNC_PASSPHRASE", "")), indent=2))
    except Refused as refused: sys.exit(f"{refused.kind}: {refused}")
if __name__ == "__main__": main(lambda t, p: (lambda m, _, __, items: as_json(m["gen"], m["env"], items))(*open_vault(reader(t), t, p, now())))
