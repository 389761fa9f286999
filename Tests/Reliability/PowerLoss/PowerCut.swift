import Foundation
import TestSupport

/// What a power cut leaves of the operations on files: all that was synced, and of the rest what the disk had written,
/// in any order, whole or in sectors.
///
/// It assumes what SQLite assumes: a sector of 512 bytes is written whole or not at all, and bytes that are not written
/// do not change ("powersafe overwrite"). It assumes no order between files, between names and contents, or among the
/// names of a folder: a name is certainly there only if its folder was synced.
struct PowerCut: Sendable {
    private static let sector = 512

    let record: FileRecord
    /// The operations before it were done.
    let time: Int
    let rest: DiskRest

    /// Puts what is left into an empty folder.
    func leave(in folder: String, _ chance: inout SeededGenerator) throws {
        let operations = record.operations[..<time]
        var (synced, syncedNames) = ([Int: Int](), 0)
        for operation in operations {
            switch operation {
            case .sync(let file, let covered): synced[file] = covered
            case .syncFolder(let covered): syncedNames = covered
            case .write, .truncate, .name, .unname, .mark: continue
            }
        }
        var names = record.names
        var contents = record.contents
        var late: [Int] = []
        for (index, operation) in operations.enumerated() {
            switch operation {
            case .name(let name, let file) where index < syncedNames || happens(&chance): names[name] = file
            case .unname(let name) where index < syncedNames || happens(&chance): names[name] = nil
            case .write(let file, _, _), .truncate(let file, _):
                if index < synced[file] ?? 0 {
                    Self.perform(operation, on: &contents[file])
                } else {
                    late.append(index)
                }
            case .name, .unname, .sync, .syncFolder, .mark: continue
            }
        }
        if rest != .everything && Bool.random(using: &chance) { late.shuffle(using: &chance) }
        for index in late { performLate(operations[index], on: &contents, &chance) }
        for (name, file) in names {
            try Data(contents[file]).write(to: URL(filePath: "\(folder)/\(name)"))
        }
    }

    private func happens(_ chance: inout SeededGenerator) -> Bool {
        Double.random(in: 0..<1, using: &chance) < rest.chance
    }

    private func performLate(
        _ operation: FileRecord.Operation, on contents: inout [[UInt8]], _ chance: inout SeededGenerator
    ) {
        switch operation {
        case .truncate(let file, _):
            if happens(&chance) { Self.perform(operation, on: &contents[file]) }
        case .write(let file, let offset, let bytes):
            if rest == .everything || happens(&chance) && Bool.random(using: &chance) {
                return Self.perform(operation, on: &contents[file])
            }
            var start = 0
            while start < bytes.count {
                let end = min(bytes.count, start + Self.sector - (offset + start) % Self.sector)
                if happens(&chance) {
                    let part = FileRecord.Operation.write(
                        file: file, offset: offset + start, bytes: Array(bytes[start..<end]))
                    Self.perform(part, on: &contents[file])
                }
                start = end
            }
        case .name, .unname, .sync, .syncFolder, .mark: break
        }
    }

    private static func perform(_ operation: FileRecord.Operation, on content: inout [UInt8]) {
        switch operation {
        case .write(_, let offset, let bytes):
            let end = offset + bytes.count
            if content.count < end { content += [UInt8](repeating: 0, count: end - content.count) }
            // In memory, since these are megabytes for each cut and the tests are not optimized.
            content.withUnsafeMutableBytes { content in
                UnsafeMutableRawBufferPointer(rebasing: content[offset..<end]).copyBytes(from: bytes)
            }
        case .truncate(_, let size):
            if content.count > size { content.removeLast(content.count - size) }
        case .name, .unname, .sync, .syncFolder, .mark: break
        }
    }
}

/// How much of what was not synced is on the disk when the power is cut.
package enum DiskRest: String, CaseIterable, Sendable {
    case nothing, little, half, most, everything

    var chance: Double {
        switch self {
        case .nothing: 0
        case .little: 0.1
        case .half: 0.5
        case .most: 0.9
        case .everything: 1
        }
    }
}
