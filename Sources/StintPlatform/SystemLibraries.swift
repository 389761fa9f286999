// The C library and swift-system, under the same name on all systems. No other file imports them.

#if canImport(Darwin)
    @_exported import Darwin
#elseif canImport(Musl)
    @_exported import Musl
#else
    @_exported import Glibc
#endif

#if canImport(System)
    @_exported import System
#else
    @_exported import SystemPackage
#endif
