import Testing

@testable import StintCore

@Suite("The fingerprint of an error")
struct ErrorFingerprintTests {
    static let errors: [(String, String)] = [
        ("timed out", "timed out"), ("timed out after 30 s", "timed out after <n> s"), ("after 30s", "after <n>s"),
        ("exit 1", "exit <n>"), ("-3.5 of 1,024", "-<n> of <n>"), ("at 12:30:01.5", "at <n>"),
        ("2026-11-26T16:01:07Z: no", "<n>: no"), ("2026-11-26 16:01", "<n> <n>"),
        ("connect 10.0.0.7:25: refused", "connect <n>: refused"), ("job 42, attempt 3.", "job <n>, attempt <n>."),
        ("at 0x7ffe01 in main", "at <hex> in main"), ("0x", "<n>x"), ("commit 9f86d081884c7d65", "commit <hex>"),
        ("deadbeef cafebabe", "deadbeef cafebabe"), ("facade00", "<hex>"),
        ("user 123e4567-e89b-12d3-a456-426614174000 is gone", "user <uuid> is gone"),
        ("123E4567-E89B-12D3-A456-426614174000", "<uuid>"),
        ("no such file: \"/tmp/a b\"", "no such file: <text>"), ("KeyError: 'name'", "KeyError: <text>"),
        ("in `main` it can't, won't", "in <text> it can't, won't"), ("'it's'", "<text>"), ("a \"b", "a \"b"),
        ("the users' job", "the users' job"), ("\"a\" and \"b\"", "<text> and <text>"), ("'a\nb'", "'a b'"),
        ("/var/spool/4711/job-12.txt", "/var/spool/<n>/job-<n>.txt"), ("/logs/2026/11/26/x.log", "/logs/<n>/x.log"),
        ("/tmp/tmp.Xa9fK2/in", "/tmp/tmp.<id>/in"), ("sha256 utf8 base64encoded", "sha<n> utf<n> base<n>encoded"),
        ("  a \r\n\t b  ", "a b"), ("", ""), (" \n", ""), ("Größe 3 überschritten", "Größe <n> überschritten"),
        ("\u{0}\u{7F}x", "x"), ("<n>", "<n>"), ("1h30m", "<n>h<n>m"), ("1.", "<n>."), ("1-", "<n>-"), ("T1", "T<n>"),
    ]

    @Test("leaves out what varies", arguments: errors)
    func table(error: String, fingerprint: String) {
        #expect(ErrorFingerprint(error).text == fingerprint)
    }

    @Test("has the same number for ever, since files keep it")
    func number() {
        #expect(ErrorFingerprint("").id.description == "efd01f60ba992926")
        #expect(ErrorFingerprint("timed out after 5 s").id.description == "48479cc921351f30")
        #expect(ErrorFingerprint("timed out after 5 s").id == ErrorFingerprint("timed out after 77 s").id)
        #expect(ErrorFingerprint("timed out").id != ErrorFingerprint("timed in").id)
    }

    @Test("has a limit, reads a limited part of the error, and cuts no character in two")
    func limits() {
        let long = ErrorFingerprint(String(repeating: "é", count: 5_000))
        #expect(long.text == String(repeating: "é", count: ErrorFingerprint.maximumBytes / 2))
        let odd = ErrorFingerprint("x" + String(repeating: "é", count: 5_000))
        #expect(odd.text.utf8.count == ErrorFingerprint.maximumBytes - 1 && odd.text.last == "é")
        let start = String(repeating: "7 ", count: ErrorFingerprint.maximumBytesRead)
        #expect(ErrorFingerprint(start + "a").id == ErrorFingerprint(start + "b").id)
        #expect(ErrorFingerprint(String(repeating: "\u{10FFFF}", count: 600)).text.utf8.count == 512)
    }

    @Test("of a burial after the last attempt is that of the attempt's error, of another one that of its reason")
    func source() {
        func source(_ reason: String?, _ error: String?) -> String? {
            ErrorFingerprint.source(reason: reason, latestError: error)
        }
        #expect(source("no attempts left (3 of 3), last: timed out", "timed out") == "timed out")
        #expect(source("buried manually", "timed out") == "buried manually")
        #expect(source("buried manually", nil) == "buried manually")
        #expect(source(nil, "timed out") == "timed out" && source(nil, nil) == nil)
        #expect(source("last: x", "last: x") == "last: x" && source("r, last: ", "") == "")
    }

    @Test(
        "is a group's number in 16 digits, and back",
        arguments: [0, 1, -1, .min, .max, 0x00c5_a1d2_e3f4_0718] as [Int64])
    func digits(number: Int64) {
        let id = ErrorGroupID(rawValue: number)
        #expect(id.description.utf8.count == 16 && ErrorGroupID(id.description) == id)
    }

    @Test("cursors are read back from their text, and nothing else is")
    func cursors() {
        let place = JobCursor(state: .buried, queue: -1, order: .min, job: .max)
        #expect(JobCursor(place.description) == place)
        for cursor in [
            SelectionCursor(newest: 5, lastBurial: 7, start: -6),
            SelectionCursor(place: place, newest: 5, lastBurial: 7, start: 6),
        ] {
            #expect(SelectionCursor(cursor.description) == cursor)
        }
        let group = ErrorGroupCursor(order: 3, position: -4)
        #expect(ErrorGroupCursor(group.description) == group)
        for text in [
            "", ".", "buried", "buried.1.2", "buried.1.2.3.4", "dead.1.2.3", "buried.1.2.x", "1.2.buried", "1", "1.x",
        ] {
            #expect(JobCursor(text) == nil && SelectionCursor(text) == nil && ErrorGroupCursor(text) == nil, "\(text)")
        }
    }
}
