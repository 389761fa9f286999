import StintCore

/// Counts as the database keeps them: numbers in lists, as JSON, so that they are read in SQL too.
///
/// It is read and written once for each queue in each transaction, so it has no use for a general parser. What another
/// program has made unreadable counts as nothing.
enum StoredActivity {
    /// A larger number is absurd. It also is what JSON's numbers keep exactly.
    private static let largest = 1 << 52

    // MARK: - The counts of the latest minute, in one text

    static func counts(_ text: UnsafeBufferPointer<UInt8>) -> ActivityCounts {
        var lists = lists(in: text)
        guard lists.count == 3 else { return ActivityCounts() }
        var counts = ActivityCounts(
            numbers: lists[0] + Array(repeating: 0, count: max(0, ActivityCounts.numberCount - lists[0].count)))
        counts.timeInQueue = histogram(&lists[1])
        counts.runTime = histogram(&lists[2])
        return counts
    }

    static func text(_ counts: ActivityCounts) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(256)
        text.append(UInt8(ascii: "["))
        append(counts.numbers, to: &text)
        text.append(UInt8(ascii: ","))
        append(counts.timeInQueue, to: &text)
        text.append(UInt8(ascii: ","))
        append(counts.runTime, to: &text)
        text.append(UInt8(ascii: "]"))
        return text
    }

    // MARK: - A histogram: the sum of its times, then its counts

    static func histogram(_ text: UnsafeBufferPointer<UInt8>) -> LatencyHistogram {
        var lists = lists(in: text)
        return lists.count == 1 ? histogram(&lists[0]) : LatencyHistogram()
    }

    static func text(_ histogram: LatencyHistogram) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(96)
        append(histogram, to: &text)
        return text
    }

    private static func histogram(_ numbers: inout [Int]) -> LatencyHistogram {
        guard !numbers.isEmpty else { return LatencyHistogram() }
        let total = numbers.removeFirst()
        return LatencyHistogram(counts: numbers, totalMilliseconds: total)
    }

    private static func append(_ histogram: LatencyHistogram, to text: inout [UInt8]) {
        append([histogram.totalMilliseconds], histogram.counts, to: &text)
    }

    // MARK: - Lists

    /// The lists of numbers in a text, in order; empty if there is anything else in it.
    private static func lists(in text: UnsafeBufferPointer<UInt8>) -> [[Int]] {
        var lists: [[Int]] = []
        var number = 0
        var hasNumber = false
        for byte in text {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                guard !lists.isEmpty else { return [] }
                number = min(largest, number * 10 + Int(byte - UInt8(ascii: "0")))
                hasNumber = true
            case UInt8(ascii: "["):
                // A list in a list: the outer one has no numbers.
                if let last = lists.last, last.isEmpty, !hasNumber { lists.removeLast() }
                guard lists.count < 3 else { return [] }
                lists.append([])
                lists[lists.count - 1].reserveCapacity(LatencyHistogram.bucketCount + 1)
            case UInt8(ascii: ","), UInt8(ascii: "]"):
                if hasNumber { lists[lists.count - 1].append(number) }
                guard lists.last.map({ $0.count <= LatencyHistogram.bucketCount + 1 }) == true else { return [] }
                (number, hasNumber) = (0, false)
            default: return []
            }
        }
        return lists
    }

    private static func append(_ numbers: [Int], _ more: [Int] = [], to text: inout [UInt8]) {
        text.append(UInt8(ascii: "["))
        for (index, number) in numbers.enumerated() {
            if index > 0 { text.append(UInt8(ascii: ",")) }
            append(number, to: &text)
        }
        for number in more {
            text.append(UInt8(ascii: ","))
            append(number, to: &text)
        }
        text.append(UInt8(ascii: "]"))
    }

    private static func append(_ number: Int, to text: inout [UInt8]) {
        var rest = min(max(0, number), largest)
        if rest < 10 { return text.append(UInt8(ascii: "0") + UInt8(rest)) }
        let start = text.count
        while rest > 0 {
            text.append(UInt8(ascii: "0") + UInt8(rest % 10))
            rest /= 10
        }
        text[start...].reverse()
    }
}

extension ActivityCounts {
    /// The columns of ``numbers`` in `stint_buckets`.
    static let columns = "enqueued, started, done, failed, crashed, lost, buried, cancelled, expired"
}
