/// A durable job queue in one SQLite file: everything that a service needs to enqueue jobs and to run them.
@_exported import StintCore
@_exported import StintSQLite
@_exported import StintWorker
