import CStint
import StintCore

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// What the launcher's thread does, for ever: it starts what is asked for, kills what is due and reaps what has ended.
/// Used by that thread alone.
struct LauncherThread {
    /// How often children are looked at that cannot be polled.
    private static let slowPoll: Duration = .milliseconds(5)

    let launcher: ProcessLauncher
    let wakeUp: WakeUp
    private var children: [ChildProcess] = []

    init(launcher: ProcessLauncher, wakeUp: WakeUp) {
        self.launcher = launcher
        self.wakeUp = wakeUp
    }

    mutating func run() -> Never {
        stint_keep_ends_of_children()
        while true {
            waitForEvent()
            for request in launcher.takeRequests() { serve(request) }
            let now = ContinuousClock.now
            for child in children { child.killIfDue(at: now) }
        }
    }

    /// Waits for a wake-up, the end of a child or the time to kill one; reaps what has ended.
    private mutating func waitForEvent() {
        var events = [wakeUp.event]
        // A negative descriptor is passed over.
        events += children.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
        poll(&events, nfds_t(events.count), timeout)
        if events[0].revents != 0 { wakeUp.clear() }
        var left: [ChildProcess] = []
        for (child, event) in zip(children, events.dropFirst()) {
            if (child.descriptor < 0 || event.revents != 0) && stint_has_ended(child.id) != 0 {
                launcher.collect(child)
            } else {
                left.append(child)
            }
        }
        children = left
    }

    private var timeout: Int32 {
        var timeout: Duration?
        if children.contains(where: { $0.descriptor < 0 }) { timeout = Self.slowPoll }
        if let kill = children.compactMap(\.killAt).min() {
            let left = max(.zero, kill - ContinuousClock.now)
            timeout = min(timeout ?? left, left)
        }
        return timeout.map { Int32(min($0.milliseconds, 60_000)) } ?? -1
    }

    private mutating func serve(_ request: ProcessLauncher.Request) {
        do {
            let id = try request.launch.spawn()
            let child = ChildProcess(
                id: id, leadsGroup: request.launch.ownGroup, descriptor: stint_pidfd_open(id),
                // Now, while it cannot have been reaped and its number be another's.
                identity: request.launch.control == nil ? nil : ProcessIdentity(ofProcess: id),
                wakeLauncher: wakeUp.wake)
            children.append(child)
            launcher.add(child)
            request.answer.resume(returning: child)
        } catch {
            request.answer.resume(throwing: error)
        }
    }
}
