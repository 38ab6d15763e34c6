"""The little of psycopg2 that a tracer of the documentation uses, over SQLite."""

import sqlite3


def connect(host, database, user, password):
    return Connection(sqlite3.connect(database, timeout=30))


class Connection:
    def __init__(self, inner):
        self.inner = inner
        inner.execute("CREATE TABLE IF NOT EXISTS vcon_events (vcon_uuid, event, timestamp, metadata)")

    def cursor(self):
        return Cursor(self.inner.cursor())

    def commit(self):
        self.inner.commit()

    def close(self):
        self.inner.close()


class Cursor:
    def __init__(self, inner):
        self.inner = inner

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return False

    def execute(self, statement, values):
        self.inner.execute(statement.replace("%s", "?"), [str(value) for value in values])
