#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Standard output, so that who reads it sees a line when it was written.
package func flush() { fflush(nil) }
