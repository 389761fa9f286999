import Foundation
import GRDB

/// Members, groups and posts for a demo. The same come out each time.
enum Seeds {
    /// Adds them in one transaction, if the site has no members yet.
    ///
    /// - Returns: Whether it has added them.
    static func sow(_ members: Int, _ data: SiteDatabase) async throws -> Bool {
        // One hash for all, since 5,000 of them would take minutes. Members who choose a password get a salt of their own.
        let hash = try Passwords.hash(password)
        return try await data.pool.write { db in
            guard try Member.fetchCount(db) == 0 else { return false }
            var sower = Sower(hash: hash, now: Database.now)
            for (number, group) in groups.enumerated() {
                try db.execute(
                    sql: "INSERT INTO groups (id, name, about, access, owner_id) VALUES (?, ?, ?, ?, 1)",
                    arguments: [number + 1, group.name, group.about, group.access.rawValue])
            }
            for member in cast { try sower.add(member, db) }
            try sower.addOthers(upTo: members, db)
            try sower.addTexts(db)
            return true
        }
    }
}

private struct Sower {
    let hash: String
    let now: Int64
    var chance = Chance(seed: 2009)

    func add(_ seed: SeedMember, _ db: Database) throws {
        var member = Member(
            handle: seed.handle, name: seed.name,
            address: Seeds.oddAddresses[seed.handle] ?? "\(seed.handle)@example.org", locale: seed.locale,
            timeZone: seed.zone, password: hash, isAdmin: seed.isAdmin, quietFrom: seed.quiet?.0,
            quietTo: seed.quiet?.1, digestHour: seed.digestHour, joinedAt: now - 86_400 * 400,
            deletedAt: seed.handle == "gone" ? now - 3_600 : nil)
        try member.insert(db)
        for group in seed.groups { try Group.join(group, member: member.number, db) }
        for (kind, rhythm) in seed.choices { try Preferences.set(rhythm, kind, place: "", member.number, db) }
    }

    /// Every two-hundredth is odd in some way.
    mutating func addOthers(upTo count: Int, _ db: Database) throws {
        let languages = Seeds.languages.flatMap { Array(repeating: $0, count: $0.share) }
        for number in Seeds.cast.count..<max(count, Seeds.cast.count) {
            let language = chance.pick(languages)
            let given = names(chance.pick(language.given.split(whereSeparator: \.isWhitespace)))
            let family = names(chance.pick(language.family.split(whereSeparator: \.isWhitespace)))
            let gap = language.closed ? "" : " "
            let handle = "\(given.latin)_\(family.latin)\(number)"
            var member = Member(
                handle: handle,
                name: language.familyFirst ? family.name + gap + given.name : given.name + gap + family.name,
                address: "\(handle)@\(chance.pick(["example.org", "example.com", "example.net", "post.example"]))",
                locale: language.locale, timeZone: chance.pick(language.zones), password: hash,
                joinedAt: now - Int64(chance.below(6_000)) * 86_400)
            switch number % 200 {
            case 40: member.timeZone = "Europe/Atlantis"
            case 80: member.locale = "xx_YY.ISO-8859-1"
            case 120: member.address = chance.pick([nil, "", "@", "no at sign", "two@@example.org"])
            case 160: member.deletedAt = now - 86_400
            case 199: member.name = "\u{200f}\u{0}\(member.name)\n"
            default: break
            }
            try member.insert(db)
            // The groups of the story have few members; the open ones have many.
            for group in [1, 4, 5, 6, 7, 8] as [Int64] where chance.below(100) < 3 {
                try Group.join(group, member: member.number, db)
            }
            // A third reads the newsletter only, and some do not read anything.
            if chance.below(3) == 0 { try Preferences.set(.weekly, .post, place: "", member.number, db) }
            if chance.below(50) == 0 { try Preferences.set(.never, .newsletter, place: "", member.number, db) }
        }
    }

    private func names(_ entry: Substring) -> (name: String, latin: String) {
        let parts = entry.split(separator: "=")
        return (String(parts[0]), String(parts.last ?? "").lowercased())
    }

    /// Posts that were read long ago: no one is told of them.
    func addTexts(_ db: Database) throws {
        let posts: [(group: Int64, author: Int64, title: String, body: String)] = [
            (1, 2, "Toaster, again", "It trips the fuse. Has anybody a spare heating element?\n\n@ada, you had one?"),
            (2, 3, "Répétition de mardi", "On commence à 19 h par le Fauré. Apportez vos crayons !"),
            (3, 1, "The report of last week", "I have hidden two posts. Please look at the third."),
            (4, 11, "Momo, chapters 1–6", "Beppo the road sweeper: one step, one breath, one stroke of the broom."),
            (5, 6, "古池や", "古池や\n蛙飛びこむ\n水の音"),
            (7, 7, "حبر جديد", "جرّبت حبرًا جديدًا من القاهرة، واللون أسود عميق."),
        ]
        for (hours, post) in posts.enumerated() {
            var row = Post(
                groupId: post.group, authorId: post.author, title: post.title, body: post.body,
                createdAt: now - 3_600 * Int64(posts.count - hours))
            try row.insert(db)
            try Post.follow(row.number, member: post.author, db)
        }
        var comment = Comment(
            postId: 1, authorId: 1, body: "Two even. I bring them on Saturday.", createdAt: now - 1_800)
        try comment.insert(db)
    }
}

/// SplitMix64: the same numbers on every machine.
private struct Chance {
    var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func below(_ limit: Int) -> Int {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return Int((mixed ^ (mixed >> 31)) % UInt64(limit))
    }

    mutating func pick<Element>(_ items: [Element]) -> Element { items[below(items.count)] }
}
