#if Web
    import Logging
    import ServiceLifecycle
    import StintBeanstalk
    import StintCore
    import StintMailbox
    import StintWeb
    import StintWorker

    extension ServeCommand {
        func dashboard(
            of queue: JobQueue<AnyJobStore>, at address: String, beside jobServer: JobServer?, _ mailbox: Mailbox?,
            _ services: inout [ServiceGroupConfiguration.ServiceConfiguration]
        ) throws -> Dashboard {
            let (host, port) = try Self.address(address, of: "--web")
            var access =
                try authFile.map { Access.credentials(try Credentials(file: $0)) } ?? .open(readOnly ? .view : .admin)
            if readOnly { access.mostRole = .view }
            access.hostNames = Set(hostName.map { $0.lowercased() })
            access.trustedProxies = Set(trustedProxy)
            access.proxyUserHeader = proxyUserHeader
            var options = Dashboard.Options(access: access, logger: Logger(label: "stint.web"))
            options.redacted = Set(redact)
            options.commandDatabase = database.given.map(withoutPassword)
            if let store = queue.store.base as? any ExaminableStore {
                options.examine = { try await store.quickFindings().map(Dashboard.Finding.init) }
                options.examineThoroughly = { try await store.thoroughFindings().map(Dashboard.Finding.init) }
            }
            if let store = queue.store.base as? any MeasurableStore {
                options.measure = { try store.storageSize() }
            }
            options.version = Version.current
            if let jobServer {
                options.moreMetrics = { await jobServer.metrics.map(MetricFamily.families(of:)) ?? [] }
            }
            options.dryRuns = try dryRuns(of: queue)
            options.mailbox = mailbox
            options.mailAddress = mail.address
            let dashboard = try Dashboard(queue: queue, options: options)
            let server = try WebServer(host: host, port: port, dashboard: dashboard) { address in
                // Scripts wait for this line.
                do { try Output.print("http://\(address)/") } catch {}
            }
            services.append(.init(service: server, successTerminationBehavior: .gracefullyShutdownGroup))
            return dashboard
        }

        private func dryRuns(
            of queue: JobQueue<AnyJobStore>
        ) throws -> [QueueName: @Sendable (JobID) async throws -> DryRunReport] {
            var runs: [QueueName: @Sendable (JobID) async throws -> DryRunReport] = [:]
            let all = dryRunCommand.map { ($0, DryRun.Kind.command) } + dryRunPipe.map { ($0, .pipe) }
            for (given, kind) in all {
                var dryRun = try DryRun(
                    ["/bin/sh", "-c", given.command], kind: kind, variables: ["STINT_DB": queue.store.address])
                dryRun.longestTimeToRun = .seconds(600)
                guard runs[given.queue] == nil else {
                    throw wrongUsage("there are two commands for dry runs of queue \(quoted(given.queue.description))")
                }
                runs[given.queue] = { [dryRun] id in try await dryRun.run(id, of: queue) }
            }
            // This process starts no other children.
            if !runs.isEmpty { CommandHandler.adoptOrphans() }
            return runs
        }
    }

    extension Dashboard.Finding {
        fileprivate init(_ finding: Finding) {
            self.init(isGood: finding.isGood, text: "\(finding.subject): \(finding.description)")
        }
    }
#endif
