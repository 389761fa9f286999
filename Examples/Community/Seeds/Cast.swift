/// The members that the story and the README name. All are in the groups that they are listed with, and want what the
/// site's standard is, if nothing else is said.
struct SeedMember: Sendable {
    let handle: String
    let name: String
    let locale: String
    let zone: String
    /// The numbers of groups.
    let groups: [Int64]
    var isAdmin = false
    var choices: [(Kind, Rhythm)] = []
    var quiet: (Int, Int)?
    var digestHour = 8
}

extension Seeds {
    /// Of every demo member. A site that is not a demo has no such thing.
    static let password = "community"

    static let choir: Int64 = 2
    static let moderators: Int64 = 3

    /// 1 is open, 2 closed, 3 secret; then open ones.
    static let groups: [(name: String, about: String, access: GroupAccess)] = [
        ("Repair café", "Broken things, and those who can mend them. Every first Saturday.", .open),
        ("Choir · Хор · Χορωδία", "Rehearsals, notes and who brings the cake.", .closed),
        ("Moderators", "What the others need not read.", .secret),
        ("Book circle", "One book a month. This month: “Momo”.", .open),
        ("俳句と川柳", "五・七・五。", .open),
        ("Night photography 🌃", "Long exposures and thermos flasks.", .open),
        ("خط عربي", "الحروف والأقلام والحبر.", .open),
        ("Open source Łódź", "Meetups on the last Thursday.", .closed),
    ]

    static let cast: [SeedMember] = [
        SeedMember(
            handle: "ada", name: "Ada Hollis", locale: "en-GB", zone: "Europe/London", groups: [1, 2, 3, 4],
            isAdmin: true),
        SeedMember(handle: "juergen", name: "Jürgen Groß", locale: "de", zone: "Europe/Berlin", groups: [1, 2]),
        SeedMember(handle: "chloe", name: "Chloé Lefèvre", locale: "fr", zone: "Europe/Paris", groups: [2, 4]),
        SeedMember(handle: "lucia", name: "Lucía Muñoz", locale: "es", zone: "America/Bogota", groups: [2]),
        SeedMember(handle: "lukasz", name: "Łukasz Gałązka", locale: "pl", zone: "Europe/Warsaw", groups: [2, 8]),
        SeedMember(handle: "hanako", name: "田中 花子", locale: "ja", zone: "Asia/Tokyo", groups: [2, 5]),
        SeedMember(handle: "fatima", name: "فاطمة المصري", locale: "ar", zone: "Africa/Cairo", groups: [2, 7]),
        // Thai has no templates: she gets English.
        SeedMember(handle: "somying", name: "สมหญิง ศรีสุข", locale: "th", zone: "Asia/Bangkok", groups: [2]),
        SeedMember(
            handle: "priya", name: "Priya Penrose", locale: "en-GB", zone: "Asia/Kolkata", groups: [2],
            choices: [(.post, .daily), (.comment, .daily), (.mention, .daily)], digestHour: 7),
        SeedMember(
            handle: "oscar", name: "Óscar Peña", locale: "es", zone: "Europe/Madrid", groups: [2, 1],
            choices: [(.post, .never), (.comment, .never)]),
        SeedMember(handle: "zoe", name: "Zoë O’Brien", locale: "en-GB", zone: "America/New_York", groups: [1, 4]),
        SeedMember(handle: "theo", name: "Theo Quigley", locale: "en-GB", zone: "Australia/Sydney", groups: [3, 6]),
        // Rows as every old database has them.
        SeedMember(handle: "nozone", name: "Olle Öberg", locale: "sv", zone: "Mars/Olympus_Mons", groups: [2]),
        SeedMember(handle: "nolocale", name: "Ib Ø", locale: "klingon!!", zone: "Europe/Copenhagen", groups: [2]),
        SeedMember(
            handle: "broken", name: "Prize\r\nBcc: everyone@example.org", locale: "en", zone: "UTC", groups: [2]),
        SeedMember(
            handle: "noaddress", name: "Þórunn Óskarsdóttir", locale: "is", zone: "Atlantic/Reykjavik", groups: [2]),
        SeedMember(handle: "gone", name: "Benoît N’Diaye", locale: "fr", zone: "Europe/Paris", groups: [2]),
    ]

    /// The addresses of those of the cast whose own is not `HANDLE@example.org`.
    static let oddAddresses: [String: String?] = [
        "broken": "winner@example.net\r\nBcc: everyone@example.org", "noaddress": nil,
    ]
}
