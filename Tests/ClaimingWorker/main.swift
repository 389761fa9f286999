// One of several processes that work on one database at once; tests start it. Not a part of Stint.
//
//   claim DB BATCH          claims from 'q' until nothing is ready, acknowledges, prints "id token" of each job
//   unique DB KEYS          enqueues each of the keys k1…kN once, prints "key id new|duplicate"
//   open DB                 opens (and so makes) the database

import StintCore
import StintSQLite

let arguments = CommandLine.arguments
let queue = try await JobQueue(.sqlite(arguments[2]))

switch arguments[1] {
case "claim":
    let request = ClaimRequest(queues: ["q"], limit: Int(arguments[3])!, lease: .seconds(60), worker: "claimer")
    var settlements: [Settlement] = []
    while true {
        let exchange = try await queue.store.exchange(settlements, for: request, now: queue.clock.now())
        precondition(exchange.answers.allSatisfy { $0 == .settled(.done) }, "an ack was refused")
        if exchange.jobs.isEmpty { break }
        print(exchange.jobs.map { "\($0.id) \($0.lease.token)" }.joined(separator: "\n"))
        settlements = exchange.jobs.map { Settlement($0.lease, .ack) }
    }
case "unique":
    for number in (1...Int(arguments[3])!).shuffled() {
        let options = JobOptions(uniqueKey: "k\(number)")
        let answer = try await queue.enqueue(payload: [], in: "q", options: options)
        print("k\(number) \(answer.id) \(answer.isDuplicate ? "duplicate" : "new")")
    }
case "open":
    print(try await queue.store.stats().count)
default:
    preconditionFailure("unknown mode \(arguments[1])")
}
