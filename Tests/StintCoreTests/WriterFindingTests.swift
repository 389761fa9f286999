import StintCore
import Testing

@Suite("What the doctor says of who writes for the workers")
struct WriterFindingTests {
    private func worker(
        _ id: Int64, process: String, supervisor: String?, through: Bool = false, liveness: Liveness = .alive
    ) -> WorkerRecord {
        WorkerRecord(
            id: WorkerID(rawValue: id),
            registration: WorkerRegistration(
                name: "h:\(id)", process: WorkerProcess(name: "h:\(process)", id: process),
                supervisor: supervisor.map { WorkerProcess(name: "h:\($0)", id: $0) }, queues: ["q"], concurrency: 1,
                writesThroughSupervisor: through),
            registeredAt: 0, started: [], liveness: liveness)
    }

    /// - Parameter kinds: s: through its supervisor, o: by itself although it has the same one, 1: by itself, the only one of its
    ///   supervisor, 2: the same, two workers in one process, a: without a supervisor, d: dead.
    private func text(_ kinds: String) -> String? {
        let workers = zip(1..., kinds).map { id, kind in
            worker(
                id, process: kind == "2" ? "two" : "\(id)",
                supervisor: kind == "a" ? nil : kind == "1" ? "one-\(id)" : kind == "2" ? "of two" : "many",
                through: kind == "s" || kind == "d",
                liveness: kind == "d" ? .dead : .alive)
        }
        let findings = Finding.writers(workers)
        #expect(findings.count <= 1 && findings.allSatisfy { $0.isGood && $0.subject == "workers" })
        return findings.first?.description
    }

    @Test("the living are counted, and nothing is said if there are none")
    func counts() {
        #expect(text("") == nil && text("dd") == nil)
        #expect(text("s") == "1 claims and settles through its supervisor")
        #expect(text("ssd") == "2 claim and settle through their supervisors")
        #expect(text("a") == "1 claims and settles by itself")
        #expect(text("1") == "1 claims and settles by itself")
        #expect(text("11") == "2 claim and settle by themselves")
        #expect(text("22") == "2 claim and settle by themselves")
        #expect(text("ssaa") == "2 claim and settle through their supervisors, 2 claim and settle by themselves")
    }

    @Test("a supervisor that does not write for its worker is named")
    func exceptions() {
        #expect(
            text("soa")
                == "1 claims and settles through its supervisor, 2 claim and settle by themselves; 1 of these has a "
                + "supervisor that does not write for it: restart supervisors that run an older Stint")
        #expect(
            text("oo")
                == "2 claim and settle by themselves; 2 of these have supervisors that do not write for them: "
                + "restart supervisors that run an older Stint")
    }
}
