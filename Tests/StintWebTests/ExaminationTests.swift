import StintCore
import Synchronization
import TestSupport
import Testing

@testable import StintWeb

@Suite("Examinations")
struct ExaminationTests {
    private final class Store: Sendable {
        let quick = Atomic(0)
        let thorough = Atomic(0)

        func examinations(bytes: Int, until gate: AsyncStream<Void>? = nil) -> Examinations {
            var options = Dashboard.Options(access: .open(.admin))
            options.examine = {
                [.init(isGood: true, text: "look \(self.quick.add(1, ordering: .relaxed).newValue)")]
            }
            options.examineThoroughly = {
                self.thorough.add(1, ordering: .relaxed)
                if let gate { for await _ in gate { break } }
                return [.init(isGood: false, text: "found")]
            }
            options.measure = { .init(file: bytes, log: 0, free: 0) }
            return Examinations(options)
        }
    }

    @Test("a small store is read at each look")
    func small() async throws {
        let store = Store()
        let examinations = store.examinations(bytes: Examinations.smallStore)
        for look in 1...2 {
            let report = try await examinations.report()
            #expect(report.thorough?.findings.map(\.text) == ["found"] && report.runsSince == nil)
            #expect(store.thorough.load(ordering: .relaxed) == look)
        }
        // What was found a moment ago is shown again.
        #expect(store.quick.load(ordering: .relaxed) == 1)
    }

    @Test("a large store is read when somebody says so, once at a time, and looks do not wait for it")
    func large() async throws {
        let store = Store()
        let (gate, open) = AsyncStream.makeStream(of: Void.self)
        let examinations = store.examinations(bytes: Examinations.smallStore + 1, until: gate)
        let before = try await examinations.report()
        #expect(before.thorough == nil && before.quick?.findings.map(\.text) == ["look 1"])
        let runs = [await examinations.start(), await examinations.start()]
        let during = try await examinations.report()
        #expect(during.runsSince != nil && during.thorough == nil)
        open.yield()
        for run in runs { try await run?.value }
        let after = try await examinations.report()
        #expect(after.runsSince == nil && after.thorough?.findings.map(\.text) == ["found"])
        #expect(store.thorough.load(ordering: .relaxed) == 1)
    }
}
