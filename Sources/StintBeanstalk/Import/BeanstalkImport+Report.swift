import StintCore

extension BeanstalkImport {
    /// How many jobs of a tube came here, by the state that they had.
    public struct Tube: Sendable, Hashable {
        public let name: String
        public internal(set) var ready = 0
        public internal(set) var delayed = 0
        public internal(set) var buried = 0
        /// Clients of that beanstalkd hold them. They stay there.
        public internal(set) var reserved = 0
        public var all: Int { ready + delayed + buried }
    }

    public struct Report: Sendable {
        public internal(set) var tubes: [Tube] = []
        /// What an earlier import that was killed had left half done, and this one has ended.
        public internal(set) var recovered = 0
        /// Jobs that are too large here. They stay there, and so do the delayed or buried ones behind them in their
        /// tube.
        public internal(set) var refused: [Refused] = []
    }

    /// A job that is here, and that a client of that beanstalkd may have run too: an import was killed while it deleted
    /// it there, and whether that import or a client has deleted it cannot be known.
    public struct InFlight: Sendable, Hashable {
        /// Its id there, and here.
        public let id: UInt64
        public let job: JobID
    }

    public struct Refused: Sendable, Hashable {
        public let id: UInt64
        public let tube: String
        public let reason: String
    }
}

extension BeanstalkImport.Report {
    /// Counts jobs of the last tube.
    mutating func count(
        _ jobs: Int, _ state: BeanstalkImport.State, _ source: BeanstalkImport.Source
    ) {
        switch state {
        case .ready: tubes[tubes.count - 1].ready += jobs
        case .delayed: tubes[tubes.count - 1].delayed += jobs
        case .buried: tubes[tubes.count - 1].buried += jobs
        }
        source.progress(tubes.reduce(0) { $0 + $1.all })
    }
}
