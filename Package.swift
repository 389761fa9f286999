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
let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let histogram: Target.Dependency = .product(name: "Histogram", package: "hdrhistogram-swift")

let package = Package(
    name: "stint",
    platforms: [.macOS(.v15)],
    products: [
        .library(name: "Stint", targets: ["Stint"]),
        .library(name: "StintTesting", targets: ["StintTesting"]),
        .executable(name: "stint", targets: ["StintCLI"]),
    ],
    dependencies: [
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.5.0"),
        .package(url: "https://github.com/apple/swift-distributed-tracing", from: "1.2.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.8.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.0"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
    ],
    targets: [
        // The library, from the core outwards: arrows point one way.
        .target(name: "StintCore", dependencies: [logging, metrics, tracing]),
        .target(
            name: "StintSQLiteMigrations",
            path: "migrations/sqlite",
            resources: [
                .embedInCode("v001_jobs.sql"), .embedInCode("v002_workers.sql"), .embedInCode("v003_enqueue.sql"),
                .embedInCode("v004_hardening.sql"),
            ]
        ),
        .target(name: "CStint"),
        .target(
            name: "StintSQLite",
            dependencies: ["StintCore", "StintSQLiteMigrations", "CStint", grdb, sqlite, logging],
            swiftSettings: [
                // Switches that take a guard away, to see the checks turn red: in the build that the tests use, and in no
                // release.
                .define("STINT_MUTATIONS", .when(configuration: .debug))
            ]
        ),
        .target(
            name: "StintWorker",
            dependencies: ["StintCore", "CStint", lifecycle, logging, metrics, tracing]
        ),
        .target(name: "Stint", dependencies: ["StintCore", "StintSQLite", "StintWorker"]),

        // A queue in memory with a clock that tests move, for the tests of those who use Stint.
        .target(name: "StintTesting", dependencies: ["StintCore", "StintWorker"]),

        // The command line: the only place that wires the modules together.
        .executableTarget(
            name: "StintCLI",
            dependencies: ["StintCore", "StintSQLite", "StintWorker", argumentParser, lifecycle, signals, logging]
        ),

        .executableTarget(
            name: "EmbeddedExample",
            dependencies: ["Stint", grdb, lifecycle, logging],
            path: "Examples/Embedded"
        ),

        // The benchmark, with the same statements in plain C as the ceiling.
        .target(name: "CCeiling", dependencies: [sqlite], path: "bench/CCeiling"),
        .executableTarget(
            name: "stint-bench",
            dependencies: ["Stint", "StintSQLite", "CCeiling", sqlite, logging, histogram, argumentParser, subprocess],
            path: "bench/StintBench"
        ),

        .executableTarget(
            name: "schema-candidates",
            dependencies: [sqlite],
            path: "bench/SchemaCandidates",
            linkerSettings: [.linkedLibrary("sqlite3")]
        ),

        // Scenarios that any store must pass, and one test target a module.
        .target(name: "StoreConformance", dependencies: ["StintCore", "StintTesting"], path: "Tests/StoreConformance"),
        .executableTarget(
            name: "ClaimingWorker",
            dependencies: ["StintCore", "StintSQLite", grdb],
            path: "Tests/ClaimingWorker"
        ),
        .executableTarget(
            name: "CrashingWorker",
            dependencies: ["Stint", lifecycle, logging],
            path: "Tests/CrashingWorker"
        ),
        .testTarget(name: "StintCoreTests", dependencies: ["StintCore"]),
        .testTarget(name: "StintTestingTests", dependencies: ["Stint", "StintTesting", "StoreConformance"]),

        // Torture: what is done to a database, the history of what everybody was told, and the check of that history.
        .target(name: "History", path: "Tests/History"),
        .testTarget(name: "HistoryTests", dependencies: ["History"]),
        .target(name: "CFaults", dependencies: [sqlite], path: "Tests/CFaults"),
        .target(name: "CSimulation", path: "Tests/CSimulation"),
        .target(
            name: "Torture",
            dependencies: [
                "History", "CFaults", "CSimulation", "StintTesting", "StoreConformance", "Stint", "StintCore",
                "StintSQLite",
                "StintWorker",
                "StintSQLiteMigrations", grdb, sqlite, lifecycle, logging, subprocess,
            ],
            path: "Tests/Torture"
        ),
        .executableTarget(
            name: "stint-torture",
            dependencies: [
                "Torture", "History", "CFaults", "CSimulation", "Stint", "StintSQLite", logging, argumentParser,
                subprocess,
            ],
            path: "Tests/StintTorture"
        ),
        .testTarget(
            name: "TortureTests",
            dependencies: [
                "Torture", "History", "CFaults", "CSimulation", "Stint", "StintSQLite", "StintSQLiteMigrations",
                "StintCLI",
                "stint-torture", grdb, sqlite, logging, subprocess,
            ]
        ),
        .testTarget(
            name: "StintSQLiteTests",
            dependencies: [
                "StintSQLite", "StintSQLiteMigrations", "StintTesting", "StoreConformance", "Torture", "ClaimingWorker",
                grdb, sqlite,
                subprocess,
            ]
        ),
        .testTarget(
            name: "StintWorkerTests",
            dependencies: [
                "Stint", grdb, lifecycle, logging, metrics, tracing, subprocess,
                .product(name: "MetricsTestKit", package: "swift-metrics"),
                .product(name: "InMemoryTracing", package: "swift-distributed-tracing"),
            ]
        ),
        .testTarget(
            name: "StintCLITests",
            dependencies: ["StintCLI", "StintSQLite", "CrashingWorker", grdb, subprocess]),
    ],
    swiftLanguageModes: [.v6]
)

// `make fuzz`: not a part of the usual build, since all of it must be compiled for libFuzzer.
if Context.environment["STINT_FUZZ"] != nil {
    package.targets += [
        .target(name: "CLibFuzzer", path: "Tests/CLibFuzzer"),
        .executableTarget(name: "stint-fuzz", dependencies: ["Torture", "CLibFuzzer"], path: "Tests/LibFuzzer"),
    ]
} else {
    // The Swift code of README and guides is compiled into DocumentationTests, and the tests among it run with it. Not for
    // libFuzzer, which is not for a program that the build itself runs.
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
            dependencies: ["Stint", "StintTesting", grdb, lifecycle, logging],
            exclude: ["Snippets.md"],
            plugins: ["SnippetPlugin"]
        ),
    ]
}
