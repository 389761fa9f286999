/// How large arguments and environment of a program may be, in bytes: execve(2), "Limits on size of arguments and
/// environment".
package enum ArgumentLimit {
    /// Of each string with its NUL.
    package static var ofEach: Int {
        #if os(Linux)
            // MAX_ARG_STRLEN: 32 pages.
            32 * Int(getpagesize())
        #else
            .max
        #endif
    }

    /// Of all strings and the pointers to them.
    package static var ofAll: Int { min(sysconf(Int32(_SC_ARG_MAX)), 6 << 20) }
}
