extension [FlowSide] {
    /// Measures each side in each round. Every other round goes backwards: what a turn leaves to the next one hits both sides.
    ///
    /// - Returns: By the sides' names.
    func turns<Turn>(
        rounds: Int, _ turn: (_ side: FlowSide, _ round: Int) async throws -> Turn
    ) async throws -> [String: [Turn]] {
        var turns: [String: [Turn]] = [:]
        for round in 0..<rounds {
            for side in round % 2 == 0 ? self : reversed() {
                turns[side.name, default: []].append(try await turn(side, round))
            }
        }
        return turns
    }
}
