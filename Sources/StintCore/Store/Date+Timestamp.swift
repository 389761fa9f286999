#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension Date {
    package init(_ time: Timestamp) {
        self.init(timeIntervalSince1970: Double(time) / 1_000)
    }

    /// Rounded, and clamped to what a timestamp can be.
    package var timestamp: Timestamp {
        let milliseconds = (timeIntervalSince1970 * 1_000).rounded()
        if milliseconds.isNaN { return 0 }
        return Timestamp(exactly: milliseconds) ?? (milliseconds < 0 ? .min : .max)
    }
}
