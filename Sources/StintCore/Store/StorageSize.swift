/// What a store takes of its disk, in bytes.
public struct StorageSize: Sendable, Hashable {
    public let file: Int
    /// The write-ahead log; the same space is used again and again.
    public let log: Int
    /// What other programs can still take of the disk.
    public let free: Int

    public init(file: Int, log: Int, free: Int) {
        self.file = file
        self.log = log
        self.free = free
    }
}
