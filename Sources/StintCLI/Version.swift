/// The version of Stint: the only place that says it. `stint --version` prints it, and the Debian package and the names
/// of its files get it from there. `docs/releasing.md` describes a release.
enum Version {
    static let current = "0.1.0"
}
