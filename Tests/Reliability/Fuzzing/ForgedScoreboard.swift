import Foundation
import TestSupport

/// The scoreboard of a worker as another program might write it: noise, or a sound one with nonsense; see
/// `ScoreboardFile`.
enum ForgedScoreboard {
    static func write(_ path: String, of worker: Int64, _ chance: inout SeededGenerator) throws {
        let bytes: [UInt8]
        switch chance.below(5) {
        case 0: return
        case 1: bytes = chance.bytes(chance.below(200))
        case 2: bytes = chance.bytes(40 * chance.below(8))
        case 3: bytes = words(header(worker, records: chance.next())) + chance.bytes(40 * chance.below(4))
        default:
            let count = chance.below(4)
            let records = (0..<count).flatMap { _ in record(worker, &chance) }
            bytes = words(header(worker, records: UInt64(count)) + records)
        }
        try Data(bytes).write(to: URL(filePath: path))
        // A sound one names its own inode.
        var facts = stat()
        guard bytes.count >= 40, chance.below(4) > 0, stat(path, &facts) == 0 else { return }
        let file = try FileHandle(forUpdating: URL(filePath: path))
        try file.seek(toOffset: 32)
        try file.write(contentsOf: Data(words([UInt64(facts.st_ino)])))
        try file.close()
    }

    private static func header(_ worker: Int64, records: UInt64) -> [UInt64] {
        [UInt64(bigEndian: 0x5354_494E_5453_4232), UInt64(bitPattern: worker), records, 0, 0]
    }

    /// With the right check sum.
    private static func record(_ worker: Int64, _ chance: inout SeededGenerator) -> [UInt64] {
        let facts = [
            Int64(chance.below(40)), Int64(20 + chance.below(10)), Hostile.number(&chance),
            chance.below(2) == 0 ? 0 : Hostile.number(&chance),
        ].map { UInt64(bitPattern: $0) }
        let check = (facts + [UInt64(bitPattern: worker)]).reduce(0xCBF2_9CE4_8422_2325 as UInt64) {
            ($0 ^ $1) &* 0x0000_0100_0000_01B3
        }
        return facts + [check]
    }

    private static func words(_ words: [UInt64]) -> [UInt8] { words.withUnsafeBytes { Array($0) } }
}
