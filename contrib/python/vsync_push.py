#!/usr/bin/env python3
"""Writes a vault: commits {"NAME": "value", …} from stdin as the secrets of the next generation (or the first one).

Token and passphrase come from VSYNC_CONFIG and VSYNC_PASSPHRASE; the vault's files stay. It does not take the claims by
which vsync's own writers exclude each other: make sure that nobody else writes the directory (docs/format.md §1)."""
import getpass, json, os, re, socket, sys
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from vsync_audit import row_key, row_of, rows_in
from vsync_client import (
    CORRUPT, UNKNOWN, b64, cost_of, derive, dump, endorse, file_path, fits, hkdf, hpke, is_name, key_id, main, need, now,
    open_box, open_vault, place, public, read, reader, sha256, tried, un64)

PKCS8 = bytes.fromhex("302e020100300506032b657004220420")


def open_signing_key(m, operator, box):
    der = open_box(hkdf(operator, "vsync-signing-v1"), place(m, "signing"), box)
    need(len(der) == 48 and der[:16] == PKCS8, CORRUPT, "no Ed25519 key")
    return Ed25519PrivateKey.from_private_bytes(der[16:])


def open_for_commit(get, token, passphrase, at):
    m, header, operator, items = open_vault(get, token, passphrase, at)
    until = max((e["not_after"] for e in m["unlock"] if "not_after" in e), default=None)
    need(operator, "InputError", f"this passphrase can only read until {until}: use the new one")
    key = open_signing_key(m, operator, un64(header["signing"]))
    need(b64(public(key)) == m["signer"], CORRUPT, "the signing key is not the manifest's signer")
    need(all(e["kind"] == "passphrase" for e in m["unlock"]), UNKNOWN, "a slot of an unknown kind cannot be sealed to")
    need(not {"views", "boxes"} & set(header) and "certs" not in m, UNKNOWN, "scoped tokens cannot be carried over")
    return m, key, items


def sign_note(body, vault, key):
    name, line = f"vsync/{vault}", dump(body) + "\n"
    signed = key_id(name, public(key)) + key.sign(line.encode())
    return f"{line}\n\u2014 {name} {b64(signed)}\n".encode()


def seal_box(key, data, plain):
    nonce = os.urandom(12)
    return nonce + AESGCM(key).encrypt(nonce, plain, data.encode())


def seal_slot(m, entry, operator, root):
    seals, key = ("R", root) if "not_after" in entry else ("O", operator)
    recipient, ephemeral = un64(entry["recipient"]), X25519PrivateKey.generate()
    private = ephemeral.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    aead, nonce = hpke(private, recipient, enc := public(ephemeral), recipient)
    ct = aead.encrypt(nonce, key, place(m, entry["slot"]).encode())
    return {"id": entry["slot"], "seals": seals, "kdf": entry["kdf"], "enc": b64(enc), "ct": b64(ct)}


def seal_bundle(m, key, items):
    """m holds vault, gen and unlock: the bundle is bound to the first two and sealed to the entries of the third."""
    operator = os.urandom(32)
    root = hkdf(operator, "vsync-root-v1")
    signing = PKCS8 + key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    items = [dict(item, id=os.urandom(8).hex()) for item in items]
    boxes = [seal_box(hkdf(root, f"vsync-item-v1|{i['id']}"), place(m, i["id"]), i["data"]) for i in items]
    index = {"items": [{name: i[name] for name in ("id", "name", "kind", "mode") if name in i} for i in items]}
    header = {
        "format": "vsync-bundle-v1", "vault": m["vault"], "gen": m["gen"],
        "slots": [seal_slot(m, entry, operator, root) for entry in m["unlock"]],
        "signing": b64(seal_box(hkdf(operator, "vsync-signing-v1"), place(m, "signing"), signing)),
        "index": b64(seal_box(hkdf(root, "vsync-index-v1"), place(m, "index"), dump(index).encode())),
        "items": [{"id": i["id"], "size": len(box)} for i, box in zip(items, boxes)]}
    return dump(header).encode() + b"\n" + b"".join(boxes)


def create(path, raw):
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(raw)
        os.fsync(file.fileno())


def append_row(token, m, key):
    row, path = sign_note(row_of(m), m["vault"], key), file_path(token, row_key(m["gen"]))
    try:
        create(path, row)
    except FileExistsError:  # Ed25519 is deterministic: the same row is the same bytes
        need(read(path) == row, "AuditBrokenError", f"another row stands in the place of {m['gen']}")
    return sha256(row)


def first_entry(token, passphrase, signer):
    kdf = {"name": "argon2id", "salt": token["salt"], "iterations": token["iterations"],
           "memory_kib": token["memoryKiB"], "parallelism": token["parallelism"]}
    key = derive(passphrase, cost_of(kdf, "ConfigInvalidError"))
    return {"slot": "p1", "kind": "passphrase", "recipient": b64(key["recipient"]), "kdf": kdf,
            "endorse": b64(endorse(key["mac"], token["vault"], "p1", signer))}


def begin(token, passphrase):
    """The fields of the first manifest that later ones copy, and the key that signs it."""
    need(passphrase, "ConfigMissingError", "the passphrase is empty")
    key = Ed25519PrivateKey.generate()
    signer = b64(public(key))
    repo = token["prefix"].rstrip("/").split("/")[0]
    return {"vault": token["vault"], "repo": repo, "env": token["env"], "gen": 0, "rotated_at": now(), "signer": signer,
            "unlock": [first_entry(token, passphrase, signer)]}, key, []


def bundle_key(token, at, before):
    """The key for a bundle made now; fails if the clock has not moved past the bundle before."""
    digits = re.sub(r"\D", "", at)
    ts = f"v={digits[:8]}T{digits[8:]}Z"
    need(ts > before and not os.path.exists(file_path(token, ts)), "ConflictError", "the clock stands or runs behind")
    return ts


def push(token, passphrase, secrets):
    at, stored = now(), reader(token)
    raw = stored("manifest")
    get = lambda key: raw if key == "manifest" else stored(key)  # what is opened must be what is replaced
    m, key, items = begin(token, passphrase) if raw is None else open_for_commit(get, token, passphrase, at)
    items = [i for i in items if i["kind"] == "file"]
    items += [{"name": name, "kind": "secret", "data": value.encode()} for name, value in secrets.items()]
    names = {i["name"] for i in items}
    need(len(names) == len(items) and all(is_name(i["name"], i["kind"]) for i in items), "InputError", "bad names")
    above = [key for key in rows_in(token) if key > row_key(m["gen"])]
    need(not above, "RollbackError", "a row to come is there: the manifest was put back")
    since = {} if raw is None else {"audit": {"gen": m["gen"], "sha256": append_row(token, m, key)}, "prev": sha256(raw)}
    unlock = [e for e in m["unlock"] if at < e.get("not_after", "9999-99")]
    bundle = seal_bundle({"vault": m["vault"], "gen": m["gen"] + 1, "unlock": unlock}, key, items)
    ref = {"key": bundle_key(token, at, m.get("bundle", {}).get("key", "")), "size": len(bundle), "sha256": sha256(bundle)}
    create(file_path(token, ref["key"]), bundle)
    actor = {"user": getpass.getuser(), "host": socket.gethostname(), "tool": "vsync-python/1"}
    new = {"format": "vsync-manifest-v1", "vault": m["vault"], "repo": m["repo"], "env": m["env"], "gen": m["gen"] + 1,
           "prev_gen": m["gen"], "at": at, "rotated_at": m["rotated_at"], "action": "push", "actor": actor, "meta": {},
           "bundle": ref, "unlock": unlock, "signer": m["signer"], **since}
    swap(token, raw, sign_note(tried("InputError", "manifest", fits, new, "manifest"), m["vault"], key))
    append_row(token, new, key)
    return {"gen": new["gen"]}


def swap(token, before, after):
    path, temporary = file_path(token, "manifest"), file_path(token, f"manifest.{os.urandom(8).hex()}.tmp")
    if before is None:
        return create(path, after)
    create(temporary, after)
    need(read(path) == before, "ConflictError", "another writer has committed")
    os.replace(temporary, path)


if __name__ == "__main__":
    main(lambda token, passphrase: push(token, passphrase, json.load(sys.stdin)))
