import NIOSSL
import _CryptoExtras

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What counts of a certificate: its key, when it is valid, and for whom it was issued.
struct SigningCertificate: Sendable {
    let key: _RSA.Signing.PublicKey
    let validity: ClosedRange<Date>
    /// The DNS names of its subject (RFC 5280, 4.2.1.6).
    let names: Set<String>

    init(_ pem: [UInt8]) throws {
        let certificate = try NIOSSLCertificate(bytes: pem, format: .pem)
        let start = Date(timeIntervalSince1970: Double(certificate.notValidBefore))
        let end = Date(timeIntervalSince1970: Double(certificate.notValidAfter))
        guard start <= end else { throw FetchFailure("the certificate is never valid") }
        validity = start...end
        key = try _RSA.Signing.PublicKey(derRepresentation: certificate.extractPublicKey().toSPKIBytes())
        names = Set(
            certificate._subjectAlternativeNames().filter { $0.nameType == .dnsName }
                .map { String(decoding: $0.contents, as: UTF8.self).lowercased() })
    }
}
