#!/usr/bin/env python3
"""Verifies a proof bundle of `vcon-otel audit prove` with nothing of vcon-otel: "The format of a bundle" in docs/ledger.md.

Needs Python 3.9 or later and the package `cryptography`. Ends with 0: proven, 1: refused, 3: a file or key that cannot be
used, 4: signed by no given key, 11: not cosigned by each given witness; 2: wrong usage.
"""
import argparse, base64, hashlib, json, sys
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

LEDGER, WITNESS = 1, 4  # C2SP signed-note: Ed25519, and Ed25519 with a time (cosignature/v1)

def need(holds, why, code=1):
    if not holds:
        print(f"refused: {why}", file=sys.stderr)
        sys.exit(code)

def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()

def decode(text):
    return base64.b64decode(text, validate=True)

def is_signed(note, vkey, kind):
    """Whether a line of the note is of this verifier key (<name>+<id>+<base64>). Raises where one is that does not verify."""
    name, key_id, raw = [part(text) for part, text in zip((str, bytes.fromhex, decode), vkey.strip().split("+", 2))]
    need(len(raw) == 33 and raw[0] == kind and sha256(name.encode(), b"\n", raw)[:4] == key_id, "not such a key", 3)
    text, _, lines = note.rpartition("\n\n")
    found = [decode(line.split(" ")[2]) for line in lines.splitlines() if line.startswith(f"— {name} ")]
    signatures = [signature[4:] for signature in found if signature[:4] == key_id]
    for signature in signatures:
        seconds, signature = (signature[:8], signature[8:]) if kind == WITNESS else (b"", signature)
        head = f"cosignature/v1\ntime {int.from_bytes(seconds, 'big')}\n" if kind == WITNESS else ""
        Ed25519PublicKey.from_public_bytes(raw[1:]).verify(signature, f"{head}{text}\n".encode())
    return signatures != []

def root_of(leaf, index, size, proof):
    """The root that an inclusion proof leads to (RFC 6962 2.1.1): the leaf's sibling is first, the root's child last."""
    need((size > 1) == (proof != []), "a proof is not as long as its place requires")
    if size == 1:
        return leaf
    if index < (split := 1 << (size - 1).bit_length() - 1):
        return sha256(b"\1", root_of(leaf, index, split, proof[:-1]), proof[-1])
    return sha256(b"\1", proof[-1], root_of(leaf, index - split, size - split, proof[:-1]))

def in_force(keys, rotations):
    """Which keys count for which sizes of the ledger: a change of key is a record, under a checkpoint that both keys have signed."""
    terms, changes = {key.strip(): [0, float("inf")] for key in keys}, []
    for text in rotations:
        head, note = text.split("\n\n", 1)
        line, index, *proof = [part.rpartition(" ")[2] for part in head.split("\n")[1:]]
        record, (_, size, root) = json.loads(decode(line)), note.rpartition("\n\n")[0].split("\n")
        both = former, after = record["former_key"], record["verifier_key"]
        found = root_of(sha256(b"\0", decode(line)), int(index), int(size), [decode(sibling) for sibling in proof])
        need(record["event"] == "key_rotated" and record["seq"] == int(index) < int(size) and found == decode(root)
             and all([is_signed(note, key, LEDGER) for key in both]), "a change of key is not what it says", 4)
        need(not changes or former == changes[-1][1], "a change of key does not follow the one before it", 4)
        changes.append((former, after, int(size)))
    chain = [former for former, _, _ in changes] + [after for _, after, _ in changes[-1:]]
    if not any(key in terms for key in chain):
        return terms
    sizes = [0, *[size for _, _, size in changes], float("inf")]
    return {key: sizes[i:i + 2] for i, key in enumerate(chain)}

def verify(bundle, keys, witnesses, vcon):
    note, said, before = bundle["checkpoint"], [], -1
    origin, size, root = note.rpartition("\n\n")[0].split("\n")
    terms = in_force(keys, bundle.get("rotations", []))
    known = [key for key, (start, end) in terms.items() if start <= int(size) <= end]
    need(any([is_signed(note, key, LEDGER) for key in known]), "no given key, in force then, has signed the checkpoint", 4)
    need(vcon in (None, bundle["vcon_uuid"]), "it is of another vCon")
    need(bundle["records"], "it has no record, so it proves nothing")
    for index, line, proof in ((entry["index"], entry["record"], entry["proof"]) for entry in bundle["records"]):
        need(before < index < int(size), f"record {index} is there twice, out of order, or not covered")
        found = root_of(sha256(b"\0", line.encode()), index, int(size), [decode(sibling) for sibling in proof])
        need(found == decode(root), f"record {index} does not lead to the root of the checkpoint")
        record, before = json.loads(line), index
        names = (record.get("vcon_uuid"), record.get("in_vcon_uuid"))
        need(record["seq"] == index and bundle["vcon_uuid"] in names, f"record {index} is of another place or vCon")
        said.append(f"  {index} {record['timestamp']} {record['event']} {record.get('outcome', '')}".rstrip())
    need(all([is_signed(note, key, WITNESS) for key in witnesses]), "a given witness has not cosigned it", 11)
    print(f"proven: {len(said)} records are in the ledger of {size} records of {origin}", *said, sep="\n")

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("bundle")
    parser.add_argument("--key", action="append", default=[], help="a verifier key of the ledger, from elsewhere")
    parser.add_argument("--witness", action="append", default=[], help="the verifier key of a witness that must have cosigned")
    parser.add_argument("--vcon", help="the vCon that the bundle must be of")
    try:
        asked = parser.parse_args()
        with open(asked.bundle, encoding="utf-8") as file:
            verify(json.load(file), asked.key, asked.witness, asked.vcon)
    except InvalidSignature:
        need(False, "a signature of a given key does not verify")
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        need(False, f"this is no proof bundle, or no verifier key ({type(error).__name__})", 3)
