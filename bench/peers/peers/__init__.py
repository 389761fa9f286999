"""The peers, in the order in which they take turns."""

from __future__ import annotations

from peers.beanstalkd import Beanstalkd
from peers.peer import Peer, Surroundings
from peers.postgresql import PostgreSQL, Server
from peers.procrastinate import Procrastinate
from peers.python_file import PythonFile
from peers.stint import Stint


def all_peers(surroundings: Surroundings) -> list[Peer]:
    server = Server(surroundings)
    return [
        Stint(surroundings, "stint", batch=16),
        Stint(surroundings, "stint-64", batch=64),
        Beanstalkd(surroundings, "beanstalkd-f0", sync="0"),
        Beanstalkd(surroundings, "beanstalkd-f50", sync="50"),
        Beanstalkd(surroundings, "beanstalkd-memory", sync=None),
        PostgreSQL(surroundings, "postgresql", server, batch=16),
        PostgreSQL(surroundings, "postgresql-64", server, batch=64),
        Procrastinate(surroundings, server),
        PythonFile(surroundings, "huey", client="huey"),
        PythonFile(surroundings, "litequeue", client="litequeue"),
        PythonFile(surroundings, "litequeue-full", client="litequeue", variables={"LITEQUEUE_SYNCHRONOUS": "FULL"}),
        PythonFile(surroundings, "persist-queue", client="persist_queue", uses_threads=True),
    ]
