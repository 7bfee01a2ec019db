#!/usr/bin/env python3
"""Runs the test vectors of test/vectors/data, or of a folder with one file a vector: run_vectors.py <folder> [op …].
Exits with 1 if one disagrees. The README.md beside the vectors explains them and each operation."""
import base64, datetime, glob, json, os, re, sys, zlib
import vsync_audit as audit
import vsync_client as vsync
import vsync_push as writer
import vsync_request as request
import vsync_token as scoped
import vsync_usage as usage
import vsync_gateway as gateway
from vsync_client import Refused, b64, fields


def encode_token(given):
    text = vsync.dump({name: given[name] for name in fields("token") if name in given})
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    body = deflate.compress(text.encode()) + deflate.flush()
    trailer = zlib.crc32(text.encode()).to_bytes(4, "little") + len(text.encode()).to_bytes(4, "little")
    token = "vsync-cfg-v1:" + vsync.b64u(bytes.fromhex("1f8b0800000000000003") + body + trailer)
    scoped.decode_token(token)
    return {"json": text, "startsWith": token[:26]}


def next_ts(now, after, taken):
    def ms(text):
        digits = re.sub(r"\D", "", text)
        at = datetime.datetime.strptime(digits[:14], "%Y%m%d%H%M%S").replace(tzinfo=datetime.timezone.utc)
        return int(at.timestamp()) * 1000 + int(digits[14:])

    def text(ms):
        at = datetime.datetime.fromtimestamp(ms // 1000, datetime.timezone.utc)
        return at.strftime("%Y%m%dT%H%M%S") + f"{ms % 1000:03d}Z"

    ahead = after is not None and ms(after) - ms(now) <= 24 * 3600 * 1000
    at = max(ms(now), ms(after) + 1) if ahead else ms(now)
    while text(at) in taken:
        at += 1
    return text(at)


#: What the two clients do not share: this one judges no grants and no access tokens, and commits to no vault with tokens.
NOT_HERE = {"checkClaims", "checkGrants", "checkSettings", "evaluate", "grantedItems", "mintAccess", "planAnchors",
            "planCommit", "plantedTokens", "readRoll", "readVerify", "routeAllowed", "verifyAccess", "scoped/openForCommit"}


class Vector:
    def __init__(self, vector, folder):
        self.op, self.given, self.out = vector["op"], vector["in"], vector.get("out", {})
        self.vector, self.folder = vector, folder
        self.objects = {key: self.bytes(value) for key, value in self.given.get("objects", {}).items()}

    @property
    def is_here(self):
        return not {self.op, f"{self.vector['name'].split('/')[0]}/{self.op}"} & NOT_HERE

    def bytes(self, value):
        if "utf8" in value:
            return value["utf8"].encode("utf-8", "surrogatepass")
        if "hex" in value:
            return bytes.fromhex(value["hex"])
        if "b64" in value:
            return base64.b64decode(value["b64"])
        return vsync.read(os.path.join(self.folder, value["file"]))

    def same(self, name, raw, like=None):
        """The bytes in the form that the vector uses."""
        form = next(iter(like or self.out.get(name) or {"hex": ""}))
        return {form: raw.decode() if form == "utf8" else b64(raw) if form == "b64" else raw.hex()}

    def at(self, name):
        return self.bytes(self.given[name])

    def opening(self):
        token = scoped.decode_token(self.given["token"])
        return self.objects.get, token, self.given["passphrase"], self.given["now"]

    def run(self):
        return getattr(self, "op_" + self.op)(self.given)

    def op_decodeToken(self, i):
        return {"fields": scoped.decode_token(i["token"])}

    def op_encodeToken(self, i):
        return encode_token(i["fields"])

    def op_deriveKey(self, i):
        key = vsync.derive(i["passphrase"], (self.at("salt"), i["iterations"], i["memoryKiB"], i["parallelism"]))
        return {name: self.same(name, raw) for name, raw in key.items()}

    def op_deriveSubkeys(self, i):
        operator = self.at("operatorKey")
        root = vsync.hkdf(operator, "vsync-root-v1")
        keys = {"rootKey": root, "signingKey": vsync.hkdf(operator, "vsync-signing-v1"),
                "indexKey": vsync.hkdf(root, "vsync-index-v1"), "itemKey": vsync.hkdf(root, "vsync-item-v1|" + i["itemId"])}
        return {name: self.same(name, raw) for name, raw in keys.items()}

    def op_endorse(self, i):
        return {"endorse": b64(vsync.endorse(self.at("mac"), i["vault"], i["slot"], i["signer"], i.get("notAfter", "")))}

    def op_openSlot(self, i):
        slot = {"id": i["slot"], "enc": b64(self.at("enc")), "ct": b64(self.at("ct"))}
        return {"key": self.same("key", vsync.open_slot(i, slot, self.at("seed")))}

    def op_openBox(self, i):
        return {"plaintext": self.same("plaintext", vsync.open_box(self.at("key"), i["aad"], self.at("box")))}

    def op_openSigningKey(self, i):
        key = writer.open_signing_key(i, self.at("operatorKey"), self.at("signing"))
        return {"pkcs8": self.same("pkcs8", pkcs8(key)), "publicKey": self.same("publicKey", vsync.public(key))}

    def op_verifyNote(self, i):
        note, key = vsync.parse_note(self.at("note")), self.at("publicKey")
        vsync.verify_note(note, i["name"], key)
        return {"text": self.same("text", note[0].encode()), "keyId": self.same("keyId", vsync.key_id(i["name"], key))}

    def op_openBundle(self, i):
        _, _, items = vsync.open_bundle(self.at("bundle"), i["vault"], i["gen"], i["slot"], self.at("seed"), i["seals"])
        expected = self.out.get("items", [{}] * len(items))
        return {"items": [dict({n: item[n] for n in ("name", "kind", "mode") if n in item},
                               data=self.same("data", item["data"], want.get("data"))) for item, want in zip(items, expected)]}

    def op_openVault(self, i):
        m, _, items = scoped.open_any(*self.opening(), i.get("credential"))
        return vsync.as_json(m["gen"], m["env"], items)

    def op_decodeCredential(self, i):
        credential = scoped.Credential(i["credential"])
        return {"kind": credential.kind, "id": credential.id, "lastFour": credential.last_four}

    def op_encodeCredential(self, i):
        return {"credential": scoped.credential_text(i["kind"], self.at("seed"))}

    def op_deriveCredential(self, i):
        key = scoped.Credential(i["credential"])
        private = {"privateKey": key.seed, "signingKey": key.signing_key}
        public = {"recipient": b64(key.recipient), "signing": b64(key.signing), "id": key.id}
        return {**{name: self.same(name, raw) for name, raw in private.items()}, **public}

    def op_makeCert(self, i):
        return {"cert": scoped.make_cert(self.at("anchorKey"), i["vault"], i["signer"], i.get("notAfter"))}

    def op_openForCommit(self, _):
        try:
            m, key, _ = writer.open_for_commit(*self.opening())
        except Refused as refused:
            if refused.kind != "InputError":
                raise
            return {"readOnlyUntil": re.search(r"until (\S+):", str(refused))[1]}
        return {"signer": m["signer"], "pkcs8": self.same("pkcs8", pkcs8(key))}

    def op_manifestChain(self, i):
        raws = [self.bytes(raw) for raw in i["manifests"]]
        manifests = [vsync.parse_manifest(raw)[0] for raw in raws]
        digests = [vsync.sha256(raw) for raw in raws]
        assert [m.get("prev") for m in manifests] == [None, *digests[:-1]]
        return {"sha256": digests, "gens": [m["gen"] for m in manifests]}

    def op_auditRow(self, i):
        m, _, _ = vsync.parse_manifest(self.at("manifest"))
        assert "previousRow" not in i or vsync.sha256(self.at("previousRow")) == m["audit"]["sha256"]
        key = writer.Ed25519PrivateKey.from_private_bytes(self.at("signingKey")[16:])
        return {"key": audit.row_key(m["gen"]), "row": self.same("row", writer.sign_note(audit.row_of(m), m["vault"], key))}

    def op_verifyAudit(self, _):
        get, token, passphrase, at = self.opening()
        m = scoped.open_manifest(get, token, at) if "token" in token else vsync.open_manifest(get, token, passphrase, at)[0]
        rows, outstanding = audit.verify_audit(get, list(self.objects), m)
        return {"rows": len(rows), "outstanding": outstanding}

    def op_openGeneration(self, i):
        get, *rest = self.opening()
        m, items = audit.open_generation(get, list(self.objects), *rest, i["gen"], i["passphraseThen"])
        return vsync.as_json(i["gen"], m["env"], items)

    def op_nextTs(self, i):
        return {"ts": next_ts(i["now"], i["after"], i["taken"])}

    def op_signUsage(self, i):
        key = usage.ed25519.Ed25519PrivateKey.from_private_bytes(self.at("signingKey"))
        return {"jwt": usage.sign_statement(i["kid"], key, {"iss": f"vsync:{i['vault']}", **i["claims"]})}

    def op_readUsage(self, i):
        return {"claims": usage.read_statement(i["jwt"], self.at("signing"))}

    def op_verifyRequest(self, i):
        origin = {**i, "keys": {key["kid"]: base64.b64decode(key["public"]) for key in i["keys"]}}
        try:
            return request.verify(origin, i["now"], i["method"], i["target"], i["headers"], self.at("body"))
        except request.Refused as refused:
            return {"code": refused.code}

    def op_openUsageBatch(self, i):
        return usage.open_batch(i["vault"], i["key"], self.at("batch"), self.at("usageKey"))

    def op_openUsageObject(self, i):
        return usage.open_object(i["vault"], i["key"], self.at("object"), i["usageKeys"])

    def op_openGatewayBox(self, i):
        return gateway.open_gateway_box(self.at("operatorKey"), i["vault"], i["gen"], self.at("box"))

    def op_openTokenSlot(self, i):
        return gateway.open_token_slot(i["vault"], i["gen"], i["slot"], i["credential"])

    def op_fileStorePath(self, i):
        return {"path": vsync.file_path(i, i["key"])}


def pkcs8(key):
    return writer.PKCS8 + key.private_bytes(writer.Encoding.Raw, writer.PrivateFormat.Raw, writer.NoEncryption())


def disagreement(vector):
    """None if the client agrees with the vector, else what it did instead."""
    want = vector.vector
    try:
        out = vector.run()
    except Refused as refused:
        good = refused.kind == want.get("error") and want.get("row") in (None, getattr(refused, "row", None))
        good = good and all(part in str(refused) for part in want.get("mentions", []))
        good = good and not any(part in str(refused) for part in want.get("omits", []))
        return None if good else f"{refused.kind}: {refused}"
    except Exception as crash:
        return f"crash: {crash!r}"
    return None if "error" not in want and out == want["out"] else f"gives {out}"


def load(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def main(folder, ops):
    packed = [Vector(vector, folder) for path in sorted(glob.glob(os.path.join(folder, "*.json"))) for vector in load(path)]
    files = sorted(glob.glob(os.path.join(folder, "*", "*.json")))
    vectors = packed + [Vector(load(path), os.path.dirname(path)) for path in files]
    chosen = [vector for vector in vectors if vector.op in ops or not ops and vector.is_here]
    wrong = [(vector, found) for vector in chosen if (found := disagreement(vector)) is not None]
    for vector, found in wrong:
        print(f"{vector.vector['name']}: wants {vector.vector.get('error', 'success')}; {found}")
    others = sum(not vector.is_here for vector in vectors)
    print(f"{len(chosen) - len(wrong)} of {len(chosen)} agree" + (f"; {others} are not for this client" if others else ""))
    return 1 if wrong or not chosen else 0


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[2:]))
