import StintCore
import StintPlatform

/// Bytes from a file or standard input, read in bounded memory.
struct Input: ~Copyable {
    private let descriptor: Int32
    private let name: String
    private var pending: [UInt8] = []
    private var isAtEnd = false
    /// How many bytes were read so far.
    private(set) var bytesRead = 0

    static func standardInput() -> Input { Input(descriptor: STDIN_FILENO, name: "standard input") }

    init(file: String) throws {
        let descriptor = open(file, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw StintError.invalidInput(
                "the file \(quoted(file)) cannot be read: \(systemError())")
        }
        self.init(descriptor: descriptor, name: "the file \(quoted(file))")
    }

    /// The payload that an argument is, or that it names.
    ///
    /// - Parameters:
    ///   - text: The payload itself, or `-` for standard input.
    ///   - file: The file that it is in.
    static func payload(_ text: String?, file: String?) throws -> [UInt8] {
        if let file {
            var input = try Input(file: file)
            return try input.readAll()
        }
        guard let text, text != "-" else {
            var input = Input.standardInput()
            return try input.readAll()
        }
        return Array(text.utf8)
    }

    private init(descriptor: Int32, name: String) {
        self.descriptor = descriptor
        self.name = name
    }

    deinit {
        if descriptor != STDIN_FILENO { close(descriptor) }
    }

    /// The size of a regular file; `nil` for a pipe or a terminal.
    var size: Int? {
        var facts = stat()
        guard fstat(descriptor, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else { return nil }
        return Int(facts.st_size)
    }

    /// Reads everything, but no more than a payload can have.
    mutating func readAll() throws -> [UInt8] {
        while !isAtEnd {
            try fill()
            guard pending.count <= NewJob.maximumPayloadBytes else {
                throw StintError.invalidInput(
                    "\(name) has more than \(NewJob.maximumPayloadBytes) bytes (16 MiB), the most that a payload can have: "
                        + "put its address into the job instead")
            }
        }
        return pending
    }

    /// The next line without its line feed, exactly; `nil` at the end. A last line need not have a line feed.
    ///
    /// - Parameters:
    ///   - limit: The most bytes that it may have.
    ///   - tooLong: What is wrong with a longer one.
    mutating func readLine(
        number: Int, limit: Int = NewJob.maximumPayloadBytes,
        tooLong: String = "has more than 16 MiB, the most that a payload can have"
    ) throws -> [UInt8]? {
        var searched = start
        while true {
            let end = pending[searched...].firstIndex(of: 0x0A)
            guard (end ?? pending.count) - start <= limit else {
                throw StintError.invalidInput("line \(number) \(tooLong)")
            }
            if let end {
                defer { start = end + 1 }
                return Array(pending[start..<end])
            }
            searched = pending.count
            if isAtEnd {
                guard start < pending.count else { return nil }
                defer { start = pending.count }
                return Array(pending[start...])
            }
            if start > 0 {
                pending.removeSubrange(..<start)
                searched -= start
                start = 0
            }
            try fill()
        }
    }

    /// Where the next line starts in `pending`.
    private var start = 0

    private mutating func fill() throws {
        let chunk = try [UInt8](unsafeUninitializedCapacity: 262_144) { buffer, count in
            let got = StintPlatform.read(descriptor, buffer.baseAddress, buffer.count)
            guard got >= 0 || errno == EINTR else {
                throw StintError.invalidInput("\(name) cannot be read: \(systemError())")
            }
            count = max(0, got)
            if got == 0 { isAtEnd = true }
        }
        bytesRead += chunk.count
        pending += chunk
    }
}
