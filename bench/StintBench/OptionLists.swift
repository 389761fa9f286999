import ArgumentParser

/// `1,4,16`.
struct NumberList: ExpressibleByArgument {
    let values: [Double]

    init(_ values: [Double]) {
        self.values = values
    }

    init?(argument: String) {
        let values = argument.split(separator: ",", omittingEmptySubsequences: false).map { Double($0) }
        guard !values.contains(nil) else { return nil }
        self.values = values.compactMap(\.self)
    }

    var defaultValueDescription: String {
        values.map { $0 == $0.rounded() ? String(Int($0)) : String($0) }.joined(separator: ",")
    }
}

/// `stint,one-worker`.
struct DesignList: ExpressibleByArgument {
    let designs: [Design]

    init(designs: [Design]) {
        self.designs = designs
    }

    init?(argument: String) {
        let designs = argument.split(separator: ",", omittingEmptySubsequences: false).map {
            Design(rawValue: String($0))
        }
        guard designs.allSatisfy({ $0.map(Design.compared.contains) ?? false }) else { return nil }
        self.designs = designs.compactMap(\.self)
    }

    var defaultValueDescription: String { designs.map(\.rawValue).joined(separator: ",") }
}
