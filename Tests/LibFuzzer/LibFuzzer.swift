// Coverage-guided fuzzing of what reads bytes in-process: `make fuzz`. Only with STINT_FUZZ=1, see Package.swift.

import CLibFuzzer
import StintPlatform
import Torture

/// `STINT_FUZZ_TARGET`: `pipe`, `headers` or `beanstalk`.
private let target: String = getenv("STINT_FUZZ_TARGET").map { String(cString: $0) } ?? "pipe"

/// libFuzzer calls this with each input.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    let problems =
        switch target {
        case "headers": ByteFuzz.headers(bytes)
        case "beanstalk": ByteFuzz.beanstalk(bytes)
        default: ByteFuzz.pipe(bytes)
        }
    precondition(problems.isEmpty, problems.joined(separator: "\n"))
    return 0
}
