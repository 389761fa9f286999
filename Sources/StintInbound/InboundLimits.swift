/// What a posted mail may have. What is beyond a limit of the body is refused; attachments and headers beyond theirs are
/// left out, and ``InboundMail/omitted`` names those.
public struct InboundLimits: Sendable, Hashable {
    /// The most bytes of a request's body. Services accept mails of 25 to 40 MB and post them with Base64.
    public var bodyBytes = 40 * 1_048_576
    /// How long a client may take to send a body. One that has not come by then is answered 503.
    public var bodyTime: Duration = .seconds(60)
    /// The lowest average rate from the start of a body on; 0: it is not checked. A slower body is answered 503.
    public var bodyBytesPerSecond = 1_024
    /// The time from the start of a body until its rate is checked for the first time.
    public var bodyGrace: Duration = .seconds(10)
    /// The most bodies of one service that are read or handled at once. Further requests get 503, and the service repeats
    /// them. Each service has as many, so that slow connections to one do not keep the others out.
    public var requests = 32
    /// The most bytes of all bodies that are read or handled at once. Each service has an equal part, and room for one body at
    /// least. A body needs about four times its size while it is handled.
    public var bytesInAll = 128 * 1_048_576
    /// The most fields of a form.
    public var fields = 200
    /// The most bytes of a field that is no text, file or mail.
    public var fieldBytes = 262_144
    /// The most values of a JSON body, and how deep they may be.
    public var jsonValues = 50_000
    public var jsonDepth = 32
    /// The most bytes of the text, and of the HTML. What is longer is cut.
    public var textBytes = 1_048_576
    /// The most attachments of a mail.
    public var attachments = 20
    /// The most bytes of one, and of all of a mail. A job has room for 11 MiB of them.
    public var attachmentBytes = 10 * 1_048_576
    public var attachmentBytesInAll = 10 * 1_048_576
    /// The most headers of a mail that the job gets, and their bytes.
    public var headers = 300
    public var headerBytes = 131_072
    /// The most addresses of a header, and of the envelope.
    public var addresses = 100

    public init() {}
}
