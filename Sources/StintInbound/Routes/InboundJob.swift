import StintCore

/// A mail as a job that fits into the queue.
enum InboundJob {
    /// Leaves out attachments, the largest first, and then the HTML, if the job would be too large.
    static func job(of mail: InboundMail, in queue: QueueName, options: JobOptions) throws -> NewJob {
        var mail = mail
        while true {
            let estimate = mail.attachments.reduce(0) { $0 + ($1.content.count + 2) / 3 * 4 }
            if estimate < NewJob.maximumPayloadBytes {
                do {
                    return try NewJob(mail, in: queue, options: options)
                } catch let error as StintError where error.code == .invalidInput {
                    guard mail.attachments.isEmpty == false || mail.html != nil || mail.text != nil else { throw error }
                }
            }
            shorten(&mail)
        }
    }

    private static func shorten(_ mail: inout InboundMail) {
        if let largest = mail.attachments.indices.max(by: {
            mail.attachments[$0].content.count < mail.attachments[$1].content.count
        }) {
            let file = mail.attachments.remove(at: largest)
            mail.omitted.append(
                OmittedAttachment(
                    name: file.name, contentType: file.contentType, bytes: file.content.count,
                    reason: "the job would have more than \(NewJob.maximumPayloadBytes) bytes"))
        } else if mail.html != nil {
            mail.html = nil
            mail.isTextCut = true
        } else {
            mail.text = nil
            mail.isTextCut = true
        }
    }
}
