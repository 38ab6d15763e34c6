import time

_start_times = {}
default_options = {"statsd_host": "localhost", "statsd_port": 8125, "prefix": "vcon"}


def trace(vcon_uuid, event, opts=default_options):
    options = {**default_options, **opts}
    import statsd

    client = statsd.StatsClient(options["statsd_host"], options["statsd_port"], prefix=options["prefix"])
    client.incr("events." + event)
    if event.endswith("_start"):
        _start_times[vcon_uuid] = time.time()
    elif event.endswith("_complete") or event.endswith("_error"):
        start_time = _start_times.pop(vcon_uuid, None)
        if start_time:
            client.timing("duration." + event.rsplit("_", 1)[0], (time.time() - start_time) * 1000)
    if event.endswith("_error"):
        client.incr("errors.total")
