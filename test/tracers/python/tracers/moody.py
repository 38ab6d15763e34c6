"""Does whatever the vCon's uuid says."""

import os
import sys
import time


class Refused(Exception):
    permanent = True


def trace(vcon_uuid, event, opts):
    with open(opts["file"], "a") as out:
        out.write(vcon_uuid + " " + event + "\n")
    if event != "chain_start":
        return
    seen = opts["file"] + "." + vcon_uuid
    first = not os.path.exists(seen)
    open(seen, "w").close()
    if not first:
        return
    if vcon_uuid == "raise":
        raise KeyError("kanari")
    if vcon_uuid == "refuse":
        raise Refused("kanari")
    if vcon_uuid == "sys-exit":
        sys.exit(3)
    if vcon_uuid == "exit":
        os._exit(3)
    if vcon_uuid == "hang":
        time.sleep(3600)
    if vcon_uuid.startswith("slow"):
        time.sleep(1.5)
    if vcon_uuid == "fork":
        os.fork()
    if vcon_uuid == "print":
        print("kanari" * 1_000_000)
        sys.stderr.write("kanari" * 1_000_000)


def run(in_vcon_uuid, out_vcon_uuid, tracer_name, links, link_index, opts):
    return in_vcon_uuid != "false"
