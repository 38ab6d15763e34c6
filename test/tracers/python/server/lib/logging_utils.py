"""As the conserver's: loggers by name."""

import logging


def init_logger(name):
    return logging.getLogger(name)
