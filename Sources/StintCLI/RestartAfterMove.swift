import Foundation
import Logging
import ServiceLifecycle
import StintCore
import StintPlatform
import StintWorker
import Synchronization

/// What a process that runs on does about moves (`stint move`). When its database is moved, it ends in an orderly way and
/// starts itself again, as the same process, with the same arguments; then it opens the database to which it was moved. As long as
/// it runs there, it forwards jobs that others still enqueue in the old one.
final class RestartAfterMove: Sendable {
    /// How often it looks, if nothing tells it of a change.
    private static let interval: Duration = .seconds(60)

    private let store: AnyJobStore
    private let isMoved = Atomic(false)
    private let isToStop = Atomic(false)
    /// The signals that this process did not ignore when it began.
    private let heeded: [Int32]

    init(_ store: AnyJobStore) {
        self.store = store
        heeded = [SIGTERM, SIGINT, SIGHUP].filter { !SignalDisposition.ignores($0) }
    }

    var services: [ServiceGroupConfiguration.ServiceConfiguration] {
        guard store.base is any MovableStore else { return [] }
        var services = [
            ServiceGroupConfiguration.ServiceConfiguration(
                service: Watch(restart: self), successTerminationBehavior: .gracefullyShutdownGroup)
        ]
        for (former, target) in store.formers {
            services.append(
                .init(service: Forwarder(former: former, target: target), successTerminationBehavior: .ignore))
        }
        return services
    }

    /// Somebody has asked this process to stop: it does not start again.
    func stops() { isToStop.store(true, ordering: .releasing) }

    /// Whether the database was moved: then this process is to end, and to call ``execIfMoved()``.
    func isNeeded() async throws -> Bool {
        guard let base = store.base as? any MovableStore, try await base.moveState(.out)?.phase == .moved else {
            return false
        }
        isMoved.store(true, ordering: .releasing)
        RestartInPlace.plan()
        return true
    }

    /// Returns when the database was moved, or the task is cancelled. It reads the database only if something tells of a change,
    /// and once a minute.
    private func waitForMove() async {
        guard let base = store.base as? any MovableStore else { return }
        for await _ in base.moveSignals().andEvery(Self.interval) {
            do {
                guard try await isNeeded() else { continue }
                return Output.printError("the database was moved: starting again on the new one")
            } catch {
                // A store that cannot be read is reported by those who use it.
                continue
            }
        }
    }

    /// Replaces this process by a new one with the same arguments, if the database was moved.
    ///
    /// - Throws: `processFailed`.
    func execIfMoved() throws {
        guard isMoved.load(ordering: .acquiring), !isToStop.load(ordering: .acquiring) else { return }
        for number in heeded { signal(number, SIG_DFL) }
        var none = sigset_t()
        sigemptyset(&none)
        pthread_sigmask(SIG_SETMASK, &none, nil)
        if let program = ProcessList.executableOfThisProcess { execv(program, CommandLine.unsafeArgv) }
        throw StintError(
            .processFailed,
            "the database was moved, and this program could not start itself again (\(systemError())): start it again"
        )
    }

    /// Ends when the database was moved.
    private struct Watch: Service {
        let restart: RestartAfterMove

        func run() async throws {
            await cancelWhenGracefulShutdown { await restart.waitForMove() }
        }
    }

    private struct Forwarder: Service {
        let former: MovedDatabase
        let target: any MovableStore

        func run() async throws {
            await cancelWhenGracefulShutdown {
                await former.forwardAll(to: target, logger: Logger(label: "stint.move"))
            }
        }
    }
}
