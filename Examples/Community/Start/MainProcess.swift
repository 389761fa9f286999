import Foundation
import Hummingbird
import Logging
import ServiceLifecycle
import Stint

/// The process that was started: the site, the reaper, which ticks the schedules too, the supervisor of the workers, and
/// a child, `stint serve`, that catches mails and has the dashboard.
struct MainProcess {
    let options: Community
    let data: SiteDatabase

    func run() async throws {
        let logger = Logger(label: "community")
        if try await Seeds.sow(options.members, data) { say("\(options.members) members are made up.") }
        let addresses = Addresses()
        let secret = try Secret(folder: data.folder)
        let port = options.port == 0 ? try await FreePort.find() : options.port
        let mails = try Mails(jobs: data.queue, secret: secret, address: "http://127.0.0.1:\(port)")
        try mails.writeSigningKey(folder: data.folder)
        let site = try Site(data: data, secret: secret, mails: mails)
        try await data.queue.schedule(
            "clean-up", .cron("15 3 * * *", timeZone: "Europe/Berlin"), CleanUp(), in: CleanUp.queue)

        let application = Application(
            router: site.router(), configuration: .init(address: .hostname("127.0.0.1", port: port)),
            onServerRunning: { _ in addresses.siteRuns(at: mails.address) }, logger: logger)
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                // They end in the opposite order, so that what workers send is still caught.
                services: [
                    .init(service: CatcherProcess(options: options, data: data, addresses: addresses)),
                    .init(service: application), .init(service: Reaper(data.queue)),
                    .init(service: Workers(count: options.workers, data: data, addresses: addresses)),
                ],
                gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
        try await group.run()
    }
}

/// Starts the supervisors when the site and the catcher run, and then says what to click.
struct Workers: Service {
    let count: Int
    let data: SiteDatabase
    let addresses: Addresses

    func run() async throws {
        guard let known = await cancelWhenGracefulShutdown({ await addresses.all() }) else { return }
        say(Greeting.text(known, folder: data.folder))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (role, count) in [(WorkerProcess.Role.members, count), (.newsletter, 1)] {
                let supervisor = supervisor(role, count, known)
                group.addTask { try await supervisor.run() }
            }
            try await group.waitForAll()
        }
    }

    private func supervisor(_ role: WorkerProcess.Role, _ count: Int, _ known: Addresses.All) -> Supervisor {
        var options = SupervisorOptions()
        options.workers = count
        options.gracePeriod = WorkerProcess.stopTime
        // As under cron: no locale, and a zone that no member has. Nothing that a mail says may come from either.
        options.variables = [
            "LANG": "C", "LC_ALL": "C", "TZ": "Pacific/Chatham", WorkerProcess.smtpVariable: known.smtp,
            WorkerProcess.siteVariable: known.site, WorkerProcess.roleVariable: role.rawValue,
        ]
        return Supervisor(data.queue, options: options) { _ in
            throw SiteProblem("the main process was started as a worker")
        }
    }
}
