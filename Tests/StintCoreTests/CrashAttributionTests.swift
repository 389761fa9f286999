import StintCore
import Testing

@Suite("Whom the end of a worker costs what")
struct CrashAttributionTests {
    @Test("is this table, and no other")
    func table() {
        typealias Rule = CrashAttribution
        let expected: [Rule.Ending: [Rule.Start: Rule.Blame]] = [
            .diedByItself: [.notStarted: .free, .alone: .culprit, .besideOthers: .suspect, .notKnown: .suspect],
            .stoppedByOrder: [.notStarted: .free, .alone: .free, .besideOthers: .free, .notKnown: .free],
            .diedWithOthers: [.notStarted: .free, .alone: .lost, .besideOthers: .lost, .notKnown: .lost],
            .leaseRanOut: [.notStarted: .free, .alone: .lost, .besideOthers: .lost, .notKnown: .lost],
        ]
        for ending in Rule.Ending.allCases {
            for start in Rule.Start.allCases {
                let blame = Rule.blame(ending, start, isSuspect: false)
                #expect(blame == expected[ending]?[start], "\(ending), \(start)")
                // It is no worse for a suspect, but one of which nothing is known is delayed.
                let isDelayed = ending == .diedByItself && start == .notKnown
                let ofSuspect = Rule.blame(ending, start, isSuspect: true)
                #expect(ofSuspect == (isDelayed ? .lost : blame), "\(ending), \(start)")
            }
        }
    }

    @Test("how a worker ended that nobody saw is told by proofs and orders, and blamed only where it is proved")
    func unseen() {
        typealias Ending = CrashAttribution.Ending
        struct Case {
            var life: Liveness
            var supervisor: Liveness?
            var isTold: Bool
            var host: Liveness
            var ending: Ending?
        }
        let cases: [Case] = [
            Case(life: .alive, supervisor: nil, isTold: false, host: .alive, ending: .leaseRanOut),
            Case(life: .alive, supervisor: .dead, isTold: true, host: .dead, ending: .leaseRanOut),
            Case(life: .unknown, supervisor: nil, isTold: false, host: .alive, ending: .leaseRanOut),
            Case(life: .unknown, supervisor: .dead, isTold: true, host: .dead, ending: .leaseRanOut),
            Case(life: .dead, supervisor: nil, isTold: false, host: .alive, ending: .diedByItself),
            Case(life: .dead, supervisor: nil, isTold: true, host: .alive, ending: .stoppedByOrder),
            Case(life: .dead, supervisor: nil, isTold: false, host: .unknown, ending: .diedWithOthers),
            Case(life: .dead, supervisor: nil, isTold: false, host: .dead, ending: .diedWithOthers),
            Case(life: .dead, supervisor: .dead, isTold: false, host: .alive, ending: .diedWithOthers),
            Case(life: .dead, supervisor: .dead, isTold: true, host: .alive, ending: .stoppedByOrder),
            // Its supervisor will report how it ended.
            Case(life: .dead, supervisor: .alive, isTold: false, host: .alive, ending: nil),
            Case(life: .dead, supervisor: .unknown, isTold: true, host: .alive, ending: nil),
        ]
        for one in cases {
            let worker = WorkerRecord(
                id: WorkerID(rawValue: 1),
                registration: WorkerRegistration(
                    name: "w", process: WorkerProcess(name: "w", id: "w"), queues: ["q"], concurrency: 1),
                registeredAt: 0, started: [], liveness: one.life, hostLiveness: one.host,
                supervisorLiveness: one.supervisor, hasOrderToStop: one.isTold)
            #expect(Ending(ofUnseen: worker) == one.ending, "\(one)")
        }
    }

    @Test("a job that is lost again and again runs alone, and waits longer each time, for an hour at most")
    func losses() {
        let container = (0...14).map { CrashAttribution.afterLoss(.diedWithOthers, earlierLosses: $0) }
        #expect(container.map(\.isSuspect) == [false] + Array(repeating: true, count: 14))
        #expect(container.prefix(5).map(\.delay) == [.zero, .seconds(1), .seconds(2), .seconds(4), .seconds(8)])
        #expect(container.suffix(2).map(\.delay) == [.seconds(3_600), .seconds(3_600)])
        let silence = CrashAttribution.afterLoss(.leaseRanOut, earlierLosses: 0)
        #expect(silence.isSuspect && silence.delay == .zero)
        #expect(CrashAttribution.afterLoss(.leaseRanOut, earlierLosses: .max).delay == .seconds(3_600))
    }
}
