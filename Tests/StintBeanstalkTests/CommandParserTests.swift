import StintCore
import Testing

@testable import StintBeanstalk

@Suite("What a client sends is parsed as beanstalkd 1.12 parses it")
struct CommandParserTests {
    @Test("a put comes with its body")
    func put() {
        var parser = CommandParser(largestBody: 10)
        parser.append(Array("put 1 2 3 2\r\nab\r\n".utf8))
        let job = NewTubeJob(priority: 1, delay: 2, timeToRun: 3, body: Array("ab".utf8))
        #expect(parser.next() == .command(.put, .put(job)))
        #expect(parser.next() == nil)
    }
}
