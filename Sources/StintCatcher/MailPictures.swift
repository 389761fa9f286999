import StintMailbox

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Puts the pictures of a mail into its HTML, in place of `cid:…`.
enum MailPictures {
    /// The most places that are looked at.
    private static let most = 500

    /// - Parameter picture: The type and the bytes of the picture with an id; `nil`: there is none, or no room for it.
    static func embed(
        in html: String, _ picture: (_ id: String) -> (type: String, bytes: [UInt8])?
    ) -> String {
        let parts = html.split(separator: "cid:", maxSplits: most, omittingEmptySubsequences: false)
        var document = String(parts[0])
        for part in parts.dropFirst() {
            let id = part.prefix { !"\"'<>() \r\n\t".contains($0) }
            if let name = String(id).removingPercentEncoding, let (type, bytes) = picture(name) {
                document += "data:\(type);base64,\(Data(bytes).base64EncodedString())"
                document += part[id.endIndex...]
            } else {
                document += "cid:"
                document += part
            }
        }
        return document
    }
}
