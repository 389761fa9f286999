/// What stands in place of a value that nobody is to see.
enum Redaction {
    static let mark = "[redacted]"
}
