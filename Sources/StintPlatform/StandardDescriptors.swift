/// Standard input, output and error of this process.
package enum StandardDescriptors {
    /// Opens /dev/null in place of closed ones. Otherwise the next file that is opened would take such a place, and
    /// error messages would be written into it.
    package static func openAll() {
        for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) < 0 {
            _ = open("/dev/null", O_RDWR)
        }
    }
}
