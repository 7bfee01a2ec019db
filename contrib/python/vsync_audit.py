#!/usr/bin/env python3
"""Verifies the audit rows (docs/format.md §6) and opens older generations (§7).

  vsync_audit.py          verify the rows of the vault of VSYNC_CONFIG and VSYNC_PASSPHRASE down to the first, print them
  vsync_audit.py <gen>    open a generation; its own passphrase, if it had another, in VSYNC_PASSPHRASE_THEN"""
import os, re, sys
from vsync_client import (
    CORRUPT, FORGED, Refused, as_json, check, dump, fetch_bundle, fields, file_path, hkdf, main, need, now, open_items,
    open_manifest, open_slot, parse_bundle, parse_manifest, parse_note, reader, sha256, slot_of, strict_json, tried, un64,
    cost_of, derive, verify_note)


class Broken(Refused):
    def __init__(self, row, why):
        super().__init__("AuditBrokenError", f"audit row {row}: {why}")
        self.row = row


def row_key(gen):
    return f"audit/{gen:012d}"


def row_of(m):
    row = {name: m[name] for name in fields("row") if name in m and name != "prev"}
    return {**row, "format": "vsync-audit-v1", **({"prev": m["audit"]["sha256"]} if "audit" in m else {})}


def check_row(raw, m, gen, signer):
    note = parse_note(raw)
    row = check(tried(FORGED, "JSON", strict_json, note[0][:-1].encode()), "row", FORGED, "vsync-audit-v1")
    here = (row["vault"], row["gen"], row["prev_gen"], row["signer"], "prev" in row)
    need(here == (m["vault"], gen, gen - 1, signer, gen > 1), FORGED, "not the row of this place")
    verify_note(note, "vsync/" + m["vault"], un64(signer))
    need(gen < m["gen"] or note[0] == dump(row_of(m)) + "\n", FORGED, "not what the manifest gives")
    return row


def verify_audit(get, keys, m, down_to=1):
    """The rows, newest first, and the generation whose row is outstanding, or None."""
    present = {int(key[6:]) for key in keys if re.fullmatch("audit/[0-9]{12}", key, re.ASCII)}
    newest = max(present, default=0)
    if newest > m["gen"] and ((again := get("manifest")) is None or parse_manifest(again)[0]["gen"] < newest):
        raise Broken(newest, "manifest rolled back")
    anchor, rows = m.get("audit", {}).get("sha256"), []
    gen, signer, digest, outstanding = m["gen"], m["signer"], None, None
    if gen not in present:
        gen, signer, digest, outstanding = m["prev_gen"], m.get("prev_signer", signer), anchor, gen
    while gen >= down_to:
        if (raw := get(row_key(gen))) is None:
            raise Broken(gen, "missing")
        if {digest, anchor if gen == m["prev_gen"] else None} - {None, sha256(raw)}:
            raise Broken(gen, "not the one that was linked")
        try:
            rows.append(row := check_row(raw, m, gen, signer))
        except Refused as refused:
            raise Broken(gen, str(refused)) from None
        digest, signer, gen = row.get("prev"), row.get("prev_signer", row["signer"]), gen - 1
    return rows, outstanding


def open_generation(get, keys, token, passphrase, at, gen, then):
    m, _, _ = open_manifest(get, token, passphrase, at)
    need(1 <= gen <= m["gen"], "InputError", "no such generation")
    rows, _ = verify_audit(get, keys, m, gen)
    raw = fetch_bundle(get, rows[-1]["bundle"] if rows and rows[-1]["gen"] == gen else m["bundle"])
    header, boxes = parse_bundle(raw, m["vault"], gen)
    for candidate in header["slots"]:
        if "kdf" not in candidate:
            continue
        slot = slot_of(header, candidate["id"])
        try:
            key = open_slot(header, slot, derive(then, cost_of(slot["kdf"], CORRUPT))["seed"], closed="closed")
        except Refused as refused:
            if refused.kind != "closed":
                raise
            continue
        return m, open_items(header, boxes, hkdf(key, "vsync-root-v1") if slot["seals"] == "O" else key)
    raise Refused("WrongPassphraseError", "no slot of that generation")


def rows_in(token):
    folder = file_path(token, "audit")
    return [f"audit/{name}" for name in os.listdir(folder)] if os.path.isdir(folder) else []


def run(token, passphrase):
    get, keys = reader(token), rows_in(token)
    if len(sys.argv) > 1:
        gen, then = int(sys.argv[1]), os.environ.get("VSYNC_PASSPHRASE_THEN", passphrase)
        m, items = open_generation(get, keys, token, passphrase, now(), gen, then)
        return as_json(gen, m["env"], items)
    rows, outstanding = verify_audit(get, keys, open_manifest(get, token, passphrase, now())[0])
    return {"rows": rows, "outstanding": outstanding}


if __name__ == "__main__":
    main(run)
