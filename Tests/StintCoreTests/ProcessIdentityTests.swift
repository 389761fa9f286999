import Foundation
import StintPlatform
import Testing

@Suite("A process is told from another, and its end is known for certain or not at all")
struct ProcessIdentityTests {
    /// A process that does nothing until it is killed.
    private func spawn(_ path: String = "/bin/sleep") throws -> pid_t {
        var arguments: [UnsafeMutablePointer<CChar>?] = [strdup("sleep"), strdup("60"), nil]
        defer { for argument in arguments { free(argument) } }
        var id: pid_t = 0
        try #require(posix_spawn(&id, path, nil, nil, &arguments, nil) == 0)
        return id
    }

    /// Leaves it a zombie.
    private func end(_ id: pid_t) throws {
        try #require(kill(id, SIGKILL) == 0)
        var facts = siginfo_t()
        try #require(waitid(P_PID, id_t(id), &facts, WEXITED | WNOWAIT) == 0)
    }

    private func changed(
        _ process: ProcessIdentity, boot: String? = nil, namespaces: String? = nil, startTime: Int64? = nil
    ) -> ProcessIdentity {
        ProcessIdentity(
            host: process.host, boot: boot ?? process.boot, namespaces: namespaces ?? process.namespaces,
            processID: process.processID, startTime: startTime ?? process.startTime)
    }

    @Test("this process exists, and knows when it began and how much memory it has")
    func current() {
        let current = ProcessIdentity.current
        #expect(current.existence() == .exists)
        #expect(current.processID == getpid() && current.startTime > 0)
        #expect(current == ProcessIdentity(ofProcess: getpid()))
        #expect(current.name.hasSuffix(":\(getpid())"))
        #expect((current.residentMemory ?? 0) > 1_000_000)
    }

    @Test("a child exists until it ends, is gone as a zombie, and gone when it was waited for")
    func child() throws {
        let id = try spawn()
        let child = ProcessIdentity(ofProcess: id)
        #expect(child.existence() == .exists)
        try end(id)
        #expect(kill(id, 0) == 0, "it must be a zombie here")
        #expect(child.existence() == .gone)
        #expect(child.residentMemory == nil)
        var status: Int32 = 0
        #expect(waitpid(id, &status, 0) == id)
        #expect(child.existence() == .gone)
    }

    @Test("a process with the pid of one that ended is not mistaken for it")
    func reusedID() {
        let current = ProcessIdentity.current
        #expect(changed(current, startTime: current.startTime - 1).existence() == .gone)
        #expect(changed(current, startTime: current.startTime + 1).existence() == .gone)
    }

    @Test("a process in another pid namespace may live: nobody can tell")
    func otherNamespace() {
        let current = ProcessIdentity.current
        let elsewhere = changed(current, namespaces: "pid:[1] time:[1]", startTime: 1)
        #expect(elsewhere.existence() == .unknown)
        #expect(current.existence(seenFrom: elsewhere) == .unknown)
    }

    @Test("a process of another boot is gone, whatever its namespace")
    func otherBoot() {
        let current = ProcessIdentity.current
        #expect(changed(current, boot: "before").existence() == .gone)
        #expect(changed(current, boot: "before", namespaces: "pid:[1]").existence() == .gone)
    }

    @Test("where a boot is not known, or a start time, nobody can tell")
    func unknown() {
        let current = ProcessIdentity.current
        #expect(changed(current, boot: "unknown").existence() == .unknown)
        #expect(current.existence(seenFrom: changed(current, boot: "unknown")) == .unknown)
        #expect(changed(current, startTime: 0).existence() == .unknown)
    }

    @Test("a process can be read from its text again, and nothing from another text")
    func text() {
        for process in [
            ProcessIdentity.current,
            ProcessIdentity(host: "h:1", boot: "a; b", namespaces: "", processID: -1, startTime: .min),
        ] {
            let read = ProcessIdentity(text: process.text, name: process.name)
            #expect(read == process && read?.host == process.host)
        }
        for text in ["", "1;2;3", "x;1;;b", "1;x;;b", "99999999999;1;;b"] {
            #expect(ProcessIdentity(text: text, name: "h:1") == nil)
        }
    }

    @Test("a name with blanks and parentheses does not hide the start time")
    func oddName() throws {
        #if os(Linux)
            let folder = NSTemporaryDirectory() + "stint-test-\(UUID().uuidString)"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
            let path = folder + "/) Z 1 ("
            try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "/bin/sleep")
            let id = try spawn(path)
            let child = ProcessIdentity(ofProcess: id)
            #expect(child.startTime >= ProcessIdentity.current.startTime && child.existence() == .exists)
            try end(id)
            #expect(child.existence() == .gone)
            var status: Int32 = 0
            #expect(waitpid(id, &status, 0) == id)
            try FileManager.default.removeItem(atPath: folder)
        #endif
    }
}
