"""A storage whose acts are known: see tried.py."""

from tried import save  # noqa: F401

default_options: dict = {}
