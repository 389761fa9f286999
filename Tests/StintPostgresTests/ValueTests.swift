import PostgresSupport
import StintCore
import StintPostgres
import Testing

@Suite("PostgreSQL: values go there and back as they are")
struct ValueTests {
    private static let texts = [
        "", "plain", "quotes ' \" \\ $1 $$ -- ;", "line\nfeed\r\ttab \u{1} \u{1F}", "Grüße, 你好, עברית",
        "e\u{301} and é",
        "🏳️‍🌈 \u{10FFFF} \u{FFFD}", "  spaces  ", String(repeating: "long ", count: 100_000),
    ]

    @Test("integers, numbers, booleans and NULL")
    func scalars() async throws {
        let database = try await TestDatabase()
        for value: Int64 in [.min, -1, 0, 1, .max] {
            let rows = try await database.connections.run(
                "SELECT $1::bigint, $2::integer, $3::smallint", .int(value), .int32(Int32(clamping: value)),
                .smallInt(Int16(clamping: value)))
            #expect(try rows[0].int(0) == value)
            #expect(try rows[0].int(1) == Int64(Int32(clamping: value)))
            #expect(try rows[0].int(2) == Int64(Int16(clamping: value)))
        }
        for value in [0, -0.0, 1.5, -.infinity, .greatestFiniteMagnitude, .leastNonzeroMagnitude] {
            let row = try await database.connections.run("SELECT $1::double precision", .double(value))[0]
            #expect(try row.double(0).bitPattern == value.bitPattern)
        }
        let row = try await database.connections.run(
            "SELECT $1::boolean, $2::boolean, $3::bigint, $4::text, $5::bytea", .bool(true), .bool(false), .null, .null,
            .null)[0]
        #expect(try row.bool(0))
        #expect(try row.bool(1) == false)
        #expect(try row.optionalInt(2) == nil)
        #expect(try row.optionalText(3) == nil)
        #expect(try row.optionalBytes(4) == nil)
        await database.close()
    }

    @Test("text with all kinds of characters, also as JSON, and all bytes")
    func textsAndBytes() async throws {
        let database = try await TestDatabase()
        for text in Self.texts {
            let row = try await database.connections.run(
                "SELECT $1::text, octet_length($1), $2::jsonb", .text(text), .json("{\"a\": 1}"))[0]
            #expect(try Array(row.text(0).utf8) == Array(text.utf8))
            #expect(try row.int(1) == Int64(text.utf8.count))
            #expect(try row.text(2) == "{\"a\": 1}")
        }
        for bytes: [UInt8] in [[], [0], Array(0...255), [UInt8](repeating: 7, count: 3_000_000)] {
            let row = try await database.connections.run("SELECT $1::bytea, octet_length($1)", .bytes(bytes))[0]
            #expect(try row.bytes(0) == bytes)
            #expect(row.withBytes(0) { $0.elementsEqual(bytes) })
            #expect(try row.int(1) == Int64(bytes.count))
        }
        await database.close()
    }

    @Test("arrays with NULLs, empty texts and empty bytes, and empty arrays")
    func arrays() async throws {
        let database = try await TestDatabase()
        let texts: [String?] = Self.texts.map { $0 } + [nil]
        let row = try await database.connections.run(
            """
            SELECT $1::bigint[], $2::integer[], $3::smallint[], $4::text[], $5::bytea[], $6::boolean[],
                $7::double precision[], $8::bigint[], cardinality($8), ($4)[1] IS NULL, ($9::jsonb[])[1] ->> 'a'
            """, .ints([.min, nil, .max]), .int32s([1, nil]), .smallInts([nil, -7]), .texts(texts),
            .byteArrays([[], nil, [0, 255]]), .bools([true, nil, false]), .doubles([1.5, nil]), .ints([]),
            .jsons(["{\"a\": \"b\"}", nil]))[0]
        #expect(try row.optionalInts(0) == [.min, nil, .max])
        #expect(try row.optionalInts(1) == [1, nil])
        #expect(try row.optionalInts(2) == [nil, -7])
        #expect(try row.optionalTexts(3) == texts)
        #expect(try row.optionalByteArrays(4) == [[], nil, [0, 255]])
        #expect(try row.optionalBools(5) == [true, nil, false])
        #expect(try row.optionalDoubles(6) == [1.5, nil])
        #expect(try row.ints(7) == [])
        #expect(try row.int(8) == 0)
        #expect(try row.bool(9) == false)
        #expect(try row.text(10) == "b")
        await database.close()
    }

    @Test("a column that is of another type or NULL is an error that names it, and no crash")
    func unexpected() async throws {
        let database = try await TestDatabase()
        let row = try await database.connections.run(
            "SELECT 1.5::numeric AS a, NULL::bigint AS b, '{1,NULL}'::int[] AS c")[0]
        let wrongType = #expect(throws: StintError.self) { try row.int(0) }
        #expect(wrongType?.description.contains("'a'") == true)
        #expect(throws: StintError.self) { try row.text(0) }
        #expect(throws: StintError.self) { try row.bytes(2) }
        let isNull = #expect(throws: StintError.self) { try row.int(1) }
        #expect(isNull?.description.contains("returned NULL as 'b'") == true)
        #expect(throws: StintError.self) { try row.text(1) }
        #expect(throws: StintError.self) { try row.ints(2) }
        #expect(throws: StintError.self) { try row.texts(2) }
        await database.close()
    }

    @Test("a parameter may be NULL first and have a value later, and the other way round")
    func laterTypes() async throws {
        let database = try await TestDatabase(.one)
        let values: [PostgresValue] = [.null, .int(5), .null, .int(.max)]
        for value in values {
            let row = try await database.connections.run("SELECT $1::bigint IS NULL, coalesce($1, -1)", value)[0]
            #expect(try row.bool(0) == (value == .null))
        }
        // And one that is sent as another type.
        #expect(try await database.connections.run("SELECT $1 + 0::bigint", .int(3))[0].int(0) == 3)
        #expect(try await database.connections.run("SELECT $1 + 0::bigint", .int32(4))[0].int(0) == 4)
        await database.close()
    }

    @Test("too many parameters are refused with a reason, and the connection goes on")
    func tooManyParameters() async throws {
        let database = try await TestDatabase(.one)
        let many = PostgresStatement("SELECT 1", [PostgresValue](repeating: .int(1), count: 65_536))
        let error = try await stintError { try await database.connections.run([many]) }
        #expect(error.code == .invalidInput)
        #expect(try await database.connections.run("SELECT 1::bigint")[0].int(0) == 1)
        await database.close()
    }
}
