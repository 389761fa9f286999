import StintCore
import StintPlatform

extension WorkerProcess {
    /// This process, as its workers name it to stores.
    package static let current = WorkerProcess(ProcessIdentity.current)

    /// A process of this machine.
    package init(_ process: ProcessIdentity) {
        self.init(name: process.name, id: process.text)
    }
}
