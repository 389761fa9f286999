import CStint
import StintCore
import StintPlatform

/// The loop of the launcher's thread: it starts requested processes, kills those that are due, kills what its children
/// leave behind if this process adopts orphans, and reaps what has ended. Used only by that thread.
struct LauncherThread {
    /// How often children without a pidfd are checked.
    private static let slowPoll: Duration = .milliseconds(5)
    /// How often processes that a child has left behind are checked.
    private static let leftoverPoll: Duration = .milliseconds(1)
    /// How long the end of a child waits for the end of processes that it left behind. The rest is killed later.
    private static let leftoverPatience: Duration = .seconds(2)
    /// How often ended orphans are looked for while children run that may leave some behind.
    private static let zombiePoll: Duration = .seconds(1)
    /// The same if all children are workers, which reap the orphans of their own children: those of a worker become
    /// children of this process only when it ends.
    private static let rareZombiePoll: Duration = .seconds(10)

    let launcher: ProcessLauncher
    let wakeUp: WakeUp
    private var children: [ChildProcess] = []
    /// Children that have ended, but not all processes that they left behind.
    private var ending: [ChildProcess] = []
    private var adopted = AdoptedProcesses()
    private var lastSweep = ContinuousClock.now

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
        // poll(2) ignores negative descriptors.
        events += children.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
        poll(&events, nfds_t(events.count), timeout)
        if events[0].revents != 0 { wakeUp.clear() }
        var left: [ChildProcess] = []
        for (child, event) in zip(children, events.dropFirst()) {
            if (child.descriptor < 0 || event.revents != 0) && stint_has_ended(child.id) != 0 {
                child.leaderHasEnded()
                ending.append(child)
            } else {
                left.append(child)
            }
        }
        children = left
        reapEnded()
    }

    private mutating func reapEnded() {
        var withLeftovers: Set<pid_t> = []
        let now = ContinuousClock.now
        let isTime = !adopted.isEmpty || now - lastSweep >= Self.zombiePoll && stint_any_has_ended() != 0
        if launcher.adoptsOrphans && (!ending.isEmpty || isTime) {
            withLeftovers = adopted.sweep(running: children, ended: ending)
        }
        if isTime || !ending.isEmpty { lastSweep = now }
        for child in ending where !hasToWait(child, withLeftovers, now) { launcher.collect(child) }
        ending = ending.filter { hasToWait($0, withLeftovers, now) }
    }

    private func hasToWait(_ child: ChildProcess, _ withLeftovers: Set<pid_t>, _ now: ContinuousClock.Instant) -> Bool {
        withLeftovers.contains(child.id) && now - child.ended < Self.leftoverPatience
    }

    private var timeout: Int32 {
        var timeout: Duration?
        func wait(_ duration: Duration) { timeout = min(timeout ?? duration, duration) }
        if children.contains(where: { $0.descriptor < 0 }) { wait(Self.slowPoll) }
        if !ending.isEmpty { wait(Self.leftoverPoll) }
        if launcher.adoptsOrphans && !(children.isEmpty && adopted.isEmpty) {
            let isRare = adopted.isEmpty && children.allSatisfy(\.isWorker) && getpid() != 1
            wait(isRare ? Self.rareZombiePoll : Self.zombiePoll)
        }
        if let kill = children.compactMap(\.killAt).min() { wait(max(.zero, kill - ContinuousClock.now)) }
        return timeout.map { Int32(min($0.milliseconds, 60_000)) } ?? -1
    }

    private mutating func serve(_ request: ProcessLauncher.Request) {
        do {
            let id = try request.launch.spawn()
            let child = ChildProcess(
                id: id, request.launch, descriptor: stint_pidfd_open(id),
                // Read now, while it cannot have been reaped and its id not be reused.
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
