import StintPlatform

/// Flushes standard output, so that a reader sees each line when it is written.
package func flush() { fflush(nil) }
