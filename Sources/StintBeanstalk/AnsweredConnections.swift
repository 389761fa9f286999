import NIOCore

/// Connections that the broker has answered. They send their replies, and go on with their next commands, after what the
/// broker does now: all of them in one task of the event loop. Used on the event loop only.
///
/// `@unchecked Sendable`: the event loop serialises every use.
final class AnsweredConnections: @unchecked Sendable {
    private let loop: any EventLoop
    private var handlers: [ConnectionHandler] = []

    init(on loop: any EventLoop) { self.loop = loop }

    func add(_ handler: ConnectionHandler) {
        handlers.append(handler)
        guard handlers.count == 1 else { return }
        loop.execute {
            let handlers = self.handlers
            self.handlers.removeAll(keepingCapacity: true)
            for handler in handlers { handler.goOn() }
        }
    }
}
