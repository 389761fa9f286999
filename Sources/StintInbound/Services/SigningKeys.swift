import StintCore
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
        let certificate: Task<SigningCertificate, any Error>
        let since: Date
        var failed = false
    }

    private let fetch: @Sendable (_ url: String) async throws -> [UInt8]
    private var entries: [String: Entry] = [:]

    init(fetch: @escaping @Sendable (_ url: String) async throws -> [UInt8]) { self.fetch = fetch }

    /// - Parameter url: Already checked to be of Amazon.
    /// - Parameter names: For one of which it must be issued: what Amazon hosts is not all of SNS.
    /// - Throws: ``InboundRefusal`` with 503 if the certificate cannot be had now, or is for another name: the service then
    ///   repeats its post, so that no mail is lost if its certificates change.
    func key(at url: String, for names: Set<String>, now: Date) async throws -> _RSA.Signing.PublicKey {
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
            let task = Task { [fetch] in try SigningCertificate(try await fetch(url)) }
            entry = Entry(certificate: task, since: now)
            entries[url] = entry
        }
        guard let entry else { throw InboundRefusal.unavailable("there is no certificate") }
        do {
            let certificate = try await entry.certificate.value
            guard !certificate.names.isDisjoint(with: names) else {
                entries[url]?.failed = true
                throw InboundRefusal.unavailable(
                    "the certificate at \(quoted(url)) is for \(certificate.names.sorted().prefix(5).map(quoted)); expected one for "
                        + names.sorted().joined(separator: " or "))
            }
            guard certificate.validity.contains(now) else {
                entries[url] = nil
                throw InboundRefusal.unavailable(
                    "the certificate that signs the message is not valid now: check the clock")
            }
            return certificate.key
        } catch let refusal as InboundRefusal {
            throw refusal
        } catch {
            entries[url]?.failed = true
            throw InboundRefusal.unavailable("the certificate that signs the message cannot be had now: send it again")
        }
    }
}
