import Crypto
import HTTPTypes
import Hummingbird
import StintPlatform

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension Response {
    static func html(_ text: String, status: HTTPResponse.Status = .ok) -> Response {
        Response(
            status: status, headers: [.contentType: "text/html; charset=utf-8"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }

    static func text(_ text: String, status: HTTPResponse.Status = .ok, type: String = "text/plain; charset=utf-8")
        -> Response
    {
        Response(
            status: status, headers: [.contentType: type], body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }

    static func json(
        _ value: some Encodable, status: HTTPResponse.Status = .ok, type: String = "application/json"
    ) -> Response {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .iso8601
        do {
            return .text(String(decoding: try encoder.encode(value), as: UTF8.self), status: status, type: type)
        } catch {
            return .text(
                "{\"title\":\"the answer cannot be written as JSON\"}", status: .internalServerError, type: type)
        }
    }

    /// A file that is a part of the program.
    static func asset(_ request: WebRequest, _ bytes: [UInt8], _ type: String) -> Response {
        let tag = "\"\(HexText.text(SHA256.hash(data: bytes).prefix(12)))\""
        let headers: HTTPFields = [.contentType: type, .eTag: tag, .cacheControl: "public, max-age=300"]
        if request.request.headers[.ifNoneMatch] == tag { return Response(status: .notModified, headers: headers) }
        return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }
}
