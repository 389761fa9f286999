/// The parameters of a statement as libpq takes them: one block of bytes, made by the task that calls, and not by the
/// thread that serves all connections.
struct EncodedParameters: Sendable {
    private(set) var types: [UInt32] = []
    /// Where each begins in `bytes`; -1 for NULL.
    private(set) var offsets: [Int] = []
    private(set) var lengths: [Int32] = []
    private(set) var bytes: [UInt8] = []

    init(_ values: [PostgresValue]) {
        types.reserveCapacity(values.count)
        offsets.reserveCapacity(values.count)
        lengths.reserveCapacity(values.count)
        for value in values { append(value) }
    }

    /// Calls `body` with what `PQsendQueryPrepared` and its relatives want.
    func withPointers<Value>(
        _ body: (
            _ values: UnsafePointer<UnsafePointer<CChar>?>?, _ lengths: UnsafePointer<Int32>?,
            _ formats: UnsafePointer<Int32>?
        ) -> Value
    ) -> Value {
        bytes.withUnsafeBufferPointer { bytes in
            // An empty value is no NULL, and its pointer must point to something.
            "".withCString { empty in
                let values = zip(offsets, lengths).map { offset, length -> UnsafePointer<CChar>? in
                    guard offset >= 0 else { return nil }
                    guard length > 0, let start = bytes.baseAddress else { return empty }
                    return UnsafeRawPointer(start + offset).assumingMemoryBound(to: CChar.self)
                }
                return body(values, lengths, [Int32](repeating: 1, count: values.count))
            }
        }
    }

    private mutating func append(_ value: PostgresValue) {
        types.append(value.type)
        let start = bytes.count
        switch value {
        case .null:
            offsets.append(-1)
            lengths.append(0)
            return
        case .bool(let value): put(value)
        case .smallInt(let value): put(value)
        case .int32(let value): put(value)
        case .int(let value): put(value)
        case .double(let value): put(value)
        case .text(let value): put(value)
        case .bytes(let value): bytes += value
        case .json(let value): putJSON(value)
        case .bools(let values): putArray(values, of: PostgresType.bool) { $0.put($1) }
        case .smallInts(let values): putArray(values, of: PostgresType.smallint) { $0.put($1) }
        case .int32s(let values): putArray(values, of: PostgresType.integer) { $0.put($1) }
        case .ints(let values): putArray(values, of: PostgresType.bigint) { $0.put($1) }
        case .doubles(let values): putArray(values, of: PostgresType.double) { $0.put($1) }
        case .texts(let values): putArray(values, of: PostgresType.text) { $0.put($1) }
        case .byteArrays(let values): putArray(values, of: PostgresType.bytes) { $0.bytes += $1 }
        case .jsons(let values): putArray(values, of: PostgresType.jsonb) { $0.putJSON($1) }
        }
        offsets.append(start)
        lengths.append(Int32(bytes.count - start))
    }

    private mutating func put(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value.bigEndian) { bytes += $0 }
    }

    private mutating func put(_ value: Bool) { bytes.append(value ? 1 : 0) }

    private mutating func put(_ value: Double) { put(value.bitPattern) }

    private mutating func put(_ value: String) { bytes += value.utf8 }

    /// `jsonb_recv` wants the number of its format before the text.
    private mutating func putJSON(_ value: String) {
        bytes.append(1)
        put(value)
    }

    /// `array_recv`: dimensions, whether there are NULLs, the elements' type; the size and the first index of each
    /// dimension; the elements with their lengths. An empty array has no dimension.
    private mutating func putArray<Element>(
        _ elements: [Element?], of elementType: UInt32, _ put: (inout EncodedParameters, Element) -> Void
    ) {
        self.put(Int32(elements.isEmpty ? 0 : 1))
        self.put(Int32(elements.contains { $0 == nil } ? 1 : 0))
        self.put(elementType)
        guard !elements.isEmpty else { return }
        self.put(Int32(elements.count))
        self.put(Int32(1))
        for element in elements {
            guard let element else {
                self.put(Int32(-1))
                continue
            }
            let place = bytes.count
            self.put(Int32(0))
            put(&self, element)
            let length = Int32(bytes.count - place - 4)
            withUnsafeBytes(of: length.bigEndian) { bytes.replaceSubrange(place..<place + 4, with: $0) }
        }
    }
}
