import Foundation
import GRDB
import Hummingbird

extension Site {
    func addPreferences(_ router: RouterGroup<PageContext>) {
        get(router, "/preferences") { request, context, member in
            let view = try await data.pool.read { try preferencePage(member, $0) }
            return pages.page(
                "Mail to me", "preferences", view, context, section: "/preferences", notice: notice(request))
        }
        post(router, "/preferences") { form, _, member in
            var member = member
            member.locale = try form.text("locale", called: "The language", most: 35)
            let zone = try form.text("zone", called: "The time zone", most: 60)
            // Foundation makes a zone of `GMT+5` too, which digests do not know.
            guard zone == "UTC" || TimeZone.knownTimeZoneIdentifiers.contains(zone) else {
                throw PageError.refused("There is no time zone '\(zone)': write one such as Europe/Berlin.")
            }
            member.timeZone = zone
            member.digestHour = try hour(form, "hour") ?? 8
            member.digestWeekday = min(7, max(1, Int(form.optional("weekday")) ?? 1))
            member.quietFrom = try hour(form, "quiet-from")
            member.quietTo = try hour(form, "quiet-to")
            if member.quietFrom == nil || member.quietTo == nil { (member.quietFrom, member.quietTo) = (nil, nil) }
            try await data.pool.write { [member] db in
                try member.update(
                    db, columns: ["locale", "time_zone", "digest_hour", "digest_weekday", "quiet_from", "quiet_to"])
                let places = [""] + (try Group.of(member, db).map { Preferences.place(of: $0.number) })
                for place in places {
                    for kind in Kind.allCases {
                        guard let text = form.fields["\(kind.rawValue) \(place)"] else { continue }
                        try Preferences.set(Rhythm(rawValue: text), kind, place: place, member.number, db)
                    }
                }
            }
            return to("/preferences?done=saved")
        }
        post(router, "/preferences/mail-on") { _, _, member in
            try await data.pool.write { db in
                try db.execute(sql: "UPDATE members SET mail_off = NULL WHERE id = ?", arguments: [member.number])
                try Bounces.forget(member, db)
            }
            return to("/preferences?done=mail-on")
        }
    }

    private func hour(_ form: Form, _ name: String) throws -> Int? {
        let text = form.optional(name)
        guard !text.isEmpty else { return nil }
        guard let hour = Int(text), (0...23).contains(hour) else {
            throw PageError.refused("'\(text)' is no hour of a day: 0 to 23.")
        }
        return hour
    }

    private func preferencePage(_ member: Member, _ db: Database) throws -> View {
        let chosen = try Preferences.chosen(member.number, db)
        func row(_ title: String, _ place: String, _ kinds: [Kind]) -> View {
            [
                "title": title,
                "cells": Kind.allCases.map { kind -> View in
                    guard kinds.contains(kind) else { return ["isEmpty": true] }
                    let name = "\(kind.rawValue) \(place)"
                    let now = chosen[name] ?? (place.isEmpty ? Preferences.standard(kind) : nil)
                    var options: [View] =
                        place.isEmpty ? [] : [["value": "", "title": "as above", "isChosen": now == nil]]
                    options += Rhythm.allCases.map {
                        ["value": $0.rawValue, "title": $0.title, "isChosen": $0 == now]
                    }
                    return [
                        "name": name, "label": "\(title): \(kind.rawValue)", "options": options,
                    ]
                },
            ]
        }
        let rows =
            [row("Everywhere", "", Kind.allCases)]
            + (try Group.of(member, db).map {
                row($0.name, Preferences.place(of: $0.number), [.post, .comment, .mention, .like])
            })
        func hours(_ now: Int?, canBeEmpty: Bool) -> [View] {
            (canBeEmpty ? [["value": "", "title": "–", "isChosen": now == nil]] : [])
                + (0..<24).map { (hour: Int) in ["value": "\(hour)", "title": "\(hour):00", "isChosen": hour == now] }
        }
        let days = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
        var view: View = [
            "rows": rows, "locale": member.locale, "zone": member.timeZone,
            "kinds": ["posts", "comments", "mentions", "likes", "requests", "newsletter"],
            "hours": hours(member.digestHour, canBeEmpty: false),
            "weekdays": (1...7).map {
                ["value": "\($0)", "title": days[$0 - 1], "isChosen": $0 == member.digestWeekday]
                    as View
            },
            "quietFrom": hours(member.quietFrom, canBeEmpty: true), "quietTo": hours(member.quietTo, canBeEmpty: true),
            "address": member.address ?? "none",
            "locales": Seeds.languages.map(\.locale), "zones": Seeds.zones,
        ]
        view["mailOff"] = member.mailOff
        let bounces = try Bounces.of(member, db)
        if !bounces.isEmpty {
            view["bounced"] =
                [
                    "most": "\(Bounces.daysUntilOff)",
                    "days": bounces.map { ["day": Text.day($0.day, for: member), "reason": $0.reason] as View },
                ] as View
        }
        return view
    }
}
