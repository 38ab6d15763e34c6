#!/usr/bin/env python3
"""Verifies the attestations of vcon-otel's `attest` tracer with other people's programs: in-toto and securesystemslib from PyPI.

    verify_attestations.py DIRECTORY --key verify-key.pem [--layout main.layout --layout-key layout-key.pem]

Needs Python 3.9 or later and the package `in-toto` (3.1). Every envelope is verified by in-toto. With a layout, in-toto
verifies its signature and its end, and of each complete run of its chain the keys and the rules of each step, with links made
of the statements as the in-toto attestation framework says (spec/predicates/link.md, "Converting to old-style links").
Ends with 0: verified, 1: refused, 2: wrong usage, 3: a file that cannot be used.
"""
import argparse, json, pathlib, sys
from copy import deepcopy
from in_toto import exceptions, verifylib
from in_toto.models._signer import load_public_key_from_file
from in_toto.models.link import Link
from in_toto.models.metadata import Envelope, Metadata

LINK = "https://in-toto.io/attestation/link/v0.3"

class StatementEnvelope(Envelope):
    """An envelope whose payload is a statement: as old-style link, for the rules of a layout."""

    def statement(self):
        found = json.loads(self.payload)
        if found.get("_type") != "https://in-toto.io/Statement/v1" or found.get("predicateType") != LINK:
            raise exceptions.InvalidMetadata("not a link statement")
        return found

    def get_payload(self):
        found = self.statement()
        predicate = found["predicate"]
        return Link(
            name=predicate["name"],
            byproducts=predicate["byproducts"],
            environment=predicate["environment"],
            materials={one["name"]: one["digest"] for one in predicate["materials"]},
            products={one["name"]: one["digest"] for one in found["subject"]},
        )

def refuse(what, error):
    print(f"refused: {what}: {type(error).__name__}: {error}")
    return 1

def read_envelopes(directory):
    for file in sorted(pathlib.Path(directory).glob("attestations-*.intoto.jsonl")):
        for number, line in enumerate(filter(None, file.read_text().split("\n")), 1):
            yield f"{file.name}:{number}", line

def verify_run(layout, envelopes):
    """What `in_toto_verify` does, with envelopes that are in one file rather than in one for each step."""
    steps = {step.name: {} for step in layout.steps}
    for envelope in envelopes:
        name = envelope.statement()["predicate"]["name"]
        for keyid in envelope.signatures:
            steps.get(name, {})[keyid] = envelope
    steps = verifylib.verify_link_signature_thresholds(layout, steps)
    links = {name: {keyid: one.get_payload() for keyid, one in found.items()} for name, found in steps.items()}
    verifylib.verify_threshold_constraints(layout, links)
    verifylib.verify_all_item_rules(layout.steps, verifylib.reduce_chain_links(links))

def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("directory")
    parser.add_argument("--key", action="append", default=[])
    parser.add_argument("--layout")
    parser.add_argument("--layout-key")
    args = parser.parse_args()
    if bool(args.layout) != bool(args.layout_key) or not (args.key or args.layout):
        parser.error("give --key, or --layout with --layout-key")
    layout, chain = None, None
    try:
        keys = [load_public_key_from_file(path) for path in args.key]
        lines = list(read_envelopes(args.directory))
        if args.layout:
            metadata, key = Metadata.load(args.layout), load_public_key_from_file(args.layout_key)
    except Exception as error:
        print(f"cannot be used: {type(error).__name__}", file=sys.stderr)
        return 3
    if args.layout:
        try:
            verifylib.verify_metadata_signatures(metadata, {key["keyid"]: key})
            layout = metadata.get_payload()
            verifylib.verify_layout_expiration(layout)
            chain = json.loads(layout.readme[len("The chain "):-len(" of a conserver.")])
        except Exception as error:
            return refuse(args.layout, error)
        keys += list(layout.keys.values())
    code, runs = 0, {}
    for place, line in lines:
        try:
            envelope = StatementEnvelope.from_dict(json.loads(line))
            verified = [key for key in keys if key["keyid"] in envelope.signatures]
            if not verified:
                raise exceptions.SignatureVerificationError("signed by none of the given keys")
            for key in verified:
                envelope.verify_signature(deepcopy(key))
            environment = envelope.statement()["predicate"]["environment"]
            runs.setdefault((environment["chain"], environment["run_id"]), []).append(envelope)
        except Exception as error:
            code = refuse(place, error)
    compared = 0
    for (of, run), envelopes in runs.items():
        said = [envelope.statement()["predicate"] for envelope in envelopes]
        ends = [one["byproducts"]["outcome"] for one in said if one["environment"]["stage"] == "chain"]
        # in-toto knows no chain that ends early: of one that was halted, failed or is under way there are signatures only.
        if of != chain or "complete" not in ends:
            continue
        try:
            links = [one for one in envelopes if one.statement()["predicate"]["environment"]["stage"] == "link"]
            verify_run(layout, links)
            compared += 1
        except Exception as error:
            code = refuse(f"run {run}", error)
    if code == 0:
        print(f"verified: {len(lines)} envelopes of {len(runs)} runs, {compared} of them compared with the layout")
    return code

if __name__ == "__main__":
    sys.exit(main())
