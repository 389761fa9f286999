/// The candidate that differs least from `word`, if it is similar enough to be what the user meant.
func nearest(to word: String, among candidates: some Sequence<String>) -> String? {
    let limit = word.count / 3
    let close = candidates.compactMap { candidate -> (name: String, distance: Int)? in
        guard abs(candidate.count - word.count) <= limit else { return nil }
        let distance = editDistance(Array(word.lowercased()), Array(candidate.lowercased()))
        return distance <= limit ? (candidate, distance) : nil
    }
    return close.min { $0.distance < $1.distance }?.name
}

/// How many letters must be inserted, removed, replaced or swapped with their neighbour ("optimal string alignment").
private func editDistance(_ left: [Character], _ right: [Character]) -> Int {
    var (beforeLast, last) = ([Int](), Array(0...right.count))
    for (row, letter) in left.enumerated() {
        var current = [row + 1]
        for (column, other) in right.enumerated() {
            var cost = min(last[column + 1] + 1, current[column] + 1, last[column] + (letter == other ? 0 : 1))
            if row > 0, column > 0, letter == right[column - 1], left[row - 1] == other {
                cost = min(cost, beforeLast[column - 1] + 1)
            }
            current.append(cost)
        }
        (beforeLast, last) = (last, current)
    }
    return last[right.count]
}
