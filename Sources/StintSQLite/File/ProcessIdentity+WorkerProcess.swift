import StintCore
import StintPlatform

// The table of workers has a column for each part of a process's identity, so that SQL can compare them.

extension WorkerProcess {
    /// A process as the table has it.
    init(row process: ProcessIdentity) {
        let isForeign = process.processID == 0 && process.startTime == 0 && process.namespaces.isEmpty
        if isForeign {
            self.init(name: process.host, id: process.boot)
        } else {
            self.init(process)
        }
    }
}

extension ProcessIdentity {
    /// What the table has of a process. One that names itself in another way than Stint's own workers is of no boot of
    /// this machine.
    init(columnsOf process: WorkerProcess) {
        self =
            ProcessIdentity(process)
            ?? ProcessIdentity(host: process.name, boot: process.id, namespaces: "", processID: 0, startTime: 0)
    }
}
