package enum DiskSpace {
    /// Blocks of a file system in bytes. Some file systems report the largest number that there is.
    package static func bytes(_ facts: statvfs, _ blocks: KeyPath<statvfs, fsblkcnt_t>) -> Int {
        let (bytes, overflow) = Int(clamping: facts[keyPath: blocks])
            .multipliedReportingOverflow(by: Int(clamping: facts.f_frsize))
        return overflow ? .max : bytes
    }

    /// Makes an open file longer and allocates the space on disk for that.
    ///
    /// - Parameters:
    ///   - size: The file's size now, in bytes.
    ///   - newSize: The same afterwards.
    /// - Returns: 0, or the error's number; then some of it may be allocated.
    package static func allocate(_ file: Int32, from size: Int, to newSize: Int) -> Int32 {
        #if canImport(Darwin)
            var request = fstore_t(
                fst_flags: UInt32(F_ALLOCATEALL), fst_posmode: F_PEOFPOSMODE, fst_offset: 0,
                fst_length: off_t(newSize - size), fst_bytesalloc: 0)
            if fcntl(file, F_PREALLOCATE, &request) == -1 { return errno }
            return ftruncate(file, off_t(newSize)) == 0 ? 0 : errno
        #else
            // If the file system does not support this, the C library writes to each block.
            var number = EINTR
            while number == EINTR { number = posix_fallocate(file, 0, off_t(newSize)) }
            return number
        #endif
    }
}
