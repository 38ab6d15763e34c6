"""
The name that vcon_otel.py had in vcon-otel 0.1, and its options, go on working: put both files on the server's PYTHONPATH.
Named under the server's `tracers` alone, as 0.1 was, vcon_otel.py hears less than it could; see docs/conserver.md.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

try:
    import vcon_otel
except ModuleNotFoundError:
    # Beside this file, in a package of the operator's own.
    spec = importlib.util.spec_from_file_location("vcon_otel", Path(__file__).with_name("vcon_otel.py"))
    assert spec is not None and spec.loader is not None
    vcon_otel = sys.modules["vcon_otel"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(vcon_otel)

ForwardingError = vcon_otel.ForwardingError
default_options = vcon_otel.default_options
failures = vcon_otel.failures
run = vcon_otel.run
