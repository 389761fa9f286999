import ArgumentParser

/// `make torture`: what the tests do for seconds, for minutes or hours.
@main
struct StintTorture: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stint-torture",
        abstract: "Tries to make Stint lose a job.",
        subcommands: [
            AllCommand.self,
            KillCommand.self,
            FailoverCommand.self,
            DeathCommand.self,
            PowerCutCommand.self,
            ServerPowerCutCommand.self,
            DiskCommand.self,
            SimulateCommand.self,
            FuzzCommand.self,
            LoadCommand.self,
            FullDiskCommand.self,
            OtherVersionCommand.self,
            // Child processes of these.
            RoleCommand.self,
            HandleCommand.self,
            ScriptedWorkloadCommand.self,
            ScriptCommand.self,
        ])
}
