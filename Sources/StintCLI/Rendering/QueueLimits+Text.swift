import StintCore

extension QueueLimits {
    /// All limits, in the words of `stint queue set`; `nil` if there are none and groups take turns.
    var text: String? {
        let order = groupOrder == .strict ? "strict" : "loose"
        let parts = [
            concurrency.map { "concurrency \($0)" }, rate.map { "rate \($0)" },
            groupConcurrency.map { "group concurrency \($0)" + ($0 == 1 ? ", \(order) order" : "") },
            groupRate.map { "group rate \($0)" }, isFair ? nil : "not fair",
        ].compactMap(\.self)
        return parts.isEmpty ? nil : parts.joined(separator: ", ")
    }

    /// Those that do not stand beside the running jobs, in few columns: `50/1s 2/group 5/1m/group`.
    var shortText: String {
        [
            rate?.description, groupConcurrency.map { "\($0)/group" }, groupRate.map { "\($0)/group" },
            isFair ? nil : "unfair",
        ].compactMap(\.self).joined(separator: " ")
    }
}
