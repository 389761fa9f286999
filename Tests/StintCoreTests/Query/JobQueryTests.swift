import Testing

@testable import StintCore

@Suite("A query")
struct JobQueryTests {
    /// What is written, and how the query writes itself.
    static let texts: [(String, String)] = [
        ("", ""), ("  \t\n ", ""),
        ("queue:mail", "queue:mail"), ("QUEUE:mail", "queue:mail"), ("state:BURIED", "state:buried"),
        ("state:buried queue:mail", "queue:mail state:buried"), ("queue:a queue:b queue:a", "queue:a queue:b"),
        ("-state:done", "-state:done"), ("queue:b -queue:a queue:a", "-queue:a queue:a queue:b"),
        ("name:newsletter.*", "name:newsletter.*"), ("name:*", "name:*"), (#"name:"a b"*"#, #"name:"a b"*"#),
        (#"name:"a*""#, #"name:"a*""#), (#"name:a"*""#, #"name:"a*""#), ("header.job-name:x", "name:x"),
        ("header.Tenant:X", "header.tenant:X"), ("header.tenant:x*", "header.tenant:x*"),
        (#"error:"timed out""#, #"error:"timed out""#), (#"error:"quoted""#, "error:quoted"),
        ("state:Running", "state:leased"), ("error:100%_*", #"error:"100%_*""#),
        (#"error:"a \"b\" \\ c""#, #"error:"a \"b\" \\ c""#),
        (#"error:C:\x"#, #"error:C:\x"#), ("error:a:b", "error:a:b"), (#"error:a"b"c"#, "error:abc"),
        ("age:>1h", "age:>1h"), ("age:<90s", "age:<1m30s"), ("age:>0ms", "age:>0ms"), ("age:>24h", "age:>1d"),
        ("attempts:>3", "attempts:>3"), ("attempts:=3", "attempts:3"), ("attempts:3", "attempts:3"),
        ("attempts:>=03", "attempts:>=3"), ("attempts:<=3", "attempts:<=3"), ("attempts:<3", "attempts:<3"),
        ("id:42", "id:42"), ("id:042", "id:42"), ("-id:7", "-id:7"),
        ("group:acme", "group:acme"), (#"group:"a b""#, #"group:"a b""#), ("group:*", #"group:"*""#),
        ("error-group:00C5a1d2e3f40718", "error-group:00c5a1d2e3f40718"),
        ("hello", "hello"), ("hello world", "hello world"), (#""hello world""#, #""hello world""#),
        (#""queue:mail""#, #""queue:mail""#), ("-hello", "-hello"), (#""-hello""#, #""-hello""#), ("-", #""-""#),
        ("a/b:c", #""a/b:c""#), ("12:30", #""12:30""#), ("x*", #""x*""#), ("%", "%"), ("_", "_"), ("*", #""*""#),
        ("ö:x", #""ö:x""#), (#"\"#, #"\"#), (#""\\""#, #"\"#), (#""\n""#, #"\n"#), ("\u{202E}x", "\u{202E}x"),
        ("caf\u{E9} cafe\u{301}", "cafe\u{301} caf\u{E9}"), ("a\u{A0}b", "a b"),
        (
            #""free text" attempts:>3 header.tenant:x group:acme age:>1h error:"timed out" name:newsletter.* state:buried queue:mail"#,
            #"queue:mail state:buried name:newsletter.* group:acme header.tenant:x error:"timed out" age:>1h attempts:>3 "free text""#
        ),
    ]

    @Test("writes itself in one way, and reads that as the same query", arguments: texts)
    func roundTrip(text: String, canonical: String) throws {
        let query = try JobQuery(text)
        #expect(Array(query.description.utf8) == Array(canonical.utf8))
        let again = try JobQuery(query.description)
        #expect(again == query && Array(again.description.utf8) == Array(canonical.utf8))
    }

    /// What is written, and what the message must name.
    static let errors: [(String, String)] = [
        ("queue:", "the term 'queue:' has no value: write the queue's name, such as queue:mail"),
        ("queue:-x", "the term 'queue:-x' is not understood: the queue name '-x' starts with '-'"),
        (#"queue:"a b""#, "has white space"), ("queue:\"\"", "has no value"),
        ("state:bury", "the term 'state:bury' is not understood: write one of ready, delayed, leased, buried, done"),
        ("state:ready*", "write one of ready"), ("age:1h", "write > or < and a duration"),
        ("age:>", "write a duration as a number"), ("age:>1w", "write a duration as a number"),
        ("age:>99999999999d", "longer than 100 years"), ("age:>=1h", "write a duration"),
        ("attempts:", "has no value"), ("attempts:many", "write a number"), ("attempts:>-1", "write a number"),
        ("attempts:>99999999999999999999", "write a number"), ("attempts:>+1", "write a number"),
        ("id:0", "write a number from 1"), ("id:x", "write a number from 1"), ("id:1*", "write a number from 1"),
        ("id:99999999999999999999", "write a number from 1"), ("id:-1", "write a number from 1"),
        ("error-group:12", "16 hexadecimal digits"), ("error-group:+0c5a1d2e3f40718", "16 hexadecimal digits"),
        ("header.:x", "the header name"), ("header.1:x", "the header name"), ("header.a.b:x", "the header name"),
        ("group:" + String(repeating: "x", count: 201), "201 bytes"), ("\"\"", "is empty"), ("-\"\"", "is empty"),
        ("http://example.org", "there is no term 'http:': use queue: state: name:"),
        ("error:\"timed out", "the quoted text 'timed out' has no end"), ("\"", "has no end"),
        (#""a\""#, "has no end"), ("a\u{0}b", "the control character"), ("error:\"a\nb\"", "the control character"),
        ("\u{7}", "the control character"), (String(repeating: "x", count: 10_240), "10240 bytes; at most 4096"),
        (String(repeating: "x ", count: 33), "more than 32 terms"), ("unknown:\u{202E}x", "there is no term"),
    ]

    @Test("that is wrong is refused with one sentence that names the term and what was expected", arguments: errors)
    func refusal(text: String, part: String) {
        let error = #expect(throws: StintError.self) { try JobQuery(text) }
        #expect(error?.code == .invalidInput)
        #expect(error?.description.contains(part) == true, "\(error?.description ?? "")")
        #expect(error?.description.contains("\n") == false)
    }

    @Test("of any bytes is read or refused, and what is read can be written and read again")
    func anything() throws {
        let pieces = [
            "queue:", "state:", "ready", "name:", "header.a:", "error:", "age:>", "1h", "attempts:", "id:", "7", "-",
            "\"",
            "\\", "*", " ", ":", ".", "é", "\u{301}", "\u{202E}", "\u{0}", "\n", "x",
        ]
        var (state, read) = (UInt64(20_261_126), 0)
        for _ in 0..<20_000 {
            var text = ""
            for _ in 0..<8 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                text += pieces[Int(state >> 33) % pieces.count]
            }
            guard let query = try? JobQuery(text) else { continue }
            read += 1
            let again = try JobQuery(query.description)
            #expect(
                again == query && again.description.utf8.elementsEqual(query.description.utf8),
                "\(text.debugDescription)")
        }
        #expect(read > 1_000)
    }

    @Test("gets terms more and less")
    func editing() throws {
        let query = try JobQuery("queue:mail state:buried state:ready")
        #expect(query.adding(.init(.state(.buried))) == query)
        #expect(
            query.adding(.init(.attempts(.greater, 3))).description == "queue:mail state:buried state:ready attempts:>3"
        )
        #expect(query.removing(.init(.state(.buried))).description == "queue:mail state:ready")
        #expect(query.removing(field: "state") == JobQuery(queue: "mail"))
        #expect(try JobQuery("queue:mail state:done") == JobQuery(queue: "mail", state: .done))
    }

    @Test("knows the states and queues of the jobs that may match")
    func known() throws {
        #expect(try JobQuery("state:done state:ready").states == [.ready, .done])
        #expect(try JobQuery("-state:done -state:ready").states == [.delayed, .leased, .buried, .cancelled, .expired])
        #expect(try JobQuery("state:ready -state:ready").states == [])
        #expect(try JobQuery("x").states == JobState.allCases)
        let query = try JobQuery("queue:a queue:b -queue:b")
        #expect(query.includes("a") && !query.includes("b") && !query.includes("c") && query.queue == nil)
        #expect(try JobQuery("queue:a state:ready").queue == "a" && JobQuery("-queue:a").queue == nil)
    }

    @Test("explains each of its terms with one that can be read")
    func help() throws {
        for help in JobQuery.help {
            let query = try JobQuery(help.example)
            #expect(query.terms.count == 1 && query.description == help.example)
            #expect(help.field.isEmpty || help.example.hasPrefix(help.field.replacing("NAME", with: "tenant")))
        }
    }

    @Test(
        "suggests names of terms and known values for the last word",
        arguments: [
            (
                "",
                [
                    "queue:", "state:", "name:", "group:", "header.", "error:", "error-group:", "age:", "attempts:",
                    "id:",
                ]
            ),
            ("queue:mail sta", ["state:"]), ("-e", ["-error:", "-error-group:"]),
            ("state:d", ["state:delayed", "state:done"]),
            ("-state:b", ["-state:buried"]), ("queue:m", ["queue:mail", "queue:metrics"]), ("queue:mail", []),
            ("error:\"st", []), ("zzz", []), ("age:", ["age:>1h", "age:<1h"]),
        ])
    func suggestions(text: String, expected: [String]) {
        #expect(JobQuery.suggestions(for: text, queues: ["mail", "metrics", "x"]) == expected)
    }

    @Test("finds text wherever it is, in either case of ASCII letters, and takes no character for a wildcard")
    func text() {
        func contains(_ text: String, _ part: String) -> Bool {
            Array(text.utf8).withUnsafeBytes(QueryText(part).isContained)
        }
        #expect(contains("Connection TIMED out", "timed OUT") && contains("x", "X") && contains("abcabd", "abd"))
        #expect(contains("aab", "ab") && contains("ABABAC", "abac") && contains("naïve", "ïve") && contains("x", ""))
        #expect(!contains("", "x") && !contains("ab", "abc") && !contains("NAÏVE", "ï") && !contains("k", "\u{212A}"))
        #expect(!contains("abc", "a%c") && !contains("abc", "a_c") && !contains("abc", "a*"))
        #expect(contains("a%c_*", "%c_*") && contains("\u{0}z", "Z") && !contains("{", "["))
    }
}
