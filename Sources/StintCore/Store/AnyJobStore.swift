/// A store whose kind is known only when the program runs.
package struct AnyJobStore: StoreWrapper {
    package let base: any JobStore
    /// Where it is, for other processes and for people: it can be opened by this from any folder.
    package let address: String
    /// The databases that led to this one, if the one that was opened was moved, each with that to which it was moved.
    package var formers: [(MovedDatabase, target: any MovableStore)] = []

    package init(_ base: any JobStore, address: String) {
        self.base = base
        self.address = address
    }

    package func wrapping(_ base: any JobStore) -> AnyJobStore {
        var store = AnyJobStore(base, address: address)
        store.formers = formers
        return store
    }
}
