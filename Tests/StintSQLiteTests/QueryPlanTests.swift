import StintCore
import Testing

@testable import StintSQLite

/// A statement that scans or sorts is quick in a test and slow with ten million jobs.
@Suite("No hot statement scans a table or sorts")
struct QueryPlanTests {
    static let statements: [(String, String)] = [
        ("queueID", HotSQL.queueID), ("insertJob", HotSQL.insertJob), ("insertReady", HotSQL.insertReady),
        ("insertDelayed", HotSQL.insertDelayed), ("uniqueKeyHolder", HotSQL.uniqueKeyHolder),
        ("claimableQueue", HotSQL.claimableQueue), ("dueDelayed", HotSQL.dueDelayed),
        ("delayedToReady", HotSQL.delayedToReady), ("deleteDelayed", HotSQL.deleteDelayed),
        ("readyJobs", HotSQL.readyJobs), ("job", HotSQL.job), ("insertLease", HotSQL.insertLease),
        ("insertLeased", HotSQL.insertLeased), ("deleteReadyUpTo", HotSQL.deleteReadyUpTo),
        ("readyInnocents", HotSQL.readyInnocents), ("deleteReady", HotSQL.deleteReady),
        ("anyReadyInnocent", HotSQL.anyReadyInnocent), ("claimable", JobTransaction.claimable), ("lease", HotSQL.lease),
        ("deleteLeased", HotSQL.deleteLeased), ("leasedJob", HotSQL.leasedJob), ("deleteJob", HotSQL.deleteJob),
        ("leasedToDone", HotSQL.leasedToDone), ("anyBelongings", HotSQL.anyBelongings),
        ("insertDigestJob", HotSQL.insertDigestJob), ("events", HotSQL.events), ("openDigest", HotSQL.openDigest),
        ("replaceable", HotSQL.replaceable), ("markClaimed", HotSQL.markClaimed), ("insertEvent", HotSQL.insertEvent),
        ("updateDigest", HotSQL.updateDigest), ("deleteDigest", HotSQL.deleteDigest),
        ("deleteEvents", HotSQL.deleteEvents), ("deleteUniqueKey", HotSQL.deleteUniqueKey),
        ("deleteFailures", HotSQL.deleteFailures), ("shrinkLease", HotSQL.shrinkLease),
        ("deleteLease", HotSQL.deleteLease), ("addCountsAlone", HotSQL.addCountsAlone),
        ("addCountsAndActivity", HotSQL.addCountsAndActivity), ("activity", HotSQL.activity),
        ("enqueuedAt", HotSQL.enqueuedAt), ("insertReadySince", HotSQL.insertReadySince),
        ("bucket", JobTransaction.bucket), ("bucketsOfPeriod", JobTransaction.bucketsOfPeriod),
        ("firstBucket", JobTransaction.firstBucket), ("bucketsBefore", JobTransaction.bucketsBefore),
        ("bucketsAfter", JobTransaction.bucketsAfter), ("deleteBucket", JobTransaction.deleteBucket),
        ("extendLease", HotSQL.extendLease),
        ("isLeased", HotSQL.isLeased), ("anyReady", HotSQL.anyReady), ("nextDelayed", HotSQL.nextDelayed),
        ("record", JobTransaction.record), ("expiredReady", JobTransaction.expiredReady),
        ("expiredDelayed", JobTransaction.expiredDelayed), ("groupID", HotSQL.groupID), ("moveTurn", HotSQL.moveTurn),
        ("leaveLine", HotSQL.leaveLine), ("firstJobsOfGroup", HotSQL.firstJobsOfGroup),
        ("firstNewJobsOfGroup", HotSQL.firstNewJobsOfGroup), ("anyReadyLater", HotSQL.anyReadyLater),
        ("groupsInLineWithCount", HotSQL.groupsInLineWithCount),
        ("putInLine", HotSQL.putInLine), ("putGroupOfLeasedInLine", HotSQL.putGroupOfLeasedInLine),
        ("nextPaced", HotSQL.nextPaced),
        ("resumePaced", HotSQL.resumePaced), ("addStarts", HotSQL.addStarts), ("startsAhead", HotSQL.startsAhead),
        ("deleteStartsAhead", HotSQL.deleteStartsAhead), ("jobsOfGroup", HotSQL.jobsOfGroup),
        ("innocentsOfGroup", HotSQL.innocentsOfGroup), ("groupsInLine", HotSQL.groupsInLine),
        ("groupsInLineWithLoad", HotSQL.groupsInLineWithLoad), ("loadOfGroup", HotSQL.loadOfGroup),
        ("readyOfGroup", HotSQL.readyOfGroup), ("deleteReadyOfGroupUpTo", HotSQL.deleteReadyOfGroupUpTo),
        ("startsInWindow", HotSQL.startsInWindow), ("oldestStart", HotSQL.oldestStart),
        ("deleteStarts", HotSQL.deleteStarts),
        ("largestErrorGroups", JobTransaction.largestErrorGroups),
        ("queuesOfErrorGroup", JobTransaction.queuesOfErrorGroup),
        ("latestOfErrorGroup", JobTransaction.latestOfErrorGroup),
        ("ungroupedBurials", JobTransaction.ungroupedBurials), ("addErrors", JobTransaction.addErrors),
        ("removeErrors", JobTransaction.removeErrors), ("deleteErrorGroup", JobTransaction.deleteErrorGroup),
        ("failing", JobTransaction.failing), ("deletedJobs", JobTransaction.deletedJobs),
        ("operationsToPurge", JobTransaction.operationsToPurge), ("nextToIndex", JobTransaction.nextToIndex),
        ("changedJobs", JobTransaction.changedJobs), ("unindexedJobs", JobTransaction.unindexedJobs),
        ("webhookNamed", JobTransaction.webhookNamed), ("lastBuriedJobs", JobTransaction.lastBuriedJobs),
        ("jobsToExport", JobTransaction.jobsToExport), ("unrecorded", JobTransaction.unrecorded),
    ]

    /// The last is a partial index that is empty once all burials are grouped.
    private static let mayScan = [
        "SCAN CONSTANT ROW", "SCAN state", "SCAN s", "SCAN stint_buried USING INDEX stint_buried_ungrouped",
    ]

    @Test(arguments: statements)
    func plan(_ name: String, _ sql: String) async throws {
        let folder = try TemporaryFolder()
        let store = try SQLiteStore(path: folder.database)
        let plan = try await plan(of: sql, store)
        // SCAN CONSTANT ROW is the EXISTS look-up's single row; the view scans its five one-row branches.
        let bad = plan.filter {
            $0.hasPrefix("SCAN") && !Self.mayScan.contains($0)
                || $0.contains("TEMP B-TREE")
        }
        #expect(bad.isEmpty, "\(name): \(plan)")
    }

    static let scopes: [QueryPlan.Scope] = [.all, .queue(1), .group(1), .errors(1), .job(1)]

    @Test(
        "a query's jobs are read from where the page before has ended, in the order of an index, whatever it looks at",
        arguments: JobState.allCases, scopes)
    func query(state: JobState, scope: QueryPlan.Scope) async throws {
        if case .errors = scope, state != .buried { return }
        let folder = try TemporaryFolder()
        let store = try SQLiteStore(path: folder.database)
        for isReversed in [false, true] {
            for needs in [QueryPlan.Needs(), .errors, .job, [.headers, .errors, .payload, .errorGroup, .payloadSize]] {
                let sql = JobTransaction.jobs(state, scope, isReversed: isReversed, needs: needs)
                let plan = try await plan(of: sql, store)
                // There are few leased jobs, and all leases of a queue are read.
                let bad = plan.filter {
                    $0.contains("TEMP B-TREE") || $0.hasPrefix("SCAN") && !($0.hasPrefix("SCAN s") && state == .leased)
                }
                #expect(bad.isEmpty, "\(isReversed): \(plan)")
            }
        }
        if scope.isOfIndex {
            let places = try await plan(of: JobTransaction.places(state, scope), store)
            #expect(!places.contains { $0.contains("TEMP B-TREE") || $0.hasPrefix("SCAN") && state != .leased })
        }
        if scope.isOfIndex, scope != .all {
            let listed = try await plan(
                of: JobTransaction.places(ofListed: state, scope, isReversed: false), store)
            #expect(!listed.contains { $0.hasPrefix("SCAN") && !$0.hasPrefix("SCAN c") }, "\(listed)")
            let one = try await plan(
                of: JobTransaction.jobs(state, scope, isReversed: false, needs: [.errors, .payload], isOne: true), store
            )
            #expect(!one.contains { $0.hasPrefix("SCAN") || $0.contains("TEMP B-TREE") }, "\(one)")
        }
        let record = try await plan(of: JobTransaction.record(in: state), store)
        #expect(!record.contains { $0.hasPrefix("SCAN") || $0.contains("TEMP B-TREE") }, "\(record)")
    }

    @Test(
        "what a claim reads of a group it finds by the group, past no job of another one",
        arguments: [
            HotSQL.groupsInLine, HotSQL.groupsInLineWithLoad, HotSQL.groupsInLineWithCount, HotSQL.firstJobsOfGroup,
            HotSQL.firstNewJobsOfGroup, HotSQL.jobsOfGroup, HotSQL.innocentsOfGroup,
            HotSQL.loadOfGroup, HotSQL.runningOfGroup, HotSQL.deleteReadyOfGroupUpTo, HotSQL.readyOfGroup,
            HotSQL.anyReadyInLine,
        ])
    func groups(sql: String) async throws {
        let folder = try TemporaryFolder()
        let store = try SQLiteStore(path: folder.database)
        let plan = try await plan(of: sql, store)
        let known = [
            "stint_groups_turn (queue_id=", "stint_ready_group (group_id=", "stint_leased_group (group_id=",
            "stint_delayed_group (group_id=",
        ]
        let bad = plan.filter { step in
            !step.hasPrefix("SCALAR SUBQUERY") && !step.hasPrefix("CORRELATED SCALAR SUBQUERY")
                && step != "SCAN CONSTANT ROW" && !known.contains { step.contains($0) }
        }
        #expect(bad.isEmpty, "\(plan)")
    }

    @Test("a claim reads the jobs of a group from the index alone, if all of the queue are ready since their enqueue")
    func coveringIndex() async throws {
        let folder = try TemporaryFolder()
        let store = try SQLiteStore(path: folder.database)
        let plan = try await self.plan(of: HotSQL.firstNewJobsOfGroup, store)
        #expect(plan == ["SEARCH stint_ready USING COVERING INDEX stint_ready_group (group_id=?)"])
        let look = try await self.plan(of: HotSQL.anyReadyLater, store)
        #expect(look.count == 1 && look[0].contains("INDEX stint_ready_since (queue_id="), "\(look)")
    }

    @Test("a claim deletes a range of the clustered index")
    func rangeDelete() async throws {
        let folder = try TemporaryFolder()
        let store = try SQLiteStore(path: folder.database)
        let plan = try await plan(of: HotSQL.deleteReadyUpTo, store)
        #expect(plan == ["SEARCH stint_ready USING PRIMARY KEY (queue_id=? AND (priority,job_id)<(?,?))"])
    }

    /// Tables with a row for each worker or lease are small; those with waiting jobs and old failures are not.
    @Test(
        "what happens once a lease or a minute scans small tables at most",
        arguments: [
            ("leasesOfWorker", JobTransaction.leasesOfWorker, ["stint_leases"]),
            ("heldJobs", JobTransaction.heldJobs, ["d"]),
            ("jobsOfLease", JobTransaction.jobsOfLease, ["l"]),
            ("endedLeases", JobTransaction.endedLeases, ["stint_leases"]),
            (
                "unseen", JobTransaction.unseen,
                ["stint_workers", "stint_leases"]
            ),
            ("latestFailures", JobTransaction.latestFailures, ["f"]),
            ("latestDeaths", JobTransaction.latestDeaths, ["f USING INDEX stint_failures_deaths"]),
            (
                "oldestReady", JobTransaction.oldestReady,
                ["place", "(subquery-5)", "(subquery-6)", "(subquery-7)"]
            ),
        ])
    func rarePlan(_ name: String, _ sql: String, _ mayScan: [String]) async throws {
        let folder = try TemporaryFolder()
        let store = try SQLiteStore(path: folder.database)
        let plan = try await plan(of: sql, store)
        let bad = plan.filter { step in
            step.hasPrefix("SCAN") && !mayScan.contains { step == "SCAN \($0)" } || step.contains("TEMP B-TREE")
        }
        #expect(bad.isEmpty, "\(name): \(plan)")
    }

    /// Unbound parameters are NULL; the planner ignores their values.
    private func plan(of sql: String, _ store: SQLiteStore) async throws -> [String] {
        try await store.writer.run { database in
            try Statement("EXPLAIN QUERY PLAN \(sql)", database).rows { $0.text(3) }
        }
    }
}
