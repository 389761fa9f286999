import StintCore
import Testing

@testable import StintCLI

@Suite("The address of a store")
struct StoreAddressTests {
    @Test(
        "is a path, or a kind and a path",
        arguments: [
            ("stint.db", "stint.db"), ("sqlite:stint.db", "stint.db"), ("sqlite:/a/b.db", "/a/b.db"),
            ("sqlite:a:b.db", "a:b.db"), ("./a:b.db", "./a:b.db"), ("/x/a:b.db", "/x/a:b.db"), ("é:b", "é:b"),
            ("A:b", "A:b"), (":b", ":b"), ("my file:b", "my file:b"),
        ])
    func place(_ text: String, _ place: String) throws {
        let address = try StoreAddress(text)
        #expect(address.kind == .sqlite && address.place == place)
    }

    @Test(
        "of another kind is refused",
        arguments: ["postgres:jobs", "mysql://me:secret@h/jobs", "Postgres://me:secret@h/jobs", "a:b", "sqlite:"])
    func refused(_ text: String) {
        #expect {
            try StoreAddress(text)
        } throws: {
            ($0 as? StintError)?.code == .invalidInput && "\($0)".contains("sqlite:path") && !"\($0)".contains("secret")
        }
    }
}
