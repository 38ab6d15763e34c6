from datetime import datetime

import requests
from lib.logging_utils import init_logger

logger = init_logger(__name__)
default_options = {"api_url": "https://audit.example.com/events", "api_key": "", "system_id": "vcon-server"}


def trace(vcon_uuid, event, opts=default_options):
    options = {**default_options, **opts}
    payload = {
        "system_id": options["system_id"],
        "entity_id": vcon_uuid,
        "entity_type": "vcon",
        "event_type": event,
        "timestamp": datetime.utcnow().isoformat(),
    }
    try:
        headers = {"Authorization": "Bearer " + options["api_key"], "Content-Type": "application/json"}
        response = requests.post(options["api_url"], headers=headers, json=payload, timeout=5)
        response.raise_for_status()
    except requests.RequestException as error:
        logger.error("Failed to send audit event: %s", error)
        if options.get("dlq_vcon_on_error", False):
            raise
