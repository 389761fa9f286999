/// A durable job queue in one SQLite file: everything that a service needs to enqueue jobs and to run them.
///
/// This is the list of it. What only stores and workers need to speak with each other (claims, settlements, leases,
/// registrations) is public in the product `StintCore`, for those who write a store, and not here.
@_exported import StintSQLite
@_exported import StintWorker

@_exported import struct StintCore.AttemptDiagnostics
@_exported import struct StintCore.BulkOperation
@_exported import struct StintCore.ByteBudget
@_exported import enum StintCore.ConflictPolicy
@_exported import enum StintCore.ContentType
@_exported import struct StintCore.CronExpression
@_exported import enum StintCore.DigestFormat
@_exported import struct StintCore.DryRunReport
@_exported import struct StintCore.Enqueued
@_exported import struct StintCore.ErrorFingerprint
@_exported import struct StintCore.ErrorGroup
@_exported import struct StintCore.ErrorGroupCursor
@_exported import struct StintCore.ErrorGroupFilter
@_exported import struct StintCore.ErrorGroupID
@_exported import struct StintCore.ErrorGroupPage
@_exported import struct StintCore.FailedJob
@_exported import struct StintCore.FencingToken
@_exported import struct StintCore.GroupStats
@_exported import struct StintCore.Headers
@_exported import enum StintCore.JobChange
@_exported import struct StintCore.JobContext
@_exported import enum StintCore.JobCount
@_exported import struct StintCore.JobCursor
@_exported import struct StintCore.JobDetails
@_exported import struct StintCore.JobFailure
@_exported import struct StintCore.JobFilter
@_exported import struct StintCore.JobID
@_exported import struct StintCore.JobOptions
@_exported import struct StintCore.JobPage
@_exported import protocol StintCore.JobParameters
@_exported import struct StintCore.JobQuery
@_exported import struct StintCore.JobQueue
@_exported import struct StintCore.JobRecord
@_exported import struct StintCore.JobSelection
@_exported import enum StintCore.JobState
@_exported import protocol StintCore.JobStore
@_exported import enum StintCore.JobVerdict
@_exported import struct StintCore.LeasedJob
@_exported import enum StintCore.Limit
@_exported import enum StintCore.MissedTicks
@_exported import struct StintCore.NewJob
@_exported import struct StintCore.OperationID
@_exported import enum StintCore.QueryComparison
@_exported import struct StintCore.QueryPattern
@_exported import struct StintCore.QueryText
@_exported import struct StintCore.QueueDetails
@_exported import struct StintCore.QueueLimits
@_exported import struct StintCore.QueueName
@_exported import struct StintCore.QueueStats
@_exported import struct StintCore.Rate
@_exported import struct StintCore.ReapReport
@_exported import struct StintCore.RetryPolicy
@_exported import struct StintCore.Schedule
@_exported import enum StintCore.ScheduleChange
@_exported import struct StintCore.ScheduleDetails
@_exported import struct StintCore.ScheduleRecord
@_exported import enum StintCore.ScheduleSetting
@_exported import struct StintCore.ScheduleTick
@_exported import struct StintCore.StintError
@_exported import struct StintCore.StoreSource
@_exported import enum StintCore.WaitReason
@_exported import struct StintCore.WorkerID
@_exported import enum StintCore.WorkerOrder
@_exported import struct StintCore.WorkerRecord
