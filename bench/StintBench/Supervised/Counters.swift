import Foundation
import Synchronization

/// A file of numbers that processes share.
///
/// `@unchecked Sendable`: each process writes to one of them, and `lock` serialises its tasks.
final class Counters: @unchecked Sendable {
    private let memory: UnsafeMutablePointer<Int64>
    private let count: Int
    private let lock = Mutex(())

    init(path: String, count: Int) throws {
        self.count = count
        let file = open(path, O_RDWR | O_CREAT, 0o600)
        guard file >= 0, ftruncate(file, off_t(count * 8)) == 0,
            let memory = mmap(nil, count * 8, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0), memory != MAP_FAILED
        else { throw BenchError("\(path) cannot be mapped") }
        close(file)
        self.memory = memory.assumingMemoryBound(to: Int64.self)
    }

    deinit { munmap(memory, count * 8) }

    func add(at index: Int) { lock.withLock { _ in memory[index] += 1 } }
    var values: [Int64] { (0..<count).map { memory[$0] } }
}
