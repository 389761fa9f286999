import StintCore
import Testing

@Suite("Webhooks: events, addresses and rounds")
struct WebhookTests {
    // MARK: - Events

    @Test(
        "an event is read from its text, and written in one form",
        arguments: [
            ("buried", "buried"), ("death:mail", "death:mail"), ("paused", "paused"), ("buried:a>b", "buried:a>b"),
            ("backlog:mail>10000", "backlog:mail>10000"), ("backlog>5", "backlog>5"),
            ("backlog:a>b>7", "backlog:a>b>7"), ("age:mail>10m", "age:mail>10m"), ("age>90s", "age>1m30s"),
            ("disk", "disk<1024MiB"), ("disk<2GiB", "disk<2048MiB"), ("disk<1TiB", "disk<1048576MiB"),
            ("age:x:y>1h", "age:x:y>1h"),
        ])
    func events(text: String, form: String) throws {
        let event = try WebhookEvent(text)
        #expect(event.description == form)
        #expect(try WebhookEvent(form) == event)
    }

    @Test(
        "what is no event is refused",
        arguments: [
            "", "x", "test", "Buried", "buriedx", "buried:", "buried:two words", "backlog", "backlog:mail", "backlog>0",
            "backlog>-1", "backlog>x", "age>5", "age:mail>0s", "age:mail<5m", "disk>5GiB", "disk<5", "disk<0GiB",
            "disk:mail", "disk<99999999999GiB", "backlog:>5",
        ])
    func badEvents(text: String) {
        #expect(throws: StintError.self) { try WebhookEvent(text) }
    }

    // MARK: - Addresses

    @Test(
        "a URL is read in parts",
        arguments: [
            ("https://Hooks.Example.com/a/b?c=d", "hooks.example.com", 443, "/a/b?c=d", "hooks.example.com"),
            ("http://example.com", "example.com", 80, "/", "example.com"),
            ("HTTPS://example.com:8443?x", "example.com", 8443, "/?x", "example.com:8443"),
            ("http://[2001:DB8::1]:81/", "2001:db8::1", 81, "/", "[2001:db8::1]:81"),
            ("http://93.184.216.34/", "93.184.216.34", 80, "/", "93.184.216.34"),
        ])
    func urls(text: String, host: String, port: Int, path: String, authority: String) throws {
        let url = try WebhookURL(text)
        #expect(url.host == host && url.port == port && url.path == path && url.authority == authority)
    }

    @Test(
        "what is no address of a receiver is refused",
        arguments: [
            "", "example.com", "ftp://example.com", "file:///etc/passwd", "https://", "https:///x", "https://a b/",
            "https://user:secret@example.com/", "https://user@example.com/", "https://example.com@127.0.0.1/",
            "https://example.com:0/", "https://example.com:65536/", "https://example.com:+80/", "https://example.com:/",
            "https://[fe80::1%eth0]/", "https://[fe80::1%25eth0]/", "https://[::1", "https://[::1]x/",
            "https://[127.0.0.1]/", "https://[example]/", "https://example.com/#part",
            "https://example.com\\@127.0.0.1/",
            "http://127.1/", "http://2130706433/", "http://0x7f000001/", "http://0177.0.0.1/", "http://1.2.3.4.5/",
            "https://-\u{e9}.com/", "https://a..b/", "https://example.com/\r\nx: y", "https://example.com/\u{0}",
        ])
    func badURLs(text: String) {
        #expect(throws: StintError.self) { try WebhookURL(text) }
    }

    @Test(
        "addresses of this machine and of private networks need leave, and some are refused in any case",
        arguments: [
            ("127.0.0.1", "local"), ("127.255.0.9", "local"), ("10.1.2.3", "local"), ("172.16.0.1", "local"),
            ("172.31.255.255", "local"), ("192.168.0.1", "local"), ("100.64.0.1", "local"), ("::1", "local"),
            ("fc00::1", "local"), ("fdff::1", "local"), ("::ffff:127.0.0.1", "local"), ("::ffff:10.0.0.1", "local"),
            ("64:ff9b::7f00:1", "local"), ("64:ff9b::a00:1", "local"),
            ("169.254.169.254", "refused"), ("::ffff:169.254.169.254", "refused"), ("0.0.0.0", "refused"),
            ("0.1.2.3", "refused"), ("224.0.0.1", "refused"), ("255.255.255.255", "refused"), ("240.0.0.1", "refused"),
            ("192.0.2.1", "refused"), ("198.18.0.1", "refused"), ("::", "refused"), ("fe80::1", "refused"),
            ("febf::1", "refused"), ("fec0::1", "refused"), ("ff02::1", "refused"), ("2002:7f00:1::", "refused"),
            ("2001:0:1::1", "refused"), ("2001:db8::1", "refused"), ("::7f00:1", "refused"),
            ("64:ff9b:1::1", "refused"), ("64:ff9b::a9fe:a9fe", "refused"), ("100::1", "refused"),
            ("93.184.216.34", "global"), ("172.32.0.1", "global"), ("172.15.0.1", "global"), ("100.128.0.1", "global"),
            ("2606:4700::1", "global"), ("::ffff:93.184.216.34", "global"), ("64:ff9b::5db8:d822", "global"),
        ])
    func addresses(text: String, kind: String) throws {
        let address = try #require(WebhookAddress(text))
        #expect((address.refusal(allowsPrivate: false) == nil) == (kind == "global"), "\(address.kind)")
        #expect((address.refusal(allowsPrivate: true) == nil) == (kind != "refused"), "\(address.kind)")
    }

    @Test(
        "a webhook to a private address is refused when it is set, unless that is allowed",
        arguments: [
            "http://127.0.0.1/", "http://[::1]/", "http://[::ffff:10.0.0.1]/", "http://localhost/",
            "http://a.localhost/",
        ])
    func privateWebhook(url: String) throws {
        #expect(throws: StintError.self) { try Webhook("w", url: url, events: ["buried"]) }
        _ = try Webhook("w", url: url, events: ["buried"], allowsPrivate: true)
        #expect(throws: StintError.self) {
            try Webhook("w", url: "http://169.254.169.254/latest", events: ["buried"], allowsPrivate: true)
        }
    }

    @Test("a secret has the form of Standard Webhooks, or is any text of its length")
    func secrets() throws {
        let secret = WebhookSecret()
        #expect(secret.bytes.count == 32 && secret != WebhookSecret())
        #expect(try WebhookSecret(secret.text) == secret && secret.text.hasPrefix("whsec_"))
        #expect(try WebhookSecret("sixteen bytes ok").bytes == Array("sixteen bytes ok".utf8))
        for text in ["", "short", "whsec_", "whsec_!!!!", "whsec_AAAA"] {
            #expect(throws: StintError.self) { try WebhookSecret(text) }
        }
    }

    // MARK: - Rounds

    private func observation(_ queue: QueueName = "q", buried: Int64 = 0, ready: Int64 = 0) -> WebhookObservation {
        var observation = WebhookObservation(queue: queue)
        (observation.buried, observation.ready) = (buried, ready)
        return observation
    }

    /// Runs rounds one after the other, and returns what each has told.
    private func tell(
        _ event: String, _ rounds: [(at: Timestamp, observation: WebhookObservation)]
    ) throws -> [String] {
        var state: WebhookState?
        return try rounds.map { at, observation in
            let round = WebhookRound("w", try WebhookEvent(event), [observation], now: at) { _ in state }
            state = round.changes.first?.state ?? state
            return round.messages.map { "\($0.state?.rawValue ?? "") \($0.value ?? -1)" }.joined(separator: ", ")
        }
    }

    @Test("what is counted is told at once, then once a minute, and all of it")
    func counted() throws {
        let told = try tell(
            "buried",
            [
                (0, observation(buried: 0)), (1_000, observation(buried: 1)), (2_000, observation(buried: 5)),
                (60_999, observation(buried: 9)), (61_000, observation(buried: 9)), (200_000, observation(buried: 9)),
                (200_001, observation(buried: 10)),
            ])
        #expect(told == ["", " 1", "", "", " 8", "", " 1"])
    }

    @Test("counts that were set back, and a clock that was, make nothing up and hold nothing back")
    func setBack() throws {
        let told = try tell(
            "buried",
            [
                (1_000_000, observation(buried: 7)), (1_060_000, observation(buried: 3)),
                (1_120_000, observation(buried: 4)), (5_000, observation(buried: 6)),
            ])
        #expect(told == [" 7", "", " 1", " 2"])
    }

    @Test("a limit is told once when it is exceeded, and once when that is over by a tenth")
    func limit() throws {
        let told = try tell(
            "backlog>100",
            [
                (0, observation(ready: 100)), (1_000, observation(ready: 101)), (2_000, observation(ready: 500)),
                (70_000, observation(ready: 95)), (71_000, observation(ready: 101)), (140_000, observation(ready: 90)),
                (141_000, observation(ready: 300)), (142_000, observation(ready: 10)),
                (200_000, observation(ready: 300)),
            ])
        #expect(told == ["", "raised 101", "", "", "", "resolved 90", "", "", "raised 300"])
    }

    @Test("many queues at once are told in one message")
    func manyQueues() throws {
        let queues = try (1...40).map { observation(try QueueName("q\($0)"), buried: Int64($0)) }
        let round = WebhookRound("w", try WebhookEvent("buried"), queues, now: 5) { _ in nil }
        #expect(round.changes.count == 40 && round.messages.count == 1)
        let message = round.messages[0]
        #expect(message.queueCount == 40 && message.value == 820 && message.queue == nil)
        #expect(message.queues?.map(\.value) == Array((31...40).reversed()))
    }

    @Test("no webhook tells of the jobs that send webhooks")
    func noLoop() throws {
        for event in ["buried", "death", "backlog>1", "age>1s", "paused", "buried:stint.webhooks"] {
            #expect(try !WebhookEvent(event).includes(Webhook.queue))
        }
        let own = observation(Webhook.queue, buried: 9, ready: 9)
        let round = WebhookRound("w", try WebhookEvent("buried"), [own], now: 5) { _ in nil }
        #expect(round.changes.isEmpty && round.messages.isEmpty)
    }
}
