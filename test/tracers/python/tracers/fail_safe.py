from lib.logging_utils import init_logger

logger = init_logger(__name__)
default_options = {}


def trace(vcon_uuid, event, opts=default_options):
    options = {**default_options, **opts}
    try:
        raise RuntimeError("kanari: cannot be sent")
    except Exception as error:
        logger.error("Tracing failed: %s", error)
        if options.get("dlq_vcon_on_error", False):
            raise
