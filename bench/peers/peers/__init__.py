"""The peers, in the order in which they take turns."""

from __future__ import annotations

from peers.beanstalkd import Beanstalkd
from peers.honker import Honker
from peers.peer import Peer, Surroundings
from peers.postgresql import PostgreSQL, Server
from peers.procrastinate import Procrastinate
from peers.python_file import PythonFile
from peers.python_postgres import PythonPostgres
from peers.stint import Stint
from peers.stint_postgres import StintPostgres


def all_peers(surroundings: Surroundings) -> list[Peer]:
    server = Server(surroundings)
    return [
        Stint(surroundings, "stint", batch=16),
        Stint(surroundings, "stint-64", batch=64),
        Stint(surroundings, "stint-supervised", batch=16, is_supervised=True),
        Stint(surroundings, "stint-supervised-64", batch=64, is_supervised=True),
        Beanstalkd(surroundings, "beanstalkd-f0", sync="0"),
        Beanstalkd(surroundings, "beanstalkd-f50", sync="50"),
        Beanstalkd(surroundings, "beanstalkd-memory", sync=None),
        PostgreSQL(surroundings, "postgresql", server, batch=16),
        PostgreSQL(surroundings, "postgresql-64", server, batch=64),
        Procrastinate(surroundings, server),
        Honker(surroundings, "honker", client="honker", batch=16),
        Honker(surroundings, "honker-64", client="honker", batch=64),
        Honker(surroundings, "honker-full", client="honker_extension", batch=16),
        Honker(surroundings, "honker-full-64", client="honker_extension", batch=64),
        PythonFile(surroundings, "huey", client="huey"),
        PythonFile(surroundings, "litequeue", client="litequeue"),
        PythonFile(surroundings, "litequeue-full", client="litequeue", variables={"LITEQUEUE_SYNCHRONOUS": "FULL"}),
        PythonFile(surroundings, "persist-queue", client="persist_queue", uses_threads=True),
    ]


def postgres_peers(surroundings: Surroundings) -> list[Peer]:
    """Stint's store in PostgreSQL, and queues on the same server."""
    server = Server(surroundings)
    return [
        StintPostgres(surroundings, "stint", server, batch=16),
        StintPostgres(surroundings, "stint-64", server, batch=64),
        StintPostgres(surroundings, "stint-supervised", server, batch=16, is_supervised=True),
        StintPostgres(surroundings, "stint-supervised-64", server, batch=64, is_supervised=True),
        StintPostgres(surroundings, "stint-store", server, batch=16, is_store=True),
        StintPostgres(surroundings, "stint-store-64", server, batch=64, is_store=True),
        PostgreSQL(surroundings, "client", server, batch=16),
        PostgreSQL(surroundings, "client-64", server, batch=64),
        PostgreSQL(surroundings, "candidate-a", server, batch=16, form="tight", baseline="stint-store"),
        PostgreSQL(surroundings, "candidate-a-64", server, batch=64, form="tight", baseline="stint-store"),
        Procrastinate(surroundings, server),
        PythonPostgres(
            surroundings, "pgqueuer", server, settings="its QueueManager that drains the queue, batch 16",
            left="SELECT count(*) FROM pgqueuer", share=0.1),
        PythonPostgres(
            surroundings, "awa", server, settings="its runtime, 64 jobs at once a process, enqueue_many_copy of 16",
            left="SELECT count(*) FROM awa.jobs WHERE state <> 'completed'", share=0.25),
        PythonPostgres(
            surroundings, "absurd", server, settings="work_batch of its synchronous client, batch 16",
            left="SELECT count(*) FROM absurd.t_bench WHERE state <> 'completed'", share=0.05),
    ]
