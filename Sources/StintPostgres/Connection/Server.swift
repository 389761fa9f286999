import CPostgres
import StintCore
import StintPlatform

/// Where to connect to: what libpq made of the URL, and names for messages, without the password.
struct Server: Sendable {
    /// As `PQconnectdbParams` takes them.
    private(set) var parameters: [(keyword: String, value: String)]
    /// Such as `db1:5432,db2:5432`.
    let hosts: String
    let hasSeveralHosts: Bool
    let database: String?
    let user: String?
    /// Those that the URL names, in its order.
    private var addresses: [Address]

    /// One of several servers.
    struct Address: Hashable {
        let host: String
        let port: String
    }

    init(_ url: String, _ options: PostgresConnections.Options) throws(StintError) {
        var message: UnsafeMutablePointer<CChar>?
        guard url.hasPrefix("postgres://") || url.hasPrefix("postgresql://"),
            let parsed = PQconninfoParse(url, &message)
        else {
            let said = message.map { String(cString: $0).trimmingSuffix(while: \.isNewline) }
            PQfreemem(message)
            // libpq quotes the part that it does not understand, which may be in the password.
            throw Self.unreadable(url.contains("@") || url.contains("password") ? nil : said)
        }
        defer { PQconninfoFree(parsed) }
        var given: [String: String] = [:]
        var option = parsed
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val { given[String(cString: keyword)] = String(cString: value) }
            option += 1
        }
        for (keyword, value) in Self.defaults where given[keyword] == nil { given[keyword] = value }
        if given["application_name"] == nil { given["application_name"] = options.applicationName }
        given["client_encoding"] = "UTF8"
        parameters = given.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }

        func environment(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
        let names = (given["host"] ?? given["hostaddr"] ?? environment("PGHOST") ?? "").split(separator: ",")
        let ports = (given["port"] ?? environment("PGPORT") ?? "5432").split(separator: ",")
        // A password with a slash makes libpq take its rest for the database.
        guard ports.allSatisfy({ UInt16($0) != nil }), given["dbname"]?.contains("@") != true else {
            throw Self.unreadable(nil)
        }
        func port(_ index: Int) -> String { String(index < ports.count ? ports[index] : ports.last ?? "5432") }
        hasSeveralHosts = names.count > 1
        hosts =
            names.isEmpty
            ? "this machine's socket"
            : names.enumerated().map { index, name in "\(name):\(port(index))" }.joined(separator: ",")
        func list(_ keyword: String) -> [String] {
            given[keyword].map { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) } ?? []
        }
        addresses = (list("host").isEmpty ? list("hostaddr") : list("host")).enumerated().map { index, host in
            Address(host: host, port: port(index))
        }
        user = given["user"] ?? environment("PGUSER")
        database = given["dbname"] ?? environment("PGDATABASE") ?? user
    }

    private static func unreadable(_ reason: String?) -> StintError {
        .invalidInput(
            "the URL of the PostgreSQL server cannot be read\(reason.map { " (\($0))" } ?? ""): it should be like "
                + "postgres://user:password@host:5432/database?sslmode=verify-full, with what is special in the password "
                + "percent-encoded")
    }

    /// What a server that has gone must not cost: a connection is given up after half a minute without an answer.
    private static let defaults = [
        "connect_timeout": "10",
        "keepalives_idle": "10",
        "keepalives_interval": "5",
        "keepalives_count": "3",
        "tcp_user_timeout": "30000",
        "target_session_attrs": "read-write",
    ]

    /// The same servers, of which one is tried last.
    func trying(last: Address?) -> Server {
        guard let last else { return self }
        return rearranged { addresses in addresses.filter { $0 != last } + addresses.filter { $0 == last } }
    }

    /// The other servers; `nil`: there are none.
    func without(_ address: Address) -> Server? {
        let others = rearranged { addresses in addresses.filter { $0 != address } }
        return others.addresses.isEmpty || others.addresses == addresses ? nil : others
    }

    /// - Parameter order: Some of the addresses, in any order.
    private func rearranged(_ order: ([Address]) -> [Address]) -> Server {
        var server = self
        server.addresses = order(addresses)
        let places = server.addresses.compactMap { addresses.firstIndex(of: $0) }
        server.parameters = parameters.map { keyword, value in
            guard ["host", "hostaddr", "port"].contains(keyword) else { return (keyword, value) }
            let all = value.split(separator: ",", omittingEmptySubsequences: false)
            // One port may be for all.
            guard all.count == addresses.count else { return (keyword, value) }
            return (keyword, places.map { all[$0] }.joined(separator: ","))
        }
        return server
    }

    /// For messages: `the PostgreSQL server at 'db1:5432'`.
    var name: String { "the PostgreSQL server at \(quoted(hosts))" }
    var databaseName: String { database.map { "the PostgreSQL database \(quoted($0))" } ?? name }
}

extension String {
    fileprivate func trimmingSuffix(while predicate: (Character) -> Bool) -> String {
        var rest = self[...]
        while let last = rest.last, predicate(last) { rest.removeLast() }
        return String(rest)
    }
}
