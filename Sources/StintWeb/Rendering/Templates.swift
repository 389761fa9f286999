import HTTPTypes
import Hummingbird
import Mustache
import StintCore
import StintPlatform

/// What a page shows.
struct Page {
    var title: String
    /// The part of the navigation that it belongs to.
    var section: String?
    var template: String
    /// What the template is filled with.
    var view: Any
    /// The same for programs.
    var facts: any Encodable & Sendable = [String: String]()
    /// Whether its values change while one looks.
    var isLive = false
    /// What an action has done.
    var notice: String?
}

/// The HTML of pages.
struct Templates: Sendable {
    private let library: MustacheLibrary

    init() throws {
        MustacheContentTypes.register(HTMLText(), named: HTMLText.name)
        var library = MustacheLibrary()
        for (name, bytes) in Self.sources {
            let text = "{{% CONTENT_TYPE:\(HTMLText.name)}}" + String(decoding: bytes, as: UTF8.self)
            library.register(try MustacheTemplate(string: text), named: name)
        }
        self.library = library
    }

    private static let sources: [(String, [UInt8])] = [
        ("layout", PackageResources.layout_mustache),
        ("state", PackageResources.state_mustache),
        ("queue-table", PackageResources.queue_table_mustache),
        ("worker-table", PackageResources.worker_table_mustache),
        ("error", PackageResources.error_mustache),
        ("overview", PackageResources.overview_mustache),
        ("jobs", PackageResources.jobs_mustache),
        ("job", PackageResources.job_mustache), ("dry-run", PackageResources.dry_run_mustache),
        ("errors", PackageResources.errors_mustache),
        ("operations", PackageResources.operations_mustache),
        ("operation", PackageResources.operation_mustache),
        ("preview", PackageResources.preview_mustache),
        ("queues", PackageResources.queues_mustache),
        ("queue", PackageResources.queue_mustache),
        ("workers", PackageResources.workers_mustache),
        ("schedules", PackageResources.schedules_mustache), ("webhooks", PackageResources.webhooks_mustache),
        ("mails", PackageResources.mails_mustache), ("mail", PackageResources.mail_mustache),
        ("doctor", PackageResources.doctor_mustache),
        ("sign-in", PackageResources.sign_in_mustache),
    ]

    func page(
        _ page: Page, _ dashboard: Dashboard, user: WebUser?, path: String, status: HTTPResponse.Status = .ok,
        formToken: String?
    ) -> Response {
        .html(FormTokens.add(formToken, to: html(page, dashboard, user: user, path: path)), status: status)
    }

    /// The main part of a page.
    func content(_ page: Page) -> String {
        library.render(PlainView.of(page.view) ?? page.view, withTemplate: page.template) ?? ""
    }

    func html(_ page: Page, _ dashboard: Dashboard, user: WebUser?, path: String) -> String {
        let base = dashboard.options.basePath
        let content = content(page)
        let view = LayoutView(
            base: base, title: page.title, content: content, notice: page.notice,
            user: user?.name, role: user?.role.rawValue,
            canSignOut: dashboard.options.access.needsSignIn && user != nil,
            live: page.isLive
                ? "\(base)/live?seen=\(LivePage(content, version: 0).structure)&page=\(percentEncoded(path))" : nil,
            sections: user == nil
                ? []
                : Self.sections.filter { $0.0 != "mail" || dashboard.options.mailbox != nil }
                    .map { LayoutView.Section($0, base, isCurrent: $0.0 == page.section) })
        return library.render(PlainView.of(view) ?? view, withTemplate: "layout") ?? ""
    }

    private static let sections = [
        ("overview", "/", "Overview"), ("jobs", "/jobs", "Jobs"), ("errors", "/errors", "Errors"),
        ("queues", "/queues", "Queues"),
        ("workers", "/workers", "Workers"), ("schedules", "/schedules", "Schedules"),
        ("operations", "/operations", "Operations"), ("webhooks", "/webhooks", "Webhooks"), ("mail", "/mail", "Mail"),
        ("doctor", "/doctor", "Doctor"),
    ]

    private struct LayoutView {
        struct Section {
            let href: String
            let title: String
            let isCurrent: Bool

            init(_ section: (String, String, String), _ base: String, isCurrent: Bool) {
                href = base + section.1
                title = section.2
                self.isCurrent = isCurrent
            }
        }

        let base: String
        let title: String
        /// HTML that a template has made.
        let content: String
        let notice: String?
        let user: String?
        let role: String?
        let canSignOut: Bool
        let live: String?
        let sections: [Section]
    }
}

/// Escapes text for HTML, by scalars. The library's own goes by characters, and so leaves a quote that a combining mark
/// follows, which ends an attribute.
struct HTMLText: MustacheContentType {
    static let name = "STINT"

    func escapeText(_ text: String) -> String { Self.escaped(text) }

    static func escaped(_ text: String) -> String {
        // Nearly all texts are plain, and a page has thousands of them.
        if text.utf8.allSatisfy(isPlain) { return text }
        var escaped = ""
        escaped.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            case "'": escaped += "&#39;"
            case "`": escaped += "&#96;"
            case "\t", "\n", "\r": escaped.unicodeScalars.append(scalar)
            default:
                if isHidden(scalar) {
                    // What a person cannot see, or what turns the direction of the text around it.
                    escaped += "\u{FFFD}"
                } else {
                    escaped.unicodeScalars.append(scalar)
                }
            }
        }
        return escaped
    }

    /// An ASCII character that stands for itself.
    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "&"), UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "\""), UInt8(ascii: "'"),
            UInt8(ascii: "`"):
            false
        default: (0x20..<0x7f).contains(byte)
        }
    }

    private static func isHidden(_ scalar: UnicodeScalar) -> Bool {
        scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value) || (0x202a...0x202e).contains(scalar.value)
            || (0x2066...0x2069).contains(scalar.value) || scalar.value == 0x200e || scalar.value == 0x200f
            || scalar.value == 0x061c
    }
}

/// A text as the value of a query, or as a part of a path.
func percentEncoded(_ text: String) -> String {
    var encoded = ""
    for byte in text.utf8 {
        switch byte {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e, 0x5f, 0x7e:
            encoded.append(Character(UnicodeScalar(byte)))
        default: encoded += "%" + HexText.text([byte]).uppercased()
        }
    }
    return encoded
}

/// The list of the jobs that match a query.
func listPath(_ base: String, _ query: JobQuery) -> String { "\(base)/jobs?q=\(percentEncoded(query.description))" }
