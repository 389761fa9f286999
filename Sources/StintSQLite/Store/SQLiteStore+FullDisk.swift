import StintCore

/// How opening a database and its verbs use the ``DiskReserve``.
extension SQLiteStore {
    /// The process that opens the file first creates the log and the shared memory again. On a full disk these get
    /// their space from the reserve, because a person must be able to look.
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
                "no disk space is kept for the acks of running jobs", metadata: ["error": "\(error)"])
            return nil
        }
    }

    /// If a holder's settlements are refused together with its claim, it repeats them without the claim.
    static func diskFull(of settlements: [Settlement], _ request: ClaimRequest?) -> DiskFullPolicy {
        if request != nil { return .useSpareReserve }
        let followUps = settlements.lazy.flatMap(\.followUps).reduce(0) { $0 + $1.payload.count }
        return followUps <= DiskReserve.smallestStep ? .useReserve : .refuse
    }
}
