import Foundation

/// What stores keep as JSON.
package enum StoredJSON {
    package static func text(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    /// `nil` if another program, or a newer Stint, has written it.
    package static func value<Value: Decodable>(_ text: String?) -> Value? {
        guard let text else { return nil }
        do { return try JSONDecoder().decode(Value.self, from: Data(text.utf8)) } catch { return nil }
    }
}

extension BulkOperation.Action {
    /// - Parameter change: What is done, as JSON.
    package init(stored change: String?, restores operation: Int64?, verb: String) {
        let change: JobChange? = StoredJSON.value(change)
        self =
            if let operation {
                .restore(OperationID(rawValue: operation))
            } else if let change {
                .change(change)
            } else {
                .unknown(verb)
            }
    }
}
