/// A store around another one. It sees what goes through it, whatever is inside: a supervised worker's way through its
/// supervisor is put inside all wrappers.
package protocol StoreWrapper: ForwardingStore {
    /// The same wrapper around another store.
    func wrapping(_ base: any JobStore) -> Self
}

extension JobStore {
    /// The store inside all wrappers; a store without wrappers as it is.
    package var unwrapped: any JobStore { (self as? any StoreWrapper)?.base.unwrapped ?? self }

    /// The same wrappers around another store.
    ///
    /// - Parameter replace: Called with ``unwrapped``.
    package func replacingUnwrapped(_ replace: (any JobStore) -> any JobStore) -> any JobStore {
        guard let wrapper = self as? any StoreWrapper else { return replace(self) }
        return wrapper.wrapping(wrapper.base.replacingUnwrapped(replace))
    }
}
