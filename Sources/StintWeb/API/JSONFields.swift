import HTTPTypes
import StintCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

func quotedShort(_ text: String) -> String { quoted(String(text.unicodeScalars.prefix(60))) }

/// The members of an object that a client has sent, each of an expected kind.
struct JSONFields {
    /// Where it is in the body, for messages: `jobs[3].`; empty for the body itself.
    let path: String
    private let members: [String: JSONValue]

    /// - Parameter known: The names that there are.
    /// - Throws: ``WebError`` that names what is wrong.
    init(_ value: JSONValue, at path: String = "", known: [String]) throws {
        let what = path.isEmpty ? "the body" : path
        guard case .object(let list) = value.kind else {
            throw WebError(.badRequest, "\(what) is \(value.described); expected an object")
        }
        var members: [String: JSONValue] = [:]
        for (name, value) in list {
            guard known.contains(where: { $0.utf8.elementsEqual(name.utf8) }) else {
                let names = known.isEmpty ? "an empty object" : "one of \(known.joined(separator: ", "))"
                throw WebError(
                    .badRequest, "\(what) has a field \(quotedShort(name)), which there is not; expected \(names)")
            }
            guard members.updateValue(value, forKey: name) == nil else {
                throw WebError(.badRequest, "\(what) has the field \(name) twice; expected it once")
            }
        }
        self.path = path.isEmpty ? "" : path + "."
        self.members = members
    }

    subscript(_ name: String) -> JSONValue? { members[name] }

    func wrong(_ name: String, _ value: JSONValue, _ expected: String) -> WebError {
        WebError(.badRequest, "\(path)\(name) is \(value.described); expected \(expected)")
    }

    func missing(_ name: String, _ expected: String) -> WebError {
        WebError(.badRequest, "\(path)\(name) is missing; expected \(expected)")
    }

    func text(_ name: String) throws -> String? {
        guard let value = members[name] else { return nil }
        guard case .text(let text) = value.kind else { throw wrong(name, value, "a text") }
        return text
    }

    func bool(_ name: String) throws -> Bool? {
        guard let value = members[name] else { return nil }
        guard case .bool(let bool) = value.kind else { throw wrong(name, value, "true or false") }
        return bool
    }

    func integer(_ name: String, in range: ClosedRange<Int64>) throws -> Int64? {
        guard let value = members[name] else { return nil }
        guard case .number(let text) = value.kind, let number = Int64(text), range.contains(number) else {
            throw wrong(name, value, "a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    /// 100 years.
    static let longest = NewJob.maximumDelay.milliseconds

    func duration(_ name: String, in range: ClosedRange<Int64> = 0...longest) throws -> Duration? {
        try integer(name, in: range).map { .milliseconds($0) }
    }

    func list(_ name: String, atMost limit: Int) throws -> [JSONValue]? {
        guard let value = members[name] else { return nil }
        guard case .list(let items) = value.kind else { throw wrong(name, value, "a list") }
        guard items.count <= limit else {
            throw WebError(
                .badRequest, "\(path)\(name) has \(items.count) items; at most \(limit) are allowed in one request")
        }
        return items
    }

    func choice<Value: RawRepresentable & CaseIterable>(_ name: String, _ type: Value.Type) throws -> Value?
    where Value.RawValue == String {
        guard let value = members[name] else { return nil }
        guard case .text(let text) = value.kind, let choice = Value(rawValue: text) else {
            throw wrong(name, value, Value.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return choice
    }

    func queue(_ name: String) throws -> QueueName? { try text(name).map { try QueueName($0) } }

    /// Text that is kept with a job: of a bounded size, and without NUL, which no store keeps.
    func note(_ name: String) throws -> String? {
        guard let text = try text(name) else { return nil }
        guard text.utf8.count <= Self.maximumNoteBytes else {
            throw WebError(
                .badRequest, "\(path)\(name) has \(text.utf8.count) bytes; at most \(Self.maximumNoteBytes) are allowed"
            )
        }
        guard !text.unicodeScalars.contains("\0") else {
            throw WebError(.badRequest, "\(path)\(name) contains a NUL; remove it")
        }
        return text
    }

    static let maximumNoteBytes = 4_096
}

extension WebRequest {
    /// The most bytes of a body that has jobs in it.
    static let maximumJobBytes = 16 * 1_048_576
    /// The most bytes of any other body of the HTTP API.
    static let maximumCallBytes = 1_048_576

    /// The body as JSON; an empty one is an empty object.
    func json(atMost limit: Int = maximumCallBytes) async throws -> JSONValue {
        try await JSONValue(jsonBytes(atMost: limit))
    }

    func jsonBytes(atMost limit: Int = maximumCallBytes) async throws -> [UInt8] {
        let bytes: [UInt8] = try await dashboard.api.bodies.holding { take in
            try await self.bytes(atMost: limit, reserving: take)
        }
        return bytes.isEmpty ? Array("{}".utf8) : bytes
    }

    /// The body of a call that takes no fields.
    func noFields() async throws { _ = try JSONFields(try await json(), known: []) }

    /// A whole number in the query.
    func queryInteger(_ name: String, in range: ClosedRange<Int>, default value: Int) throws -> Int {
        guard let text = query(name) else { return value }
        guard let number = Int(text), range.contains(number) else {
            throw WebError(
                .badRequest,
                "\(name) is \(quotedShort(text)); expected a whole number from \(range.lowerBound) to \(range.upperBound)"
            )
        }
        return number
    }
}
