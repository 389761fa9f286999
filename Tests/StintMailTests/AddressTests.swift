import StintCore
import StintMail
import Testing

@Suite struct AddressTests {
    @Test(
        "an address is read with its name, and its domain becomes ASCII",
        arguments: [
            ("ada@example.org", nil, "ada@example.org"),
            ("Ada <ada@Example.ORG>", "Ada", "ada@example.org"),
            ("\"Lovelace, \\\"Ada\\\"\" <ada@example.org>", "Lovelace, \"Ada\"", "ada@example.org"),
            ("<ada@example.org>", nil, "ada@example.org"),
            ("post@bücher.example", nil, "post@xn--bcher-kva.example"),
            ("почта@例え.テスト", nil, "почта@xn--r8jz45g.xn--zckzah"),
            ("\"a@b c\"@example.org", nil, "\"a@b c\"@example.org"),
            ("a@[192.0.2.1]", nil, "a@[192.0.2.1]"),
            ("a@[IPv6:2001:db8::1]", nil, "a@[IPv6:2001:db8::1]"),
        ] as [(String, String?, String)])
    func reading(text: String, name: String?, address: String) throws {
        let read = try MailAddress(text)
        #expect(read.name == name)
        #expect(read.address == address)
        #expect(try MailAddress(read.description) == read)
    }

    @Test("a quote with an accent on it does not end a name")
    func accent() throws {
        let address = try MailAddress("a@example.org", name: "x\"\u{301}y\\\u{301}z")
        #expect(try MailAddress(address.description) == address)
    }

    @Test(
        "what is no address is refused with the reason",
        arguments: [
            ("example.org", "no '@'"), ("a@", "domain"), ("@example.org", "before the '@'"),
            ("a b@example.org", "before"),
            ("a@exa mple.org", "domain"), ("a@example.org\r\nBcc: b@example.org", "before"), ("a@-x.org", "domain"),
            (String(repeating: "a", count: 65) + "@example.org", "64"), ("a\u{A0}b@example.org", "before"),
            ("a@" + String(repeating: "a", count: 64) + ".org", "domain"), ("x\ny <a@example.org>", "line break"),
            ("a@[192.0.2.1", "domain"), ("a@exa_m\u{0}ple.org", "domain"),
        ])
    func refusing(text: String, reason: String) {
        let error = #expect(throws: StintError.self) { try MailAddress(text) }
        #expect(error?.code == .invalidInput)
        #expect(error?.description.contains(reason) == true, "\(error?.description ?? "")")
    }

    @Test("an envelope is written to headers and read again")
    func envelope() throws {
        let envelope = MailEnvelope(sender: nil, recipients: ["a@example.org", "\"x,y\"@example.org", "ß@example.org"])
        var headers = Headers()
        try envelope.write(to: &headers)
        #expect(headers["mail-from"] == "")
        #expect(try MailEnvelope(headers) == envelope)
        #expect(try MailEnvelope(Headers()) == nil)
        #expect(throws: StintError.self) { try MailEnvelope(try Headers(["mail-to": "a@example.org"])) }
        #expect(throws: StintError.self) { try MailEnvelope(try Headers(["mail-to": " , ", "mail-from": ""])) }
    }

    @Test("a bounce address of each recipient says whose it is, and is refused if it is too long")
    func bounces() throws {
        let bounces = BounceAddress.perRecipient("bounce@example.org")
        #expect(try bounces.sender(for: "ada@example.net").address == "bounce+ada=example.net@example.org")
        let long = try MailAddress(String(repeating: "a", count: 60) + "@example.net")
        #expect(throws: StintError.self) { try bounces.sender(for: long) }
    }
}
