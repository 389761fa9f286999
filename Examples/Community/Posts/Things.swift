/// What an event is about, as text in jobs: `post:12`.
enum Thing: Hashable, Sendable {
    case post(Int64)
    case comment(Int64)
    case group(Int64)
    case newsletter(Int64)

    var text: String {
        switch self {
        case .post(let id): "post:\(id)"
        case .comment(let id): "comment:\(id)"
        case .group(let id): "group:\(id)"
        case .newsletter(let id): "newsletter:\(id)"
        }
    }

    /// `nil` for a text that names nothing, since what a job holds is checked like what a browser sends.
    init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let id = Int64(parts[1]) else { return nil }
        switch parts[0] {
        case "post": self = .post(id)
        case "comment": self = .comment(id)
        case "group": self = .group(id)
        case "newsletter": self = .newsletter(id)
        default: return nil
        }
    }
}

/// What happens on the site that members can be told of.
enum Kind: String, CaseIterable, Sendable {
    case post
    case comment
    case mention
    case like
    case request
    case newsletter

    /// Whether an event of this kind can be about this thing.
    func canBe(about thing: Thing) -> Bool {
        switch (self, thing) {
        case (.post, .post), (.comment, .comment), (.mention, .post), (.mention, .comment), (.like, .post),
            (.request, .group), (.newsletter, .newsletter):
            true
        case (.post, _), (.comment, _), (.mention, _), (.like, _), (.request, _), (.newsletter, _): false
        }
    }
}
