import Testing
@testable import StintInbound
