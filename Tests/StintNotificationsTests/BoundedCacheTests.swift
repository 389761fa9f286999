import Testing

@testable import StintNotifications

@Suite("A bounded cache")
struct BoundedCacheTests {
    private struct Failure: Error {}

    @Test("computes a value once, and keeps no more values than its limit")
    func limit() {
        let cache = BoundedCache<Int, Int>(limit: 3)
        var made: [Int] = []
        func value(of key: Int) -> Int {
            cache.value(of: key) {
                made.append(key)
                return key * 10
            }
        }
        for key in [1, 2, 3, 1, 2, 3] { #expect(value(of: key) == key * 10) }
        #expect(made == [1, 2, 3])
        // The fourth takes the place of the three.
        for key in [4, 4, 1] { #expect(value(of: key) == key * 10) }
        #expect(made == [1, 2, 3, 4, 1])
    }

    @Test("keeps a value that is nil, and nothing of what was thrown")
    func values() throws {
        let cache = BoundedCache<String, Int?>(limit: 3)
        var count = 0
        for _ in 0..<2 {
            #expect(throws: Failure.self) {
                try cache.value(of: "a") {
                    count += 1
                    throw Failure()
                }
            }
        }
        #expect(count == 2)
        for _ in 0..<2 {
            let value = cache.value(of: "a") {
                count += 1
                return nil
            }
            #expect(value == nil)
        }
        #expect(count == 3)
    }
}
