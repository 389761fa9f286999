import CGMime

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Dates in headers: in UTC and English, whatever the locale and the time zone.
enum MailDate {
    /// `Tue, 14 Nov 2023 22:13:20 +0000` (RFC 5322, 3.3). Years before 1970 and after 9999 are moved there.
    static func text(_ date: Date) -> String {
        // What is no number at all counts as 1970.
        let given = date.timeIntervalSince1970
        let seconds = gint64(given.isNaN ? 0 : min(max(given, 0), 253_402_300_799))
        guard let time = g_date_time_new_from_unix_utc(seconds) else { return "" }
        defer { g_date_time_unref(time) }
        guard let text = g_mime_utils_header_format_date(time) else { return "" }
        defer { g_free(text) }
        return String(cString: text)
    }
}
