import Mustache

/// The fields of a view, read by reflection once. The library would reflect each of them again for every variable of a
/// template, which takes most of the time of a page.
final class PlainView: MustacheParent {
    private let fields: [String: Any]

    private init(_ mirror: Mirror) {
        fields = mirror.children.reduce(into: [:]) { fields, child in
            if let name = child.label, let value = Self.of(child.value) { fields[name] = value }
        }
    }

    func child(named name: String) -> Any? { fields[name] }

    /// What the library shows just as the value itself; `nil` for `nil`.
    static func of(_ value: Any) -> Any? {
        switch value {
        case let text as String: return text
        case let flag as Bool: return flag
        case let number as Int: return number
        default: break
        }
        let mirror = Mirror(reflecting: value)
        switch mirror.displayStyle {
        case .optional: return mirror.children.first.flatMap { of($0.value) }
        case .collection: return mirror.children.compactMap { of($0.value) }
        case .struct: return value is any CustomStringConvertible ? value : PlainView(mirror)
        default: return value
        }
    }
}
