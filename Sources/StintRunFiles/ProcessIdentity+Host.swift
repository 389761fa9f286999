import StintCore
import StintPlatform

extension ProcessIdentity {
    /// Whether the machine or the container of a process of this boot goes on, as far as this process can know. Boot ids
    /// and namespaces that are hidden may be different ones.
    ///
    /// - Parameter boot: The boot id as the observer sees it. For a process of another one it is `unknown`.
    package func hostLiveness(boot here: String) -> Liveness {
        let namespaces = ProcessIdentity.current.namespaces
        let isHidden = here == "unknown" || ProcessNamespaces.exist && !namespaces.contains("pid:")
        return boot == here && self.namespaces == namespaces && !isHidden ? .alive : .unknown
    }
}
