import CGMime
import StintCore

/// One part of a message's body, made by GMime. It owns GMime's object.
final class MIMEPart {
    private let object: UnsafeMutablePointer<GMimeObject>

    private init(_ object: UnsafeMutableRawPointer) {
        self.object = object.assumingMemoryBound(to: GMimeObject.self)
    }

    deinit { g_object_unref(object) }

    private static let isStarted: Bool = {
        g_mime_init()
        return true
    }()

    enum Encoding {
        case sevenBit, quotedPrintable, base64

        fileprivate var value: GMimeContentEncoding {
            switch self {
            case .sevenBit: GMIME_CONTENT_ENCODING_7BIT
            case .quotedPrintable: GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE
            case .base64: GMIME_CONTENT_ENCODING_BASE64
            }
        }
    }

    /// Bytes of a type.
    init(_ type: MIMEType, _ content: [UInt8], _ encoding: Encoding) throws {
        _ = Self.isStarted
        guard let part = g_mime_part_new_with_type(type.type, type.subtype),
            let stream = content.withUnsafeBytes({
                g_mime_stream_mem_new_with_buffer($0.baseAddress?.assumingMemoryBound(to: CChar.self), $0.count)
            })
        else { throw MIMEPart.noMemory }
        object = UnsafeMutableRawPointer(part).assumingMemoryBound(to: GMimeObject.self)
        defer { g_object_unref(stream) }
        guard let wrapper = g_mime_data_wrapper_new_with_stream(stream, GMIME_CONTENT_ENCODING_DEFAULT) else {
            throw MIMEPart.noMemory
        }
        defer { g_object_unref(wrapper) }
        g_mime_part_set_content(part, wrapper)
        g_mime_part_set_content_encoding(part, encoding.value)
        for parameter in type.parameters { set(parameter.name, parameter.value) }
    }

    /// Several parts in one.
    init(multipart subtype: String, _ parts: [MIMEPart], boundary: String) throws {
        _ = Self.isStarted
        guard let multipart = cg_multipart_new(subtype, boundary) else { throw MIMEPart.noMemory }
        object = UnsafeMutableRawPointer(multipart).assumingMemoryBound(to: GMimeObject.self)
        for part in parts { g_mime_multipart_add(multipart, part.object) }
    }

    /// A parameter of its content type.
    func set(_ name: String, _ value: String) { g_mime_object_set_content_type_parameter(object, name, value) }

    /// A file, with its name in any script (RFC 2231).
    func setFile(name: String) {
        g_mime_object_set_disposition(object, GMIME_DISPOSITION_ATTACHMENT)
        g_mime_object_set_content_disposition_parameter(object, "filename", name)
        // Else GMime chooses a charset by the locale, such as iso-2022-jp for one of Japan.
        guard let disposition = g_mime_object_get_content_disposition(object),
            let parameters = g_mime_content_disposition_get_parameters(disposition),
            let parameter = g_mime_param_list_get_parameter(parameters, "filename")
        else { return }
        g_mime_param_set_charset(parameter, "utf-8")
        g_mime_param_set_encoding_method(parameter, GMIME_PARAM_ENCODING_METHOD_RFC2231)
    }

    /// What is shown within another part that names it.
    func setInline(name: String) {
        g_mime_object_set_disposition(object, GMIME_DISPOSITION_INLINE)
        g_mime_object_set_content_id(object, name)
    }

    /// Its header lines, an empty line, and its content, with CRLF.
    func bytes() throws -> [UInt8] {
        guard let options = g_mime_format_options_new(), let stream = g_mime_stream_mem_new() else {
            throw MIMEPart.noMemory
        }
        defer {
            g_mime_format_options_free(options)
            g_object_unref(stream)
        }
        g_mime_format_options_set_newline_format(options, GMIME_NEWLINE_FORMAT_UNIX)
        g_mime_format_options_set_param_encoding_method(options, GMIME_PARAM_ENCODING_METHOD_RFC2231)
        guard g_mime_object_write_to_stream(object, options, stream) >= 0,
            let array = g_mime_stream_mem_get_byte_array(
                UnsafeMutableRawPointer(stream).assumingMemoryBound(to: GMimeStreamMem.self))
        else { throw MIMEPart.noMemory }
        let written = UnsafeBufferPointer(start: array.pointee.data, count: Int(array.pointee.len))
        return MailLines.withCRLF(written)
    }

    private static let noMemory = StintError(.processFailed, "GMime could not write the message: it has no memory left")
}

/// A content type with its parameters.
struct MIMEType {
    let type: String
    let subtype: String
    let parameters: [(name: String, value: String)]

    static let plainText = MIMEType(
        type: "text", subtype: "plain", parameters: [("charset", "utf-8"), ("format", "flowed")])
    static let html = MIMEType(type: "text", subtype: "html", parameters: [("charset", "utf-8")])

    private init(type: String, subtype: String, parameters: [(name: String, value: String)]) {
        self.type = type
        self.subtype = subtype
        self.parameters = parameters
    }

    /// - Parameter text: `image/png`, or `text/calendar; method=REQUEST`.
    init(_ text: String) throws {
        let excluded = "()<>@,;:\\\"/[]?="
        let pieces = text.split(separator: ";", omittingEmptySubsequences: false)
        let names = pieces[0].split(separator: "/", omittingEmptySubsequences: false).map(Self.trimmed)
        let parameters = pieces.dropFirst().map { piece in
            piece.split(separator: "=", maxSplits: 1).map { Self.trimmed($0).replacing("\"", with: "") }
        }
        guard names.count == 2, names.allSatisfy({ MailText.isToken($0, except: excluded) }),
            parameters.allSatisfy({
                $0.count == 2 && MailText.isToken($0[0], except: excluded) && MailText.isToken($0[1])
            })
        else {
            throw StintError.invalidInput(
                "the content type \(quoted(text)) is none: write it as in image/png or text/calendar; method=REQUEST")
        }
        guard names[0].lowercased() != "multipart" else {
            throw StintError.invalidInput(
                "the content type \(quoted(text)) is not for one content: give each part as an attachment of its own")
        }
        self.init(type: names[0], subtype: names[1], parameters: parameters.map { (name: $0[0], value: $0[1]) })
    }

    private static func trimmed(_ text: Substring) -> String {
        String(text.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
}
