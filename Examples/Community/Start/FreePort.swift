import NIOCore
import NIOPosix

/// A port of loopback that is free now, for those who do not mind which.
enum FreePort {
    static func find() async throws -> Int {
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.0.0.1", port: 0).get()
        let port = channel.localAddress?.port
        try await channel.close()
        guard let port else { throw SiteProblem("there is no free port: give one with --port") }
        return port
    }
}
