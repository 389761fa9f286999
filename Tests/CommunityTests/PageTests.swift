import Testing

@testable import community

@Suite("Pages of the community", .timeLimit(.minutes(1)))
struct PageTests {
    @Test(
        "a number in an address that is no page or id ends nothing",
        arguments: ["9223372036854775807", "-9223372036854775808", "9223372036854775808", "1e300", "x", ""])
    func numbers(number: String) async throws {
        let test = try await TestSite()
        let ada = try await test.add("ada")
        let page = try await test.get("/members?page=\(number)", as: ada)
        #expect(page.status == .ok && page.text.contains("1 members"))
        for path in ["/groups/\(number)x", "/posts/\(number)", "/leave?member=\(number)&kind=post&token=x"] {
            let status = try await test.get(path, as: ada).status
            #expect(status == .notFound || status == .badRequest, "\(path): \(status)")
        }
        #expect(try await test.get("/groups/\(number.isEmpty ? "-" : number)", as: ada).status == .notFound)
        let hour = try await test.post(
            "/preferences", ["locale": "en", "zone": "UTC", "hour": number, "weekday": number], as: ada)
        #expect(hour.status == .badRequest || hour.status == .seeOther)
    }

    @Test(
        "letting somebody into a secret group takes a handle or a whole address, and no member's broken one",
        arguments: [
            "@", "@@", " @ ", "\" \"", "nobody", "@nobody", "no at sign", "two@@example.org", "ada@", "@example.org",
            "<@>", "Eve <eve@example.org>", "shared@example.org", "gone", "gone@example.org", "e@",
        ])
    func nobodyIsLetIn(name: String) async throws {
        let test = try await TestSite()
        let ada = try await test.add("ada", groups: [TestSite.secretGroup])
        let broken: [String?] = [nil, "", " ", "@", "no at sign", "two@@example.org", "@example.org", "ada@", "e@"]
        for (number, address) in broken.enumerated() { try await test.add("odd\(number)", address: .some(address)) }
        try await test.add("eve")
        try await test.add("", address: "empty@example.org")
        for handle in ["one", "two"] { try await test.add(handle, address: "shared@example.org") }
        try await test.add("gone")
        try await test.change("UPDATE members SET deleted_at = 1 WHERE handle = 'gone'")
        let answer = try await test.post("/groups/\(TestSite.secretGroup)/let-in", ["name": name], as: ada)
        #expect(answer.status == .badRequest)
        #expect(try await test.value("SELECT count(*) FROM memberships WHERE group_id = 2") == 1)
    }

    @Test(
        "a handle, with or without '@', and a whole address let their member in",
        arguments: ["eve", " @Eve", "EVE@example.org"])
    func letIn(name: String) async throws {
        let test = try await TestSite()
        let ada = try await test.add("ada", groups: [TestSite.secretGroup])
        try await test.add("eve")
        let answer = try await test.post("/groups/\(TestSite.secretGroup)/let-in", ["name": name], as: ada)
        #expect(answer.status == .seeOther)
        #expect(try await test.value("SELECT count(*) FROM memberships WHERE group_id = 2") == 2)
    }
}
