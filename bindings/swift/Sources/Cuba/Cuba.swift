@_exported import CubaFFI
import Foundation

/// Cuba on this device: translation, packs and the health log, wholly offline.
///
/// Open one for each home directory. It stays open as long as it or one of its parts is held, or until ``close()``. All of it may be
/// used from any thread; `async` methods leave the caller's thread free.
///
/// ```swift
/// let cuba = try await CubaClient.open(Config(home: directory.path))
/// print(try await cuba.translate.text(TranslateRequest(text: "Good morning.", to: "es")).text)
/// ```
///
/// A library of another build than this package ends the process at the first call with the words
/// "UniFFI API checksum mismatch": ship both from one build.
public final class CubaClient: @unchecked Sendable {
    private let owner: Owner

    /// Translation.
    public let translate: Translation
    /// Model packs.
    public let packs: PackStore
    /// The health log.
    public let health: HealthLog

    private init(_ inner: CubaFFI.Cuba) {
        owner = Owner(inner)
        translate = Translation(inner.translate(), owner)
        packs = PackStore(inner.packs(), owner)
        health = HealthLog(inner.health(), owner)
    }

    /// Opens the home directory, making it if need be. Loads no model and opens no database yet.
    public static func open(_ config: Config, platform: Platform = Platform()) async throws -> CubaClient {
        CubaClient(try await io { try CubaFFI.Cuba.open(config: config, platform: platform) })
    }

    /// Cancels what runs and lets the database go. Later calls throw ``CubaFFI/CubaError/Closed``.
    public func close() {
        owner.inner.shutDown()
    }
}

/// Shuts the library's object down when nobody holds the client or a part of it any more: Swift lets go of a value after its last
/// use, so `try await CubaClient.open(config).translate` would otherwise be a part of something closed.
final class Owner: Sendable {
    let inner: CubaFFI.Cuba

    init(_ inner: CubaFFI.Cuba) {
        self.inner = inner
    }

    deinit {
        inner.shutDown()
    }
}
