import Testing
@testable import StintNotifications
