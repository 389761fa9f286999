import StintPlatform

// How Stint's own workers and supervisors name their processes, and what their machine can read out of that.

extension WorkerProcess {
    /// This process.
    package static let current = WorkerProcess(ProcessIdentity.current)

    /// A process of this machine.
    package init(_ process: ProcessIdentity) {
        self.init(name: process.name, id: process.text)
    }
}

extension ProcessIdentity {
    /// `nil` for a process that names itself in another way.
    package init?(_ process: WorkerProcess) { self.init(text: process.id, name: process.name) }
}
