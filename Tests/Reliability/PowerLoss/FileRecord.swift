import CFaults
import Foundation

/// The operations on the files of a folder, from a moment on at which everything was on disk.
struct FileRecord: Sendable {
    /// A file is a number, and may have several names or none.
    enum Operation: Sendable {
        case write(file: Int, offset: Int, bytes: [UInt8])
        case truncate(file: Int, size: Int)
        /// What came before `covered` is on disk.
        case sync(file: Int, covered: Int)
        case name(String, file: Int)
        case unname(String)
        /// Names that were added and removed before `covered` are on disk.
        case syncFolder(covered: Int)
        case mark(Int)
    }

    /// What the files held at first, by their names.
    private(set) var names: [String: Int] = [:]
    private(set) var contents: [[UInt8]] = []
    private(set) var operations: [Operation] = []

    /// Records what `body` has done to the files of a folder through SQLite in this process, and by link(2).
    ///
    /// One at a time in a process.
    init(of folder: String, while body: () async throws -> Void) async throws {
        for name in try FileManager.default.contentsOfDirectory(atPath: folder) where !Self.isLeftOut(name) {
            names[name] = contents.count
            contents.append([UInt8](try Data(contentsOf: URL(filePath: "\(folder)/\(name)"))))
        }
        faults_only(folder + "/")
        faults_record(true)
        do {
            try await body()
        } catch {
            faults_record(false)
            throw error
        }
        faults_record(false)
        faults_only(nil)
        try sortOut(folder)
    }

    /// The shared memory is lost in a power cut, and files of no database are not recorded.
    private static func isLeftOut(_ name: String) -> Bool {
        !name.contains(".db") || name.hasSuffix("-shm") || name.hasSuffix("-lock") || name.contains("-worker-")
            || name.hasSuffix("-reserve")
    }

    private mutating func sortOut(_ folder: String) throws {
        var names = names
        // The kernel gives the number of a deleted file to a new one.
        var files: [UInt64: Int] = [:]
        for index in 0..<faults_event_count() {
            let event = faults_event_at(index)
            let name = event.path.map { String(String(cString: $0).dropFirst(folder.utf8.count + 1)) } ?? ""
            operations.append(try operation(event, name, &names, &files))
        }
    }

    private mutating func operation(
        _ event: faults_event, _ name: String, _ names: inout [String: Int], _ files: inout [UInt64: Int]
    ) throws -> Operation {
        func file() throws -> Int {
            guard let file = files[event.file] else { throw TortureError("\(name) is written to and was not opened") }
            return file
        }
        switch event.kind {
        case FAULTS_OPEN where event.offset == 1:
            contents.append([])
            files[event.file] = contents.count - 1
            names[name] = contents.count - 1
            return .name(name, file: contents.count - 1)
        case FAULTS_OPEN:
            guard let known = names[name] else {
                // Stint creates the file, with only its name, and SQLite then fills it.
                contents.append([])
                files[event.file] = contents.count - 1
                names[name] = contents.count - 1
                return .name(name, file: contents.count - 1)
            }
            files[event.file] = known
            return .mark(-1)
        case FAULTS_LINK:
            names[name] = try file()
            return .name(name, file: try file())
        case FAULTS_DELETE:
            names[name] = nil
            return .unname(name)
        case FAULTS_WRITE:
            let bytes = UnsafeRawBufferPointer(start: event.bytes, count: Int(event.count))
            return .write(file: try file(), offset: Int(event.offset), bytes: Array(bytes))
        case FAULTS_TRUNCATE: return .truncate(file: try file(), size: Int(event.offset))
        case FAULTS_SYNC: return .sync(file: try file(), covered: Int(event.offset))
        case FAULTS_SYNC_FOLDER: return .syncFolder(covered: Int(event.offset))
        case FAULTS_MARK: return .mark(Int(event.offset))
        default: throw TortureError("an event of the kind \(event.kind)")
        }
    }
}
