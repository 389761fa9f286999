import ArgumentParser
import Foundation
import Torture

/// Prints the outcome; a run that broke keeps its files.
func conclude(_ broken: [String], _ place: TortureFolder, good: String = "nothing was lost") throws {
    guard !broken.isEmpty else {
        place.remove()
        return print(good)
    }
    for line in broken.prefix(50) { print("BROKEN: \(line)") }
    print("\(broken.count) broken; the files are in \(place.path)")
    throw ExitCode(2)
}

/// The path of this program, to start it again.
func ownProgram() throws -> String {
    guard let path = Bundle.main.executablePath else {
        throw ValidationError("the system does not say where this program is")
    }
    return path
}
