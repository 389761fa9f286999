import StintCore

/// Checks or creates the file of a store before it is opened.
extension SQLiteStore {
    static func findOrMakeFile(_ file: DatabaseFile, _ options: Options) throws -> DatabaseFile.Access {
        if options.onlyReads { return try file.checkForReading(allowsFUSE: options.allowsFUSE) }
        try file.check(mayCreate: options.createsFile, allowsFUSE: options.allowsFUSE)
        if !file.exists {
            try file.create(orUseAnothers: true, permissions: options.permissions) { try Self.build($0, options) }
        }
        return .full
    }

    private static func build(_ temporary: String, _ options: Options) throws {
        let connection = try connect(DatabaseFile(path: temporary), temporary, "create", options)
        try install(on: connection, options, mayInstall: true)
        #if STINT_MUTATIONS
            try connection.runBlocking(RemovedGuard.unguard)
        #endif
        try translatingErrors(of: temporary) { try connection.database.close() }
    }
}
