import Stint
import StintTesting
import Testing

private struct Welcome: JobParameters {
    static let jobName = "greeting"
}

private struct SecondWelcome: JobParameters {
    static let jobName = "greeting"
}

@Suite("A handler is registered once for each name")
struct RegistrationTests {
    @Test("a second handler of a name ends the program")
    func twice() async {
        await #expect(processExitsWith: .failure) {
            var worker = Worker(JobQueue.inMemory(), queues: ["q"])
            worker.registerJob(Welcome.self) { _, _ in }
            worker.registerJob(SecondWelcome.self) { _, _ in }
        }
    }

    @Test("a second handler of all other jobs ends the program")
    func others() async {
        await #expect(processExitsWith: .failure) {
            var worker = Worker(JobQueue.inMemory(), queues: ["q"])
            worker.registerOthers { _ in }
            worker.registerOthers { _ in }
        }
    }

    @Test("one handler of a name and one of all others do not")
    func once() {
        var worker = Worker(JobQueue.inMemory(), queues: ["q"])
        worker.registerJob(Welcome.self) { _, _ in }
        worker.registerOthers { _ in }
    }
}
