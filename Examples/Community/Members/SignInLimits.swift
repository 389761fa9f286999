import Synchronization

/// How often a password may be tried, and a link for a new one be asked for: for each account, and for each address that
/// requests come from. A restart of the site forgets what was tried.
final class SignInLimits: Sendable {
    /// Wrong passwords of one account, from anywhere, and of all accounts from one address.
    static let triesOfAccount = 10
    static let triesFromAddress = 50
    static let triesTime: Duration = .seconds(900)
    /// Links for new passwords.
    static let linksOfAccount = 3
    static let linksFromAddress = 20
    static let linksTime: Duration = .seconds(3_600)

    private struct Counters {
        var triesOfAccount = AttemptCounter(most: SignInLimits.triesOfAccount, period: triesTime)
        var triesFromAddress = AttemptCounter(most: SignInLimits.triesFromAddress, period: triesTime)
        var linksOfAccount = AttemptCounter(most: SignInLimits.linksOfAccount, period: linksTime)
        var linksFromAddress = AttemptCounter(most: SignInLimits.linksFromAddress, period: linksTime)
    }

    private let counters = Mutex(Counters())

    /// As it was typed, whether it exists or not, so that the answer tells neither who is here nor whose an address is.
    static func account(named name: String) -> String {
        let name = name.lowercased().prefix(100)
        return name.hasPrefix("@") ? String(name.dropFirst()) : String(name)
    }

    /// Counts a try before the password is looked at, so that many at once are no more than one after the other.
    ///
    /// - Returns: Whether it may be made.
    func mayTry(_ account: String, from address: String, at now: ContinuousClock.Instant = .now) -> Bool {
        counters.withLock { counters in
            guard counters.triesFromAddress.take(address, at: now) else { return false }
            guard counters.triesOfAccount.take(account, at: now) else { return false }
            return true
        }
    }

    /// The member has a new password: wrong ones of before do not count any more.
    func forget(_ member: Member) {
        counters.withLock { counters in
            for name in [member.handle, member.address].compactMap(\.self) {
                counters.triesOfAccount.forget(Self.account(named: name))
            }
        }
    }

    /// The password was right.
    func succeeded(_ account: String, from address: String) {
        counters.withLock { counters in
            counters.triesOfAccount.forget(account)
            counters.triesFromAddress.giveBack(address)
        }
    }

    /// The password was not looked at.
    func wasNotTried(_ account: String, from address: String) {
        counters.withLock { counters in
            counters.triesOfAccount.giveBack(account)
            counters.triesFromAddress.giveBack(address)
        }
    }

    func mayAskForLinks(from address: String, at now: ContinuousClock.Instant = .now) -> Bool {
        counters.withLock { $0.linksFromAddress.take(address, at: now) }
    }

    func mayGetLink(_ account: String, at now: ContinuousClock.Instant = .now) -> Bool {
        counters.withLock { $0.linksOfAccount.take(account, at: now) }
    }
}
