/// Whether a name fits a pattern of the shell, such as `mail*`.
package func fits(_ name: String, pattern: String) -> Bool { fnmatch(pattern, name, 0) == 0 }
