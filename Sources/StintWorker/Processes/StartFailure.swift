import StintPlatform

/// Why the system refused to start a process.
struct StartFailure: Error, Sendable, CustomStringConvertible {
    enum Step: Sendable, Hashable, CaseIterable {
        /// Pipes and sockets, before there is a process.
        case pipe
        /// A thread of this process.
        case thread
        case process
        /// The new process's group, limits and signals.
        case preparation
        /// Its standard streams.
        case descriptors
        /// Executing the program.
        case program
    }

    let step: Step
    /// `errno`.
    let number: Int32
    /// What failed, as the beginning of a sentence.
    let what: String
    /// Whether the program's file exists.
    var hasProgram = true

    init(_ step: Step, _ what: String, _ number: Int32) {
        self.step = step
        self.number = number
        self.what = what
    }

    /// What failed, with the system's reason.
    var description: String { "\(what): \(systemError(number))" }
}

// MARK: - Blame

extension StartFailure {
    enum Fault: Sendable, Hashable {
        /// The machine has no descriptors, processes or memory left, or has another temporary problem.
        case machine
        /// The program, its interpreter or this worker's environment is wrong: a person has to fix it.
        case configuration
        /// The job's own environment is too large for any program.
        case job
    }

    /// - Parameter fitsWithoutJob: Whether program, arguments and environment fit without what the job adds.
    static func fault(of number: Int32, at step: Step, fitsWithoutJob: Bool = false) -> Fault {
        switch (step, number) {
        case (.program, E2BIG): fitsWithoutJob ? .job : .configuration
        case (_, EMFILE), (_, ENFILE), (_, EAGAIN), (_, ENOMEM), (_, EINTR), (_, ENOBUFS), (_, ENOSPC): .machine
        // The file is being written, or a disk or a network fails.
        case (.program, ETXTBSY), (.program, EIO), (.program, ESTALE), (.program, ETIMEDOUT): .machine
        default: .configuration
        }
    }

    /// Whether processes or threads have run out, perhaps because of this process.
    var isExhaustion: Bool {
        switch step {
        case .thread, .process: number == EAGAIN || number == ENOMEM
        case .pipe, .preparation, .descriptors, .program: false
        }
    }

    /// What a person can do about it, as a clause without a full stop.
    var advice: String {
        switch number {
        case ENOENT where hasProgram:
            "check the interpreter that its first line names: it is missing, or the line ends with a carriage return"
        case ENOENT, ENOTDIR: "put the program back, or use another"
        case EACCES: "make the file executable, and its folder reachable and not mounted with noexec"
        case ENOEXEC: "make it a program of this machine, or a script whose first line begins with #!"
        case E2BIG: "unset variables of the worker's environment, or raise its stack limit (ulimit -s)"
        case EMFILE: "raise the limit of open files (ulimit -n, LimitNOFILE=), or lower the concurrency"
        case ENFILE: "raise the machine's limit of open files (sysctl fs.file-max)"
        case EAGAIN:
            "raise the limit of processes (ulimit -u, TasksMax=, the container's limit of pids), or lower the concurrency"
        case ENOMEM: "free memory, or lower the concurrency"
        case ETXTBSY: "nothing, if a deploy is writing the file now"
        default: "see execve(2) and fork(2) for this error"
        }
    }
}
