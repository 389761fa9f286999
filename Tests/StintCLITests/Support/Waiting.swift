/// A shell loop that waits for a file in the test's folder. It ends with the folder, and after a minute, so that no
/// failed test leaves a process behind.
func untilThere(_ file: String) -> String {
    "tries=0; until [ -e \(file) ] || [ ! -e . ] || [ $((tries += 1)) -gt 6000 ]; do sleep 0.01; done"
}
