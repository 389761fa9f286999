import GRDB

extension Configuration {
    /// For connections that look at a database which other processes have just used, or still use: the last one to close it
    /// holds its lock for a moment.
    static var waiting: Configuration {
        var configuration = Configuration()
        configuration.busyMode = .timeout(20)
        return configuration
    }
}
