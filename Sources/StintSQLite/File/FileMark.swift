import GRDB

/// The row of `stint_file`: it identifies the file, and which of its states this is. It is read from bytes, without
/// SQLite, before SQLite reads a log that may not belong to this file.
struct FileMark: Equatable, Sendable {
    /// `StintFileMark`, and a version.
    static let magic: [UInt8] = Array("StintFileMark".utf8) + [0, 0, 1]

    let file: [UInt8]
    let sequence: Int64
    let token: [UInt8]
    let previous: [UInt8]

    /// Whether a file with this mark can be the state on which a log with the first mark `other` began, or a later
    /// state of it.
    func isPredecessor(of other: FileMark) -> Bool {
        file == other.file && token == other.previous && sequence == other.sequence - 1
    }

    /// Reads the mark from a page of a database: a leaf of a table with one row (https://sqlite.org/fileformat2.html,
    /// section 1.6).
    init?(page: UnsafeRawBufferPointer) {
        var cells = Reader(page)
        guard page.count >= 512, page[0] == 0x0D, page[3] == 0, page[4] == 1 else { return nil }
        cells.offset = Int(page[8]) << 8 | Int(page[9])
        // The row's size and id, and the types of its columns: the id has no bytes of its own, and 44 is a blob of 16
        // bytes.
        guard cells.varint() != nil, cells.varint() == 1 else { return nil }
        self.init(row: &cells)
    }

    /// All marks in a page, wherever they lie.
    static func all(in page: UnsafeRawBufferPointer) -> [FileMark] {
        // The types of the columns come before the first column, the magic number.
        let places = stride(from: typesBytes, through: page.count - magic.count, by: 1)
            .filter { page[$0] == magic[0] && page[$0..<$0 + magic.count].elementsEqual(magic) }
        return places.compactMap { place in
            var cells = Reader(page)
            cells.offset = place - typesBytes
            return FileMark(row: &cells)
        }
    }

    /// The length of the types: one byte for each column, and one for their own length.
    private static let typesBytes = 7

    private init?(row cells: inout Reader) {
        guard cells.varint() == Self.typesBytes, cells.varint() == 0, cells.varint() == 44, cells.varint() == 44,
            let sequenceType = cells.varint(), cells.varint() == 44, cells.varint() == 44,
            cells.blob() == Self.magic, let file = cells.blob(), let sequence = cells.integer(sequenceType),
            let token = cells.blob(), let previous = cells.blob()
        else { return nil }
        self.file = file
        self.sequence = sequence
        self.token = token
        self.previous = previous
    }

    /// Writes a new mark, in the transaction that is open: the file is in another state now.
    static func change(_ database: Database) throws {
        try Statement(
            "UPDATE stint_file SET sequence = sequence + 1, previous = token, token = randomblob(16)", database
        ).execute()
    }

    /// Makes a copy another file from now on. A copy from before migration 4 has no mark.
    static func makeOwn(_ database: Database) throws {
        guard try database.tableExists("stint_file") else { return }
        try change(database)
        try database.execute(sql: "UPDATE stint_file SET file = randomblob(16)")
    }

    private struct Reader {
        let bytes: UnsafeRawBufferPointer
        var offset = 0

        init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

        mutating func byte() -> UInt8? {
            guard bytes.indices.contains(offset) else { return nil }
            defer { offset += 1 }
            return bytes[offset]
        }

        /// Reads a varint of at most two bytes: such a row has no larger ones.
        mutating func varint() -> Int? {
            guard let first = byte() else { return nil }
            guard first & 0x80 != 0 else { return Int(first) }
            guard let second = byte(), second & 0x80 == 0 else { return nil }
            return Int(first & 0x7F) << 7 | Int(second)
        }

        mutating func blob() -> [UInt8]? {
            guard offset + 16 <= bytes.count else { return nil }
            defer { offset += 16 }
            return Array(bytes[offset..<offset + 16])
        }

        mutating func integer(_ type: Int) -> Int64? {
            let sizes = [1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8]
            if type == 8 || type == 9 { return Int64(type - 8) }
            guard let size = sizes[type], let first = byte() else { return nil }
            var value = Int64(Int8(bitPattern: first))
            for _ in 1..<size {
                guard let next = byte() else { return nil }
                value = value << 8 | Int64(next)
            }
            return value
        }
    }
}
