/// Why a connection cannot be used any more.
struct SMTPProblem: Error {
    let text: String
    /// The task was cancelled, and nothing is wrong with the connection but that it stands in the middle of something.
    let isCancellation: Bool
    /// Of the bytes that were to be sent, those that the server may have.
    private(set) var sentBytes = 0

    init(_ text: String, isCancellation: Bool = false) {
        self.text = text
        self.isCancellation = isCancellation
    }

    func after(_ sentBytes: Int) -> SMTPProblem {
        var problem = self
        problem.sentBytes = sentBytes
        return problem
    }

    static let cancelled = SMTPProblem("it was cancelled", isCancellation: true)
}
