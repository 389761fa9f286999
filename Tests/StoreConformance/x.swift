import Testing
import StintCore
public func scenario() { #expect(1 == 1) }
