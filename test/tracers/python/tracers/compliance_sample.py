import hashlib
import json
from datetime import datetime

from lib.logging_utils import init_logger
from server.lib.vcon_redis import VconRedis

logger = init_logger(__name__)
default_options = {"hash_algorithm": "sha256", "include_content_hash": True, "retention_policy": "7_years"}


def trace(vcon_uuid, event, opts=default_options):
    options = {**default_options, **opts}
    record = {"vcon_uuid": vcon_uuid, "event": event, "timestamp": datetime.utcnow().isoformat()}
    if options.get("include_content_hash") and event in ["chain_complete", "storage_complete"]:
        content = VconRedis().get_vcon(vcon_uuid).dumps()
        digest = hashlib.new(options["hash_algorithm"])
        digest.update(content.encode())
        record["content_hash"] = digest.hexdigest()
    with open(options["file"], "a") as out:
        out.write(json.dumps(record) + "\n")
    logger.info("Compliance record: %s", json.dumps(record))
