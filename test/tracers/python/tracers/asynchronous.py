from concurrent.futures import ThreadPoolExecutor

_executor = ThreadPoolExecutor(max_workers=5)
default_options = {}


def trace(vcon_uuid, event, opts=default_options):
    _executor.submit(_do_trace, vcon_uuid, event, opts)


def _do_trace(vcon_uuid, event, opts):
    with open(opts["file"], "a") as out:
        out.write(event + "\n")
