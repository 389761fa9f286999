import Logging
import StintCore

/// What a person orders this worker to do (``WorkerOrder``). Orders come with the mark of revocations, so a worker that
/// has none reads nothing for them; in case a change of the mark was missed, it looks once a minute too.
extension WorkerLoop {
    private static let orderInterval: Duration = .seconds(60)

    func lookAtOrderIfDue() async {
        if ContinuousClock.now - lastOrderLook >= Self.orderInterval { await lookAtOrder() }
    }

    func lookAtOrder() async {
        guard let place, !isStopping else { return }
        lastOrderLook = .now
        do {
            obey(try await store.order(of: place.id))
        } catch {
            logger.warning("the worker's orders cannot be read; trying again", metadata: ["error": "\(error)"])
        }
    }

    private func obey(_ order: WorkerOrder?) {
        guard !isStopping, order != nil || isQuiet else { return }
        switch order {
        case nil:
            logger.notice("the worker was ordered to work again")
            isQuiet = false
            wake.yield()
        case .quiet where isQuiet: return
        case .quiet:
            logger.notice("the worker was ordered to claim no more jobs")
            isQuiet = true
            releaseWaitingJobs()
            forgetSuspect()
            wake.yield()
        case .stop, .restart:
            logger.notice("the worker was ordered to \(order!.rawValue)")
            ending = order == .restart ? .recycled : .dismissed
            stop(grace: options.gracePeriod)
        }
    }
}
