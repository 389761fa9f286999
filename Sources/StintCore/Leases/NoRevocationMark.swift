/// For stores without such a mark: a claimed job may start although it was revoked meanwhile.
package struct NoRevocationMark: RevocationMark {
    package init() {}
    package func read() -> UInt64 { 0 }
    package func changes() -> AsyncStream<Void> { AsyncStream { $0.finish() } }
}
