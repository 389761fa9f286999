/// The content types that Stint itself writes.
public enum ContentType {
    public static let text = "text/plain; charset=utf-8"
    public static let json = "application/json"
    public static let bytes = "application/octet-stream"

    static func guess(_ payload: [UInt8]) -> String {
        String(validating: payload, as: UTF8.self) == nil ? bytes : text
    }
}
