"""An operator's own hooks, put in place when a worker starts: some vCons are skipped, at some the hook raises."""

import hook
from tried import TriedError, chance, note

_before, _after = hook.before_processing, hook.after_processing


def before_processing(vcon_id, chain_details, context):
    match chance(vcon_id, "before", 4):
        case 0:
            note("skipped", vcon=vcon_id)
            return None
        case 1:
            note("before_raises", vcon=vcon_id)
            raise TriedError
    return _before(vcon_id, chain_details, context)


def after_processing(*args, **kwargs):
    note("after", vcon=args[0])
    return _after(*args, **kwargs)


hook.before_processing, hook.after_processing = before_processing, after_processing
