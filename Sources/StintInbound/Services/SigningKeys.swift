import NIOSSL
import _CryptoExtras

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The keys of certificates that were fetched, so that each is fetched once a day.
actor SigningKeys {
    static let mostKeys = 16
    static let lifetime: TimeInterval = 86_400
    /// For how long a certificate that could not be fetched is not asked for again.
    static let failureLifetime: TimeInterval = 30

    private struct Entry {
        let key: Task<(_RSA.Signing.PublicKey, ClosedRange<Date>), any Error>
        let since: Date
        var failed = false
    }

    private let fetch: @Sendable (_ url: String) async throws -> [UInt8]
    private var entries: [String: Entry] = [:]

    init(fetch: @escaping @Sendable (_ url: String) async throws -> [UInt8]) { self.fetch = fetch }

    /// - Parameter url: Already checked to be of Amazon.
    /// - Throws: ``InboundRefusal`` with 503 if the certificate cannot be had now: the service then repeats its post.
    func key(at url: String, now: Date) async throws -> _RSA.Signing.PublicKey {
        var entry = entries[url]
        if let known = entry {
            let age = now.timeIntervalSince(known.since)
            if age < 0 || age > (known.failed ? Self.failureLifetime : Self.lifetime) { entry = nil }
        }
        if entry == nil {
            if entries.count >= Self.mostKeys, entries[url] == nil,
                let oldest = entries.min(by: { $0.value.since < $1.value.since })?.key
            {
                entries[oldest] = nil
            }
            let task = Task { [fetch] in try Self.key(of: try await fetch(url)) }
            entry = Entry(key: task, since: now)
            entries[url] = entry
        }
        guard let entry else { throw InboundRefusal.unavailable("there is no certificate") }
        do {
            let (key, validity) = try await entry.key.value
            guard validity.contains(now) else {
                entries[url] = nil
                throw InboundRefusal.unavailable(
                    "the certificate that signs the message is not valid now: check the clock")
            }
            return key
        } catch let refusal as InboundRefusal {
            throw refusal
        } catch {
            entries[url]?.failed = true
            throw InboundRefusal.unavailable("the certificate that signs the message cannot be had now: send it again")
        }
    }

    private static func key(of pem: [UInt8]) throws -> (_RSA.Signing.PublicKey, ClosedRange<Date>) {
        let certificate = try NIOSSLCertificate(bytes: pem, format: .pem)
        let start = Date(timeIntervalSince1970: Double(certificate.notValidBefore))
        let end = Date(timeIntervalSince1970: Double(certificate.notValidAfter))
        guard start <= end else { throw FetchFailure("the certificate is never valid") }
        let key = try _RSA.Signing.PublicKey(derRepresentation: certificate.extractPublicKey().toSPKIBytes())
        return (key, start...end)
    }
}
