/// What an error number of the C library means, for people: `No such file or directory`.
package func systemError(_ number: Int32 = errno) -> String { Errno(rawValue: number).description }
