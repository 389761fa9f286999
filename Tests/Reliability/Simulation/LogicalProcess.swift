/// A simulated process from its start to its end.
///
/// `@unchecked Sendable`: its world has one thread.
class LogicalProcess: @unchecked Sendable {
    enum State {
        case running, stopped, dead
    }

    /// Unique in its world.
    let name: String
    var state = State.running
    /// Steps that wait until it continues.
    var held: [Scheduler.Step] = []

    init(name: String) {
        self.name = name
    }
}
