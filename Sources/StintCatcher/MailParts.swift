import CGMime
import StintMIME
import StintMailbox

/// The parts of a mail, in their order: the first plain text and the first HTML are its text, all others attachments.
struct MailParts {
    private static let deepest = 64
    private static let most = 300

    private(set) var text: MailContents.Text?
    private(set) var html: MailContents.Text?
    private(set) var attachments: [MailContents.Attachment] = []
    private(set) var problems: [String] = []
    /// The bytes of the part that was asked for.
    private(set) var wantedBytes: [UInt8]?
    /// The pictures that were asked for, by their ids.
    private(set) var pictures: [String: MailPictures.Picture] = [:]
    private let wanted: Int?
    private let wantedPictures: Set<String>
    private var pictureBytes = 0
    private var count = 0

    /// - Parameters:
    ///   - wanted: The number of a part whose bytes are read.
    ///   - pictures: The ids of pictures whose bytes are read, as many as there is room for.
    init(wanted: Int? = nil, pictures: Set<String> = []) {
        self.wanted = wanted
        wantedPictures = pictures
    }

    mutating func add(_ object: UnsafeMutablePointer<GMimeObject>) { add(object, depth: 0) }

    private mutating func add(_ object: UnsafeMutablePointer<GMimeObject>, depth: Int) {
        guard depth < Self.deepest, count < Self.most else {
            let problem = "It has more parts than are read; those beyond are in its source."
            if problems.last != problem { problems.append(problem) }
            return
        }
        if let multipart = cg_multipart(object) {
            for index in 0..<g_mime_multipart_get_count(multipart) {
                if let part = g_mime_multipart_get_part(multipart, index) { add(part, depth: depth + 1) }
            }
            return
        }
        count += 1
        if let part = cg_message_part(object) { return add(mail: part, object) }
        if let part = cg_part(object) { add(part: part, object) }
    }

    /// A mail within the mail is an attachment.
    private mutating func add(
        mail part: UnsafeMutablePointer<GMimeMessagePart>, _ object: UnsafeMutablePointer<GMimeObject>
    ) {
        guard let message = g_mime_message_part_get_message(part),
            let bytes = cg_object_bytes(cg_message_object(message))
        else { return }
        defer { g_byte_array_unref(bytes) }
        let subject = g_mime_message_get_subject(message).map { String(cString: $0) } ?? ""
        add(bytes, named: subject.isEmpty ? "mail.eml" : subject + ".eml", GMime.type(of: object), object)
    }

    private mutating func add(part: UnsafeMutablePointer<GMimePart>, _ object: UnsafeMutablePointer<GMimeObject>) {
        guard let bytes = cg_content(part) else { return }
        defer { g_byte_array_unref(bytes) }
        let type = GMime.type(of: object)
        let name = g_mime_part_get_filename(part).map { String(cString: $0) }
        let isAttached = g_mime_part_is_attachment(part) != 0
        if name == nil, !isAttached, type == "text/plain" || type == "text/html" {
            if type == "text/plain", text == nil {
                text = readText(bytes, object)
                return
            }
            if type == "text/html", html == nil {
                html = readText(bytes, object)
                return
            }
        }
        add(bytes, named: name ?? "part-\(count)\(Self.suffix(of: type))", type, object)
    }

    private mutating func add(
        _ bytes: UnsafeMutablePointer<GByteArray>, named name: String, _ type: String,
        _ object: UnsafeMutablePointer<GMimeObject>
    ) {
        if count == wanted {
            wantedBytes = Array(UnsafeBufferPointer(start: bytes.pointee.data, count: Int(bytes.pointee.len)))
        }
        let contentID = g_mime_object_get_content_id(object).map { String(cString: $0) }
        attachments.append(
            .init(
                part: count, name: String(name.unicodeScalars.prefix(200)), type: type, size: Int(bytes.pointee.len),
                contentID: contentID))
        if let contentID { addPicture(bytes, contentID, type) }
    }

    private mutating func addPicture(_ bytes: UnsafeMutablePointer<GByteArray>, _ id: String, _ type: String) {
        guard type.hasPrefix("image/"), wantedPictures.contains(id), pictures[id] == nil else { return }
        let size = Int(bytes.pointee.len)
        let cost = MailPictures.cost(of: size)
        guard pictureBytes + cost <= GMimeReader.mostPictures else { return }
        pictureBytes += cost
        pictures[id] = MailPictures.Picture(
            type, Array(UnsafeBufferPointer(start: bytes.pointee.data, count: size)))
    }

    private static func suffix(of type: String) -> String {
        switch type {
        case "text/plain": ".txt"
        case "text/html": ".html"
        case "text/calendar": ".ics"
        case "image/png": ".png"
        case "image/jpeg": ".jpg"
        case "image/gif": ".gif"
        case "application/pdf": ".pdf"
        default: ""
        }
    }

    // MARK: - Text

    private mutating func readText(
        _ bytes: UnsafeMutablePointer<GByteArray>, _ object: UnsafeMutablePointer<GMimeObject>
    ) -> MailContents.Text {
        let all = UnsafeBufferPointer(start: bytes.pointee.data, count: Int(bytes.pointee.len))
        let isCut = all.count > GMimeReader.mostText
        let part = UnsafeBufferPointer(rebasing: all.prefix(GMimeReader.mostText))
        return .init(text: decoded(part, GMime.charset(of: object)), isCut: isCut)
    }

    private mutating func decoded(_ bytes: UnsafeBufferPointer<UInt8>, _ charset: String?) -> String {
        let isUTF8 = String(validating: bytes, as: UTF8.self)
        guard let charset, !["utf-8", "utf8", "us-ascii", "ascii"].contains(charset.lowercased()) else {
            if let isUTF8 { return isUTF8 }
            // A text that is cut may end within a character.
            if bytes.count == GMimeReader.mostText { return String(decoding: bytes, as: UTF8.self) }
            problems.append(
                "A text has bytes that are not \(charset == nil ? "UTF-8, and names no character set" : "of the character set that it names"): they are shown as Latin-1."
            )
            return latin1(bytes)
        }
        let name = String(charset.unicodeScalars.prefix(40))
        if let text = GMime.text(bytes, charset: charset) { return text }
        problems.append("The character set “\(name)” of a text is not known.")
        return isUTF8 ?? latin1(bytes)
    }

    private func latin1(_ bytes: UnsafeBufferPointer<UInt8>) -> String {
        var text = String.UnicodeScalarView()
        text.append(contentsOf: bytes.lazy.map { Unicode.Scalar($0) })
        return String(text)
    }
}
