"""The little of statsd that a tracer of the documentation uses."""

import socket


class StatsClient:
    def __init__(self, host, port, prefix):
        self.place, self.prefix = (host, port), prefix

    def _send(self, text):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            out.sendto((self.prefix + "." + text).encode(), self.place)

    def incr(self, name):
        self._send(name + ":1|c")

    def timing(self, name, milliseconds):
        self._send(name + ":" + str(milliseconds) + "|ms")
