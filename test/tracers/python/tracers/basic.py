import json
from datetime import datetime

from lib.logging_utils import init_logger

logger = init_logger(__name__)
default_options = {"log_file": "/var/log/vcon/audit.log", "include_vcon_data": False}


def trace(vcon_uuid, event, opts=default_options):
    options = {**default_options, **opts}
    record = {"timestamp": datetime.utcnow().isoformat(), "vcon_uuid": vcon_uuid, "event": event}
    if options.get("include_vcon_data"):
        from server.lib.vcon_redis import VconRedis

        vcon = VconRedis().get_vcon(vcon_uuid)
        record["vcon_summary"] = {"parties": len(vcon.parties), "dialog_count": len(vcon.dialog)}
    with open(options["log_file"], "a") as out:
        out.write(json.dumps(record) + "\n")
    logger.debug("Traced %s for %s", event, vcon_uuid)
