/// What is in a mail, as people read it.
package struct MailContents: Sendable {
    package struct Header: Hashable, Sendable {
        package let name: String
        /// Without the encoding of other than ASCII characters.
        package let value: String

        package init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    /// A part that is not shown as the text of the mail.
    package struct Attachment: Hashable, Sendable {
        /// Its place among all parts, from 1.
        package let part: Int
        package let name: String
        package let type: String
        package let size: Int
        /// By which the HTML of the mail may refer to it.
        package let contentID: String?

        package init(part: Int, name: String, type: String, size: Int, contentID: String?) {
            self.part = part
            self.name = name
            self.type = type
            self.size = size
            self.contentID = contentID
        }
    }

    /// A text of the mail, and whether only its beginning was read.
    package struct Text: Hashable, Sendable {
        package let text: String
        package let isCut: Bool

        package init(text: String, isCut: Bool) {
            self.text = text
            self.isCut = isCut
        }
    }

    package var headers: [Header] = []
    package var text: Text?
    package var html: Text?
    package var attachments: [Attachment] = []
    /// What is wrong with the mail, and what is not shown for that reason: each a sentence.
    package var problems: [String] = []

    package init() {}

    package func header(_ name: String) -> String {
        headers.first { $0.name.lowercased() == name }?.value ?? ""
    }

    package var summary: MailSummary {
        MailSummary(
            subject: header("subject"), from: header("from"), to: header("to"), attachments: attachments.count)
    }

    /// The addresses that the mail links to, without repetition.
    package var links: [String] { MailLinks.links(html: html?.text, text: text?.text) }
}

/// Reads mails.
package protocol MailReader: Sendable {
    func contents(of mail: [UInt8]) -> MailContents
    /// The bytes of an attachment; `nil`: there is no such part.
    func attachment(_ part: Int, of mail: [UInt8]) -> [UInt8]?
    /// The HTML as a document that needs no other, with the pictures that the mail has; `nil`: it has none.
    func document(of mail: [UInt8]) -> String?
}
