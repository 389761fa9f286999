import StintCore

/// A supervisor's proof that it lives, until it is released.
struct InMemorySupervisorSign: SupervisorSign {
    let name: String
    let store: InMemoryStore

    func release() {
        store.change { state, _ in _ = state.supervisors.remove(name) }
    }
}
