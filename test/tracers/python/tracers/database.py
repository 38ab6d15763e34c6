import json
from datetime import datetime

import psycopg2
from lib.logging_utils import init_logger

logger = init_logger(__name__)
default_options = {"host": "localhost", "database": "audit", "user": "audit", "password": "", "table": "vcon_events"}


def trace(vcon_uuid, event, opts=default_options):
    options = {**default_options, **opts}
    conn = psycopg2.connect(
        host=options["host"], database=options["database"], user=options["user"], password=options["password"]
    )
    try:
        with conn.cursor() as cur:
            cur.execute(
                "INSERT INTO " + options["table"] + " (vcon_uuid, event, timestamp, metadata) VALUES (%s, %s, %s, %s)",
                (vcon_uuid, event, datetime.utcnow(), json.dumps({"source": "vcon-server"})),
            )
        conn.commit()
    finally:
        conn.close()
