/// Of a store that cannot tell: what was claimed may start although it was revoked meanwhile.
package struct NoRevocationMark: RevocationMark {
    package init() {}
    package func read() -> UInt64 { 0 }
}
