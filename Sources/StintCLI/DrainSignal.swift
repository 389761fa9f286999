#if Web
    import ServiceLifecycle
    import StintBeanstalk
    import UnixSignals

    /// SIGUSR1 makes a server accept no more jobs, as it does with beanstalkd.
    struct DrainSignal: Service {
        private let server: JobServer

        init(_ server: JobServer) {
            self.server = server
        }

        func run() async throws {
            await cancelWhenGracefulShutdown {
                for await _ in await UnixSignalsSequence(trapping: .sigusr1) { server.drain() }
            }
        }
    }
#endif
