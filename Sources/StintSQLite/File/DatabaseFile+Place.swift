import CStint
import StintCore
import StintPlatform

/// Places where several processes would not see the same files, or not the same memory.
extension DatabaseFile {
    private static let suffixesOfLog = ["-journal", "-wal", "-shm"]

    /// SQLite follows no symbolic link there, but it reads a named pipe for ever. For other kinds of files it reports
    /// only part of what is wrong.
    func refusePlantedFiles() throws {
        for suffix in Self.suffixesOfLog {
            var facts = stat()
            guard lstat(target + suffix, &facts) == 0, facts.st_mode & S_IFMT != S_IFREG else { continue }
            throw unusable(
                "has \(quoted(target + suffix)) beside it, where SQLite keeps a file of its own, but it is not a regular file: "
                    + "find out what created it, and remove it")
        }
    }

    /// A container into which only the file is mounted has a log of its own, which no other process reads.
    func refuseMountedFiles(folder facts: stat) throws {
        for suffix in [""] + Self.suffixesOfLog {
            let name = target + suffix
            var own = stat()
            guard stat(name, &own) == 0 else { continue }
            guard own.st_dev != facts.st_dev || stint_is_mount_point(name) == 1 else { continue }
            throw unusable(
                "cannot be shared like this: \(quoted(name)) is mounted by itself, so that this process and others would "
                    + "not see the same -wal and -shm files beside it, and lose each other's jobs; mount the whole folder "
                    + "\(quoted(folder)) instead")
        }
    }

    /// Exists from when a restore begins to exchange files until it is done. A restore that was killed leaves it
    /// behind.
    var restoreMark: String { target + "-restore" }

    func refuseDuringRestore() throws {
        guard access(restoreMark, F_OK) == 0 else { return }
        throw unusable(
            "is being restored at this moment: try again; or, if \(quoted(restoreMark)) stays, the restore was "
                + "interrupted: run `stint restore` again (what was there before is in \(quoted(target + "-before-restore-…")))"
        )
    }

    /// A process that opens it by its other name has another log (https://sqlite.org/howtocorrupt.html, section 2.5).
    func refuseSecondName() throws {
        func hasSecondName() -> Bool {
            var facts = stat()
            return stat(target, &facts) == 0 && facts.st_nlink > 1
        }
        // A new database has two names for a moment; after the death of its creator, until a process sweeps.
        var tries = 0
        while hasSecondName(), sweepLeftovers(), tries < 500 {
            tries += 1
            usleep(10_000)
        }
        guard hasSecondName() else { return }
        throw unusable(
            "has a second name (a hard link), by which another process may use it without seeing the same log: remove the "
                + "other name (`find DIR -samefile \(quoted(target))` shows it), and copy with `stint backup`")
    }

    /// The log needs memory that all processes share, so none of them may be on another machine or under another
    /// kernel.
    func refuseRemoteFileSystem(allowsFUSE: Bool) throws {
        let type = stint_file_system_type(folder)
        if let reason = Self.reasonToRefuse(fileSystem: type, allowsFUSE: allowsFUSE) { throw unusable(reason) }
        if NetworkFileSystem.holds(folder) {
            throw unusable(
                "is on a network file system; put it on a local disk, since SQLite's log needs shared memory")
        }
    }

    /// FUSE; virtiofs has the same number.
    static let typeOfFUSE: UInt32 = 0x6573_5546

    /// The numbers are from linux/magic.h, and from the headers of those file systems.
    private static let remoteFileSystems: [UInt32: String] = [
        0x6969: "NFS", 0x517B: "SMB", 0xFF53_4D42: "CIFS", 0xFE53_4D42: "SMB2", 0x5346_414F: "AFS", 0x6B41_4653: "AFS",
        0x7375_7245: "Coda", 0x00C3_6400: "Ceph", 0x564C: "NCP", 0x0BD0_0BD0: "Lustre", 0x0116_1970: "GFS2",
        0x7461_636F: "OCFS2", 0x4750_4653: "GPFS", 0x0102_1997: "9p", 0x2003_0528: "OrangeFS", 0x1983_0326: "BeeGFS",
        0xAAD7_AAEA: "PanFS", 0xA501_FCF5: "VxFS of a cluster", 0x786F_4256: "folder of VirtualBox's host",
        0xBACB_ACBC: "folder of VMware's host",
    ]

    /// - Parameter type: The number from statfs(2).
    /// - Returns: The rest of a sentence about the database; `nil` for a file system that may be used, or that is not
    ///   known.
    static func reasonToRefuse(fileSystem type: Int, allowsFUSE: Bool) -> String? {
        let type = UInt32(truncatingIfNeeded: type)
        if let name = remoteFileSystems[type] {
            return
                "is on a network file system (\(name)); put it on a local disk, since SQLite's log needs shared memory"
        }
        guard type == typeOfFUSE, !allowsFUSE else { return nil }
        return
            "is on a file system that a program provides (FUSE, or virtiofs), which may be on another machine: put it on a "
            + "local disk; or, if you know that only this machine uses it and that it can share memory (mmap), set "
            + "STINT_ALLOW_FUSE=1"
    }
}
