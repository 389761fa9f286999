/// The process of a process from its start to its end.
///
/// `@unchecked Sendable`: its world has one thread.
class LogicalProcess: @unchecked Sendable {
    enum State {
        case running, stopped, dead
    }

    /// Unique in its world.
    let name: String
    var state = State.running
    /// What waits until it goes on.
    var held: [Scheduler.Step] = []

    init(name: String) {
        self.name = name
    }
}
