import StintCore
import StintPlatform
import Synchronization

/// A supervisor's proof of life: a file `…supervisor-4711-9f3c…`, with its process id for people.
package final class SupervisorFile: SupervisorSign {
    private static let magic = UInt64(bigEndian: 0x5354_494E_5453_5631)

    package let name: String
    private let file: Mutex<LivenessFile?>

    /// - Parameters:
    ///   - prefix: Precedes its name: `stint.db-`, or a folder with its slash.
    ///   - model: Its owner and permissions are the file's too.
    ///   - process: The supervisor's process id; another than this process's only in simulated worlds.
    package init?(prefix: String, like model: String, process: Int32 = getpid()) {
        name = "supervisor-\(process)-" + String(UInt64.random(in: 0 ... .max), radix: 16)
        guard let file = LivenessFile(prefix + name, like: model, content: { [Self.magic, $0] }) else {
            return nil
        }
        self.file = Mutex(file)
    }

    deinit { release() }

    package func release() {
        file.withLock { file in
            file?.remove()
            file = nil
        }
    }

    /// Acts as if the process had died; for tests.
    package func abandon() {
        file.withLock { file in
            file?.abandon()
            file = nil
        }
    }

    package static func liveness(_ path: String) -> Liveness {
        LivenessFile.liveness(of: path) { words, inode in
            words.isEmpty || words.count >= 2 && words[0] == magic && words[1] == inode
        }
    }
}
