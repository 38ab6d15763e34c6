"""A link whose acts are known: see tried.py."""

from tried import run_link as run  # noqa: F401

default_options: dict = {}
