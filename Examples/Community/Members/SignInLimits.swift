import Synchronization

/// How often a password may be tried, and a link for a new one be asked for: for each member, and for each address that
/// requests come from. A restart of the site forgets what was tried.
///
/// Attempts with a name that does not exist count only against the address, so made-up names use no memory. This does not
/// show who is a member: a member over the limit gets the answer for a wrong password, and only the limit of an address has
/// an answer of its own.
final class SignInLimits: Sendable {
    /// Wrong passwords of one member, from anywhere, and of all names from one address.
    static let triesOfMember = 10
    static let triesFromAddress = 50
    static let triesTime: Duration = .seconds(900)
    /// Links for new passwords.
    static let linksOfMember = 3
    static let linksFromAddress = 20
    static let linksTime: Duration = .seconds(3_600)
    /// How many addresses are known at once. With ``triesFromAddress`` each, they could try more passwords than
    /// ``PasswordWork`` looks at in that time, so those who have more addresses gain nothing when the first are forgotten.
    static let mostAddresses = 10_000

    /// Whether a password may be tried.
    enum Permission: Equatable {
        case allowed
        /// The member takes none at this time, not even the right one. It must look like a wrong one, and take as long.
        case refusedForMember
        case refusedForAddress
    }

    private struct Counters {
        var triesOfMember = AttemptCounter<Int64>(most: SignInLimits.triesOfMember, period: triesTime)
        var triesFromAddress = AttemptCounter<String>(
            most: SignInLimits.triesFromAddress, period: triesTime, mostKeys: mostAddresses)
        var linksOfMember = AttemptCounter<Int64>(most: SignInLimits.linksOfMember, period: linksTime)
        var linksFromAddress = AttemptCounter<String>(
            most: SignInLimits.linksFromAddress, period: linksTime, mostKeys: mostAddresses)
    }

    private let counters = Mutex(Counters())

    /// How many members and addresses are known.
    var keys: Int {
        counters.withLock {
            $0.triesOfMember.keys + $0.triesFromAddress.keys + $0.linksOfMember.keys + $0.linksFromAddress.keys
        }
    }

    /// Counts a try before the password is looked at, so that many at once are no more than one after the other.
    ///
    /// - Parameter member: Whose password is tried; `nil`: a name that does not exist.
    func mayTry(
        _ member: Int64?, from address: String, at now: ContinuousClock.Instant = .now
    ) -> Permission {
        counters.withLock { counters in
            guard counters.triesFromAddress.take(address, at: now) else { return .refusedForAddress }
            guard let member, !counters.triesOfMember.take(member, at: now) else { return .allowed }
            return .refusedForMember
        }
    }

    /// The member has a new password: wrong ones of before do not count any more.
    func forget(_ member: Int64) { counters.withLock { $0.triesOfMember.forget(member) } }

    /// The password was right.
    func succeeded(_ member: Int64, from address: String) {
        counters.withLock { counters in
            counters.triesOfMember.forget(member)
            counters.triesFromAddress.giveBack(address)
        }
    }

    /// The password was not looked at.
    func wasNotTried(_ member: Int64?, from address: String, _ permission: Permission) {
        counters.withLock { counters in
            if let member, permission == .allowed { counters.triesOfMember.giveBack(member) }
            counters.triesFromAddress.giveBack(address)
        }
    }

    func mayAskForLinks(from address: String, at now: ContinuousClock.Instant = .now) -> Bool {
        counters.withLock { $0.linksFromAddress.take(address, at: now) }
    }

    func mayGetLink(_ member: Int64, at now: ContinuousClock.Instant = .now) -> Bool {
        counters.withLock { $0.linksOfMember.take(member, at: now) }
    }
}
