import StintPlatform
import Subprocess
import Testing

@Suite("A disk that is full or fails", .timeLimit(.minutes(15)))
struct DiskTests {
    @Test("at each call, once or until it is mended: what returned is there, what was refused is not, and all goes on")
    func failing() async throws {
        let seed = UInt32.random(in: 0 ... .max)
        print(try await torture("disk", "--seed", "\(seed)", "--stride", "100"))
    }

    /// If nothing can be mounted, SQLite's page limit replaces the disk: in StorageTests, which always runs.
    @Test(
        "on a tmpfs that is full: running jobs are settled, nothing is taken on, and when there is room all goes on",
        .enabled("no file system can be mounted here; only max_page_count was tried") { await canMount() })
    func full() async throws {
        let folder = try TemporaryFolder()
        let result = try await inNamespace(
            #"mount -t tmpfs -o size=64m none "$1" && exec "$2" full-disk --disk "$1""#, folder.path, stintTorture)
        #expect(result.isGood, "\(result.text)")
        print(result.text)
    }
}

private func canMount() async -> Bool {
    do {
        return try await inNamespace("mount -t tmpfs none /mnt").isGood
    } catch {
        return false
    }
}

/// A script with a mount namespace of its own; what it mounts vanishes with its last process.
private func inNamespace(
    _ script: String, _ arguments: String...
) async throws -> (isGood: Bool, text: String) {
    let result = try await Subprocess.run(
        .name("unshare"), arguments: Arguments(["--mount", "--map-root-user", "sh", "-c", script, "sh"] + arguments),
        output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
    return (result.terminationStatus == .exited(0), "\(result.standardOutput)\(result.standardError)")
}
