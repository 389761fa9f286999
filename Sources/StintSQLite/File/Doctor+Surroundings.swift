import CStint
import Foundation
import GRDB
import StintCore
import StintPlatform

extension SQLiteStore {
    /// The number of waits for the write lock that are tried.
    private static let tries = 20

    /// Checks what is around the tables: the log and its readers, the wait for the write lock against the leases,
    /// clocks, file system and permissions. It writes nothing.
    public func examineSurroundings() async throws -> [Finding] {
        // These read files, and so may wait for a disk.
        let executor = options.executors("stint.doctor", .unspecified)
        guard access == .full else {
            // Who writes, and how fast, does not matter to a process that only reads.
            return try await executor.run { [self.logFinding(), self.fileSystemFinding(), self.permissionsFinding()] }
        }
        var findings = try await executor.run { [self.logFinding(), try self.reserveFinding()] }
        findings += Finding.writers(try await workers())
        findings += [try await leaseFinding(), try await clockFinding()]
        return try await findings + executor.run { [self.fileSystemFinding(), self.permissionsFinding()] }
    }

    private func logFinding() -> Finding {
        let size = file.logSize
        var facts = stat()
        var last = "none yet"
        if stat(DatabaseLocks.path(beside: file.target), &facts) == 0 {
            let age = max(0, SystemClock().now().wall / 1_000 - Int64(facts.modified.tv_sec))
            last = "or first use \(age) s ago"
        }
        let readers = LockHolders(of: file.target).readers
        guard facts.st_size == 0 else {
            return Finding(
                subject: "log", isGood: false,
                description:
                    "the disk failed when it was synced, and what was committed since then may not survive a power cut; each "
                    + "write tries to repair that: look into the system's log, and make a backup elsewhere")
        }
        let isGood = size <= Checkpointer.warningSize
        let pinned = readers.isEmpty ? "no process reads now" : "read now by \(readers.joined(separator: ", "))"
        let advice =
            isGood ? "" : ": a process reads in one long transaction, so it cannot be checkpointed; end that one"
        return Finding(
            subject: "log", isGood: isGood,
            description: "\(size / 1_024) KiB, last checkpoint \(last), \(pinned)\(advice)")
    }

    private func reserveFinding() throws -> Finding {
        guard let reserve = try open.transactions.reserve else {
            return Finding(
                subject: "reserve", isGood: true,
                description: "none, since its file cannot be opened: on a full disk, acks do not fit either")
        }
        let (left, isGood) = (reserve.left, reserve.fits)
        let advice =
            left >= reserve.size
            ? ""
            : isGood ? "; the next enqueue makes it whole" : ": no new jobs are accepted until it fits; free some space"
        return Finding(
            subject: "reserve", isGood: isGood,
            description: "\(left / 1_024) of \(reserve.size / 1_024) KiB are kept for acks on a full disk\(advice)")
    }

    /// Compares the time to get the write lock with the shortest lease: a holder must be able to extend it.
    private func leaseFinding() async throws -> Finding {
        var slowest = Duration.zero
        for _ in 0..<Self.tries {
            let start = ContinuousClock.now
            try await write(diskFull: .useReserve, fence: .none) { _ in }
            slowest = max(slowest, .now - start)
        }
        let shortest = try await read { transaction in
            try transaction.statement("SELECT min(expires_at - claimed_at) FROM stint_leases").first {
                $0.optionalInt(0)
            }
        }
        let measured = "a write took at most \(slowest.milliseconds) ms (\(Self.tries) tries)"
        guard let shortest = shortest ?? nil else {
            return Finding(subject: "leases", isGood: true, description: "\(measured), and no job is leased")
        }
        // A holder extends it when a third of it has passed.
        let isGood = slowest.milliseconds < shortest / 3
        return Finding(
            subject: "leases", isGood: isGood,
            description: "\(measured), and the shortest lease lasts \(shortest) ms"
                + (isGood
                    ? ""
                    : ": workers cannot extend it in time; use longer leases, or find out what writes for so long")
        )
    }

    private func clockFinding() async throws -> Finding {
        let now = SystemClock().now()
        let newest = try await read { transaction in
            try transaction.statement("SELECT enqueued_at FROM stint_jobs ORDER BY id DESC LIMIT 1").first { $0.int(0) }
        }
        let boot = "boot \(now.boot), \(now.monotonic / 1_000) s of its clock"
        if now.boot == "unknown" {
            return Finding(
                subject: "clock", isGood: false,
                description:
                    "the boot id cannot be read (/proc/sys/kernel/random/boot_id): jobs from before a reboot come back "
                    + "only when their lease ends; mount /proc")
        }
        guard let newest, newest > now.wall + 60_000 else {
            return Finding(subject: "clock", isGood: true, description: boot)
        }
        return Finding(
            subject: "clock", isGood: false,
            description:
                "\(boot); the newest job was enqueued \((newest - now.wall) / 1_000) s from now: the wall clock was "
                + "set back. Leases do not depend on it, delayed jobs start later; set the clock right")
    }

    private func fileSystemFinding() -> Finding {
        // linux/magic.h
        let known: [Int: String] = [
            0xEF53: "ext4", 0x5846_5342: "xfs", 0x9123_683E: "btrfs", 0x2FC1_2FC1: "zfs", 0x794C_7630: "overlayfs",
            0x0102_1994: "tmpfs, which is memory: nothing survives a reboot",
        ]
        let type = stint_file_system_type(file.target)
        let name = known[type] ?? (type < 0 ? "of an unknown kind" : "of type 0x\(String(type, radix: 16))")
        var facts = statvfs()
        guard statvfs(file.target, &facts) == 0 else {
            return Finding(subject: "file system", isGood: true, description: "local, \(name)")
        }
        let free = DiskSpace.bytes(facts, \.f_bavail) / 1_048_576
        let advice = free < 8 ? ": free some space, or enqueues will be refused" : ""
        return Finding(
            subject: "file system", isGood: true, description: "local, \(name), \(free) MiB free\(advice)")
    }

    private func permissionsFinding() -> Finding {
        let target = file.target
        let suffixes = ["", "-wal", "-shm", "-lock", "-reserve", "-revoked"]
        let open = suffixes.compactMap {
            suffix -> String? in
            var facts = stat()
            guard stat(target + suffix, &facts) == 0, facts.st_mode & 0o007 != 0 else { return nil }
            return "\(target)\(suffix) (\(String(facts.st_mode & 0o777, radix: 8)))"
        }
        return Finding(
            subject: "permissions", isGood: true,
            description: open.isEmpty
                ? "only the owner and perhaps its group can reach the files"
                : "every user of this machine can reach \(open.joined(separator: ", ")), payloads included: `chmod o= FILE`"
        )
    }
}
