import StintCore

/// The parts of the ``DiskReserve`` in opening a database and in its verbs.
extension SQLiteStore {
    /// On a full disk the log and the memory that is shared, which are made anew by whoever opens the file first, get
    /// their room from the reserve: a person must be able to look.
    static func openOutOfReserve(_ file: DatabaseFile, _ name: String, _ options: Options) throws -> Connection {
        while true {
            do {
                let writer = try connect(file, name, "writer", options, durability: .normal)
                try install(on: writer, options, mayInstall: options.installsIntoOthers)
                return writer
            } catch let error as StintError where error.code == .storageFailed {
                guard let reserve = DiskReserve(existingBeside: file, logger: options.logger), reserve.isDiskFull,
                    reserve.giveUp()
                else { throw error }
            }
        }
    }

    static func reserve(_ file: DatabaseFile, _ options: Options) -> DiskReserve? {
        do {
            return try DiskReserve(beside: file, logger: options.logger)
        } catch {
            options.logger.warning(
                "no room is kept for the acks of running jobs when the disk is full", metadata: ["error": "\(error)"])
            return nil
        }
    }

    /// A holder whose settlements are refused together with its claim says them again without it.
    static func diskFull(of settlements: [Settlement], _ request: ClaimRequest?) -> DiskFullPolicy {
        if request != nil { return .useSpareReserve }
        let followUps = settlements.lazy.flatMap(\.followUps).reduce(0) { $0 + $1.payload.count }
        return followUps <= DiskReserve.smallestStep ? .useReserve : .refuse
    }
}
