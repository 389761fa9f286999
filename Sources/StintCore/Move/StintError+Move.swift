/// What a store says while it is moved, and after that.
extension StintError {
    /// - Parameters:
    ///   - name: What people call the store, such as "the database 'a.db'".
    ///   - peer: The address of the database to which it was moved.
    package static func moved(_ name: String, to peer: String) -> StintError {
        StintError(
            .databaseMoved,
            "\(name) was moved to \(quoted(withoutPassword(peer))), and nothing was changed: use that database; only jobs that are "
                + "enqueued here are still forwarded")
    }

    /// For the few seconds before ``MovableStore/commitMove(_:lastCopied:)``.
    package static func beingMoved(_ name: String, to peer: String) -> StintError {
        StintError(
            .databaseBusy,
            "\(name) is being moved to \(quoted(withoutPassword(peer))), and nothing was changed: try again in some seconds"
        )
    }

    package static func arriving(_ name: String, from peer: String) -> StintError {
        StintError(
            .databaseUnusable,
            "\(name) is being filled with the jobs of \(quoted(withoutPassword(peer))): wait until that stint move has ended, or "
                + "repeat it if it was broken off")
    }

    package static func otherMove(_ name: String, _ state: MoveState) -> StintError {
        let what =
            switch state.phase {
            case .copying, .frozen:
                "is being moved to \(quoted(withoutPassword(state.peer))): end that first, or give it up with --abandon"
            case .moved: "was moved to \(quoted(withoutPassword(state.peer))): move that database"
            case .arriving:
                "is being filled with the jobs of \(quoted(withoutPassword(state.peer))): end that move first"
            case .arrived: "has the jobs of \(quoted(withoutPassword(state.peer))) already: choose a new database"
            }
        return .invalidInput("\(name) \(what)")
    }

    /// Another process has begun to do the same move.
    package static func movedByOther(_ name: String) -> StintError {
        .invalidInput(
            "another stint move goes on with this move of \(name): this one ends, and has changed nothing since")
    }

    package static func notEmpty(_ name: String) -> StintError {
        .invalidInput(
            "\(name) has jobs, schedules or webhooks of its own: a move needs a new or an empty database, since jobs keep their ids"
        )
    }
}

/// An address without its password, for people.
package func withoutPassword(_ address: String) -> String {
    address.replacing(#/^(postgres(?:ql)?:\/\/[^:\/@]*):[^\/]*@/#) { "\($0.1)@" }
        .replacing(#/([?&](?:ssl)?password=)[^&]*/#) { "\($0.1)…" }
}

extension Finding {
    /// What `stint doctor` says of a move.
    ///
    /// - Parameter notes: How many changes are noted and not copied or forwarded.
    package static func move(_ state: MoveState, _ direction: MoveDirection, notes: Int) -> Finding {
        let peer = quoted(withoutPassword(state.peer))
        let (isGood, text) =
            switch state.phase {
            case .copying, .frozen:
                (
                    false,
                    "to \(peer) has begun, and \(notes) changes wait to be copied: let it end, repeat it if it was broken off, or give it "
                        + "up with `stint move --abandon`"
                )
            case .moved:
                (
                    notes == 0,
                    notes == 0
                        ? "to \(peer) was made: only jobs that are enqueued here are still accepted, and forwarded"
                        : "to \(peer) was made, and jobs that were enqueued here since are not forwarded yet (\(notes) changes): run a "
                            + "worker, a server or stint reap with this address"
                )
            case .arriving: (false, "from \(peer) has not ended: wait, or repeat it if it was broken off")
            case .arrived: (true, "from \(peer) was made")
            }
        return Finding(subject: "move", isGood: isGood, description: text)
    }
}
