import StintMailbox

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Puts the pictures of a mail into its HTML, in place of `cid:…`.
enum MailPictures {
    /// A picture as a part of the HTML.
    struct Picture {
        /// What takes the place of its address.
        let address: String
        let cost: Int

        init(_ type: String, _ bytes: [UInt8]) {
            address = "data:\(type);base64,\(Data(bytes).base64EncodedString())"
            cost = MailPictures.cost(of: bytes.count)
        }
    }

    /// The most places that are looked at.
    private static let most = 500
    /// The most pictures.
    private static let mostPictures = 50

    /// What a picture counts for each time that it is in the HTML.
    static func cost(of bytes: Int) -> Int { max(bytes, 1_024) }

    /// The ids of the pictures that the HTML names, at most the first 50.
    static func ids(in html: String) -> Set<String> {
        var ids: Set<String> = []
        for part in parts(of: html).dropFirst() {
            guard ids.count < mostPictures else { break }
            if let name = String(id(part)).removingPercentEncoding { ids.insert(name) }
        }
        return ids
    }

    /// - Parameter pictures: By their ids. One for which there is no more room stays as it is named.
    static func embed(_ pictures: [String: Picture], in html: String) -> String {
        let parts = Self.parts(of: html)
        var document = String(parts[0])
        var left = GMimeReader.mostPictures
        for part in parts.dropFirst() {
            let id = Self.id(part)
            if let name = String(id).removingPercentEncoding, let picture = pictures[name], picture.cost <= left {
                left -= picture.cost
                document += picture.address
                document += part[id.endIndex...]
            } else {
                document += "cid:"
                document += part
            }
        }
        return document
    }

    /// The HTML before the first `cid:`, and what follows each.
    private static func parts(of html: String) -> [Substring] {
        html.split(separator: "cid:", maxSplits: most, omittingEmptySubsequences: false)
    }

    private static func id(_ part: Substring) -> Substring {
        part.prefix { !"\"'<>() \r\n\t".contains($0) }
    }
}
