// swift-tools-version: 6.1

import PackageDescription

let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
/// SQLite's C interface, the same library that GRDB links.
let sqlite: Target.Dependency = .product(name: "GRDBSQLite", package: "GRDB.swift")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let metrics: Target.Dependency = .product(name: "Metrics", package: "swift-metrics")
let tracing: Target.Dependency = .product(name: "Tracing", package: "swift-distributed-tracing")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let signals: Target.Dependency = .product(name: "UnixSignals", package: "swift-service-lifecycle")
let subprocess: Target.Dependency = .product(name: "Subprocess", package: "swift-subprocess")
let system: Target.Dependency = .product(name: "SystemPackage", package: "swift-system")
let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto", condition: .when(traits: ["Web"]))
/// RSA, and scrypt for the community's passwords.
let cryptoExtras: Target.Dependency = .product(
    name: "_CryptoExtras", package: "swift-crypto", condition: .when(traits: ["Web"]))
let httpClient: Target.Dependency = .product(
    name: "AsyncHTTPClient", package: "async-http-client", condition: .when(traits: ["Web"]))
let hummingbird: Target.Dependency = .product(
    name: "Hummingbird", package: "hummingbird", condition: .when(traits: ["Web"]))
let hummingbirdCore: Target.Dependency = .product(
    name: "HummingbirdCore", package: "hummingbird", condition: .when(traits: ["Web"]))
let nio: Target.Dependency = .product(name: "NIOCore", package: "swift-nio", condition: .when(traits: ["Web"]))
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio", condition: .when(traits: ["Web"]))
let nioHTTP1: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio", condition: .when(traits: ["Web"]))
let nioSSL: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl", condition: .when(traits: ["Web"]))
let nioEmbedded: Target.Dependency = .product(
    name: "NIOEmbedded", package: "swift-nio", condition: .when(traits: ["Web"]))
let httpTypes: Target.Dependency = .product(
    name: "HTTPTypes", package: "swift-http-types", condition: .when(traits: ["Web"]))
let mustache: Target.Dependency = .product(
    name: "Mustache", package: "swift-mustache", condition: .when(traits: ["Web", "Mail"]))
let configuration: Target.Dependency = .product(
    name: "Configuration", package: "swift-configuration", condition: .when(traits: ["Web"]))
let histogram: Target.Dependency = .product(name: "Histogram", package: "hdrhistogram-swift")

let package = Package(
    name: "stint",
    platforms: [.macOS(.v15)],
    products: [
        .library(name: "Stint", targets: ["Stint"]),
        // What a store must do, for those who write one.
        .library(name: "StintCore", targets: ["StintCore"]),
        .library(name: "StintTesting", targets: ["StintTesting"]),
        // The dashboard, for applications with a Hummingbird server of their own.
        .library(name: "StintWeb", targets: ["StintWeb"]),
        // Databases of PostgreSQL servers: `JobQueue(.postgres("postgres://…"))`.
        .library(name: "StintPostgres", targets: ["StintPostgres"]),
        // Mail: messages as jobs, delivered by SMTP.
        .library(name: "StintMail", targets: ["StintMail"]),
        // Notifications: events that become mails, for each member as they want them.
        .library(name: "StintNotifications", targets: ["StintNotifications"]),
        // Mails that come in by the webhooks of mail services.
        .library(name: "StintInbound", targets: ["StintInbound"]),
        .executable(name: "stint", targets: ["StintCLI"]),
    ],
    traits: [
        .trait(
            name: "Web", description: "The dashboard, the HTTP API and `stint serve`, with Hummingbird and SwiftNIO."),
        .trait(name: "PostgreSQL", description: "Databases of PostgreSQL servers in `stint`, with libpq."),
        .trait(name: "Mail", description: "Delivery of mail in `stint`, with GMime and libcurl."),
        .default(enabledTraits: ["Web", "PostgreSQL", "Mail"]),
    ],
    dependencies: [
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.5.0"),
        .package(url: "https://github.com/apple/swift-distributed-tracing", from: "1.2.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.8.0"),
        .package(url: "https://github.com/apple/swift-system", from: "1.5.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.0"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
        // Only with the trait Web.
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.20.0", traits: []),
        .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.80.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.30.0"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.3.0"),
        .package(url: "https://github.com/apple/swift-crypto", "3.12.0"..<"5.0.0"),
        .package(url: "https://github.com/apple/swift-configuration", from: "1.0.0"),
        .package(url: "https://github.com/swift-server/async-http-client.git", from: "1.30.0"),
    ],
    targets: [
        // The library, from the system outwards: arrows point one way.
        .target(name: "StintPlatform", dependencies: [system]),
        .target(name: "StintCore", dependencies: ["StintPlatform", logging, metrics, tracing]),
        // Files by which the processes of a machine know of each other.
        .target(name: "StintRunFiles", dependencies: ["StintCore", "StintPlatform"]),
        .target(
            name: "StintSQLiteMigrations",
            dependencies: ["StintCore"],
            path: "migrations/sqlite",
            resources: [
                .embedInCode("v001_jobs.sql"), .embedInCode("v002_workers.sql"), .embedInCode("v003_enqueue.sql"),
                .embedInCode("v004_hardening.sql"), .embedInCode("v005_flow.sql"), .embedInCode("v006_schedules.sql"),
                .embedInCode("v007_errors.sql"),
                .embedInCode("v008_activity.sql"),
                .embedInCode("v009_operations.sql"),
                .embedInCode("v010_search.sql"),
                .embedInCode("v011_webhooks.sql"),
                .embedInCode("v012_idempotency.sql"), .embedInCode("v013_burials.sql"),
                .embedInCode("v014_move.sql"), .embedInCode("v015_writers.sql"),
            ]
        ),
        .target(
            name: "StintPostgresMigrations",
            dependencies: ["StintCore"],
            path: "migrations/postgres",
            resources: [
                .embedInCode("v001_stint.sql"), .embedInCode("v002_functions.sql"), .embedInCode("v003_burials.sql"),
                .embedInCode("v004_move.sql"), .embedInCode("v005_writers.sql"), .embedInCode("v006_exchange.sql"),
            ]
        ),
        .target(name: "CStint"),
        .target(
            name: "StintSQLite",
            dependencies: [
                "StintCore", "StintPlatform", "StintRunFiles", "StintSQLiteMigrations", "CStint", grdb, sqlite, logging,
            ],
            swiftSettings: [
                // Switches that take a guard away, to see the checks turn red: in the build that the tests use, and in
                // no release.
                .define("STINT_MUTATIONS", .when(configuration: .debug))
            ]
        ),
        // PostgreSQL's client library, libpq.
        .systemLibrary(name: "CPostgres", pkgConfig: "libpq", providers: [.apt(["libpq-dev"]), .brew(["libpq"])]),
        // A store in a PostgreSQL database.
        .target(
            name: "StintPostgres",
            dependencies: [
                "StintCore", "StintPlatform", "StintRunFiles", "StintPostgresMigrations", "CPostgres", "CStint",
                logging,
            ]
        ),
        .target(
            name: "StintWorker",
            dependencies: ["StintCore", "StintPlatform", "CStint", lifecycle, logging, metrics, tracing]
        ),
        .target(name: "Stint", dependencies: ["StintCore", "StintSQLite", "StintWorker"]),

        // A queue in memory with a clock that tests move, for the tests of those who use Stint.
        // Without access to what is only of the package: so its store proves that one can be written outside of it.
        .target(name: "StintTesting", dependencies: ["StintCore", "StintWorker"], packageAccess: false),

        // GMime writes MIME, and libcurl speaks SMTP.
        .systemLibrary(
            name: "CGMime", pkgConfig: "gmime-3.0", providers: [.apt(["libgmime-3.0-dev"]), .brew(["gmime"])]),
        .systemLibrary(
            name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"]), .brew(["curl"])]),
        // Mails that come from outside, read with GMime within limits, and their HTML.
        .target(name: "StintMIME", dependencies: ["CGMime"]),
        // Mail as jobs, of any store.
        .target(
            name: "StintMail",
            dependencies: ["StintCore", "StintPlatform", "StintWorker", "CGMime", "CCurl", lifecycle, logging]
        ),

        // ICU's rules for plurals (libicu-dev).
        .target(name: "CICU", linkerSettings: [.linkedLibrary("icui18n"), .linkedLibrary("icuuc")]),
        // Who gets which mail about an event, when, and in which words.
        .target(
            name: "StintNotifications",
            dependencies: [
                "StintCore", "StintMIME", "StintMail", "StintPlatform", "StintWorker", "CICU", mustache, lifecycle,
                logging,
                metrics,
            ]
        ),

        // Mails that services post, verified, as jobs of any store.
        .target(
            name: "StintInbound",
            dependencies: [
                "StintCore", "StintMIME", "CGMime", hummingbird, nio, nioPosix, nioSSL, httpTypes, crypto, cryptoExtras,
                httpClient,
                logging,
            ]
        ),

        // The dashboard and the HTTP API, of any store.
        .target(
            name: "StintWeb",
            dependencies: [
                "StintCore", "StintMailbox", "StintPlatform", "StintWorker", hummingbird, hummingbirdCore, nio,
                nioPosix, nioHTTP1, nioSSL, httpTypes, mustache, crypto, lifecycle, logging,
            ],
            resources: [
                .embedInCode("Resources/doctor.mustache"), .embedInCode("Resources/dry-run.mustache"),
                .embedInCode("Resources/error.mustache"),
                .embedInCode("Resources/errors.mustache"), .embedInCode("Resources/job.mustache"),
                .embedInCode("Resources/jobs.mustache"), .embedInCode("Resources/layout.mustache"),
                .embedInCode("Resources/mail.mustache"), .embedInCode("Resources/mails.mustache"),
                .embedInCode("Resources/openapi.json"), .embedInCode("Resources/operation.mustache"),
                .embedInCode("Resources/operations.mustache"),
                .embedInCode("Resources/overview.mustache"), .embedInCode("Resources/preview.mustache"),
                .embedInCode("Resources/queue-table.mustache"), .embedInCode("Resources/queue.mustache"),
                .embedInCode("Resources/queues.mustache"), .embedInCode("Resources/schedules.mustache"),
                .embedInCode("Resources/sign-in.mustache"), .embedInCode("Resources/state.mustache"),
                .embedInCode("Resources/stint.css"), .embedInCode("Resources/stint.js"),
                .embedInCode("Resources/webhooks.mustache"),
                .embedInCode("Resources/worker-table.mustache"), .embedInCode("Resources/workers.mustache"),
            ]
        ),

        // beanstalkd's protocol, of any store.
        .target(
            name: "StintBeanstalk",
            dependencies: ["StintCore", "StintPlatform", nio, nioPosix, lifecycle, logging]
        ),

        // The protocol of mail servers, as values: for the catcher and for `stint sendmail -bs`.
        .target(name: "StintSMTP"),
        // Mails that were caught, in memory. What reads them is given to it, so that the dashboard needs no GMime.
        .target(name: "StintMailbox", dependencies: ["StintSMTP"]),
        // The server that catches mails.
        .target(
            name: "StintCatcher",
            dependencies: [
                "StintCore", "StintMIME", "StintMailbox", "StintPlatform", "StintSMTP", "CGMime", nio, nioPosix,
                lifecycle,
                logging,
            ]
        ),

        // The command line: the only place that wires the modules together.
        .executableTarget(
            name: "StintCLI",
            dependencies: [
                "StintCore", "StintPlatform", "StintSMTP", "StintSQLite", "StintWorker", argumentParser, lifecycle,
                signals, logging, configuration,
                .target(name: "StintCatcher", condition: .when(traits: ["Web"])),
                .target(name: "StintMailbox", condition: .when(traits: ["Web"])),
                .target(name: "StintWeb", condition: .when(traits: ["Web"])),
                .target(name: "StintBeanstalk", condition: .when(traits: ["Web"])),
                .target(name: "StintPostgres", condition: .when(traits: ["PostgreSQL"])),
                .target(name: "StintMail", condition: .when(traits: ["Mail"])),
            ]
        ),

        .executableTarget(
            name: "EmbeddedExample",
            dependencies: ["Stint", grdb, lifecycle, logging],
            path: "Examples/Embedded"
        ),

        .executableTarget(
            name: "DashboardExample",
            dependencies: ["Stint", "StintWeb", hummingbird, lifecycle, logging],
            path: "Examples/Dashboard"
        ),

        // A social network that sends mail: the system that Stint was made for.
        .executableTarget(
            name: "community",
            dependencies: [
                "Stint", "StintInbound", "StintMail", "StintNotifications", "StintWeb", grdb, hummingbird, mustache,
                crypto, cryptoExtras, lifecycle, logging, argumentParser, subprocess, httpTypes, nio,
                nioPosix,
            ],
            path: "Examples/Community",
            exclude: ["README.md"],
            resources: [.copy("Resources")]
        ),

        // The benchmark, with the same statements in plain C as the ceiling.
        .target(name: "CCeiling", dependencies: [sqlite], path: "bench/CCeiling"),
        .executableTarget(
            name: "stint-bench",
            dependencies: [
                "Stint", "StintPlatform", "StintPostgres", "StintSQLite", "PostgresSupport", "TestSupport", "CCeiling",
                sqlite, logging, histogram, argumentParser, subprocess,
            ],
            path: "bench/StintBench"
        ),

        // Steps of the benchmark of notifications, which bench/notifications/run.py measures.
        .executableTarget(
            name: "notification-bench",
            dependencies: ["Stint", "StintMail", "StintNotifications", argumentParser, logging],
            path: "bench/notifications",
            exclude: ["run.py"]
        ),

        .executableTarget(
            name: "schema-candidates",
            dependencies: [sqlite],
            path: "bench/SchemaCandidates",
            linkerSettings: [.linkedLibrary("sqlite3")]
        ),

        // What tests and the benchmark share: seeds, waiting, sampling.
        .target(name: "TestSupport", dependencies: ["StintPlatform"], path: "Tests/Support"),

        // Scenarios that any store must pass, and one test target a module.
        .target(
            name: "StoreConformance",
            dependencies: ["StintCore", "StintPlatform", "TestSupport"],
            path: "Tests/Conformance"
        ),
        .executableTarget(
            name: "ClaimingWorker",
            dependencies: ["StintCore", "StintPlatform", "StintPostgres", "StintSQLite", grdb],
            path: "Tests/ClaimingWorker"
        ),
        .executableTarget(
            name: "CrashingWorker",
            dependencies: ["Stint", lifecycle, logging],
            path: "Tests/CrashingWorker"
        ),
        .testTarget(
            name: "StintCoreTests", dependencies: ["StintCore", "StintPlatform", "TestSupport", subprocess]),
        .testTarget(
            name: "StintTestingTests", dependencies: ["Stint", "StintTesting", "StoreConformance", "TestSupport"]),

        // Torture: faults for a database, the history of all calls and their results, and the checker of that history.
        .target(name: "History", path: "Tests/History"),
        .testTarget(name: "HistoryTests", dependencies: ["History"]),
        .target(name: "CFaults", dependencies: [sqlite], path: "Tests/CFaults"),
        .target(name: "CSimulation", path: "Tests/CSimulation"),
        .target(
            name: "Torture",
            dependencies: [
                "TestSupport", "History", "CFaults", "CSimulation", "StintTesting", "StoreConformance", "Stint",
                "StintCore", "StintPlatform", "StintRunFiles", "StintSQLite", "StintPostgres", "StintWorker",
                "StintBeanstalk", "StintSQLiteMigrations", "PostgresSupport", grdb, sqlite, lifecycle, logging, nio,
                nioPosix, subprocess,
            ],
            path: "Tests/Reliability"
        ),
        .executableTarget(
            name: "stint-torture",
            dependencies: [
                "Torture", "History", "CFaults", "CSimulation", "Stint", "StintPlatform", "StintSQLite",
                "PostgresSupport", logging, argumentParser, subprocess,
            ],
            path: "Tests/StintTorture"
        ),
        .testTarget(
            name: "TortureTests",
            dependencies: [
                "Torture", "History", "CFaults", "CSimulation", "Stint", "StintPlatform", "StintSQLite",
                "StintSQLiteMigrations", "PostgresSupport", "StintCLI", "TestSupport", "stint-torture", grdb, sqlite,
                logging,
                subprocess,
            ]
        ),
        .testTarget(
            name: "StintSQLiteTests",
            dependencies: [
                "StintPlatform", "StintRunFiles", "StintSQLite", "StintSQLiteMigrations", "StintTesting",
                "StoreConformance", "Torture", "TestSupport", "ClaimingWorker", grdb, sqlite, subprocess,
            ]
        ),
        // A PostgreSQL server of the tests' own.
        .target(
            name: "PostgresSupport",
            dependencies: ["CStint", "StintPlatform", "StintPostgres", "TestSupport", subprocess],
            path: "Tests/PostgresSupport"
        ),
        .testTarget(
            name: "StintPostgresTests",
            dependencies: [
                "StintCore", "StintPlatform", "StintPostgres", "StintPostgresMigrations", "StintRunFiles",
                "PostgresSupport", "StoreConformance", "TestSupport", "ClaimingWorker", logging, subprocess,
            ]
        ),
        .testTarget(
            name: "StintWorkerTests",
            dependencies: [
                "Stint", "StintPlatform", "StintPostgres", "StintRunFiles", "PostgresSupport", "StoreConformance",
                "TestSupport", grdb, lifecycle, logging, metrics, tracing, subprocess,
                .product(name: "MetricsTestKit", package: "swift-metrics"),
                .product(name: "InMemoryTracing", package: "swift-distributed-tracing"),
            ]
        ),
        .testTarget(
            name: "StintWebTests",
            dependencies: [
                "Stint", "StintCore", "StintMailbox", "StintPlatform", "StintSMTP", "StintTesting", "StintWeb",
                "TestSupport", hummingbird,
                httpTypes, lifecycle, logging, nio, nioEmbedded, nioSSL,
            ]
        ),
        .testTarget(
            name: "StintBeanstalkTests",
            dependencies: [
                "StintBeanstalk", "StintCLI", "StintCore", "StintPlatform", "StintSQLite", "TestSupport", lifecycle,
                logging, nio, nioPosix, subprocess,
            ]
        ),
        // Builds, enqueues and delivers mails for the checks in Tests/Mail.
        .executableTarget(
            name: "mail-tool", dependencies: ["Stint", "StintMail", lifecycle, logging], path: "Tests/MailTool"
        ),
        .testTarget(
            name: "StintMailTests",
            dependencies: [
                "Stint", "StintCore", "StintMail", "StintPlatform", "StintTesting", "TestSupport", "mail-tool",
                lifecycle, logging, subprocess,
            ]
        ),
        .executableTarget(
            name: "NotifyingWorker", dependencies: ["Stint", "StintMail", "StintNotifications"],
            path: "Tests/NotifyingWorker"),
        .testTarget(
            name: "StintNotificationsTests",
            dependencies: [
                "Stint", "StintCatcher", "StintCore", "StintMail", "StintMailbox", "StintNotifications", "StintTesting",
                "NotifyingWorker", "StintPlatform", "TestSupport", lifecycle, logging, subprocess,
            ]
        ),
        .testTarget(
            name: "CommunityTests",
            dependencies: [
                "community", "Stint", "StintInbound", "StintPlatform", "StintMail", "StintNotifications", "TestSupport",
                grdb,
                hummingbird, httpTypes, nio, nioEmbedded, logging, subprocess,
            ]
        ),
        .testTarget(
            name: "StintInboundTests",
            dependencies: [
                "Stint", "StintCore", "StintInbound", "StintMail", "StintMIME", "StintPlatform", "StintSQLite",
                "StintTesting", "TestSupport", hummingbird, httpClient, nio, nioPosix, nioHTTP1, nioSSL, crypto,
                cryptoExtras, lifecycle, logging,
            ]
        ),
        .testTarget(name: "StintSMTPTests", dependencies: ["StintSMTP", "TestSupport"]),
        .testTarget(
            name: "StintCatcherTests",
            dependencies: [
                "StintCatcher", "StintCore", "StintMailbox", "StintSMTP", "TestSupport", lifecycle, logging, nio,
                nioPosix,
            ]
        ),
        .testTarget(
            name: "StintCLITests",
            dependencies: [
                "StintCLI", "StintPlatform", "StintSQLite", "TestSupport", "PostgresSupport", "CrashingWorker", grdb,
                subprocess,
            ]),
    ],
    swiftLanguageModes: [.v6]
)

// `make fuzz`: not a part of the usual build, since all of it must be compiled for libFuzzer.
if Context.environment["STINT_FUZZ"] != nil {
    package.targets += [
        .target(name: "CLibFuzzer", path: "Tests/CLibFuzzer"),
        .executableTarget(
            name: "stint-fuzz", dependencies: ["Torture", "StintPlatform", "CLibFuzzer"], path: "Tests/LibFuzzer"),
    ]
} else {
    // The Swift code of README and guides is compiled into DocumentationTests, and the tests among it run with it. Not
    // for libFuzzer, which is not for a program that the build itself runs.
    package.targets += [
        .executableTarget(name: "extract-snippets", path: "Tests/Snippets/Extractor"),
        .plugin(
            name: "SnippetPlugin",
            capability: .buildTool(),
            dependencies: ["extract-snippets"],
            path: "Tests/Snippets/Plugin"
        ),
        .testTarget(
            name: "DocumentationTests",
            dependencies: [
                "Stint", "StintInbound", "StintMail", "StintNotifications", "StintPostgres", "StintTesting", grdb,
                hummingbird, lifecycle, logging,
            ],
            exclude: ["Snippets.md"],
            plugins: ["SnippetPlugin"]
        ),
    ]
}
