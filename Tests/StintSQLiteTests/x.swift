import Testing
import StoreConformance
import GRDB
@Test func x() {scenario()}
