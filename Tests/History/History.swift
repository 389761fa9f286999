/// A history with its lines sorted out.
struct History {
    let events: [Event]

    init(_ events: [Event]) {
        self.events = events
    }
}
