@_exported import CubaFFI
import Foundation

/// Cuba on this device: translation, packs and the health log, wholly offline.
///
/// Open one for each home directory and ``close()`` it when the app ends. All of it may be used from any thread; `async` methods
/// leave the caller's thread free.
///
/// ```swift
/// let cuba = try await CubaClient.open(Config(home: directory.path))
/// print(try await cuba.translate.text(TranslateRequest(text: "Good morning.", to: "es")).text)
/// ```
///
/// A library of another build than this package ends the process at the first call with the words
/// "UniFFI API checksum mismatch": ship both from one build.
public final class CubaClient: @unchecked Sendable {
    private let inner: CubaFFI.Cuba

    /// Translation.
    public let translate: Translation
    /// Model packs.
    public let packs: PackStore
    /// The health log.
    public let health: HealthLog

    private init(_ inner: CubaFFI.Cuba) {
        self.inner = inner
        translate = Translation(inner.translate())
        packs = PackStore(inner.packs())
        health = HealthLog(inner.health())
    }

    deinit {
        inner.shutDown()
    }

    /// Opens the home directory, making it if need be. Loads no model and opens no database yet.
    public static func open(_ config: Config, platform: Platform = Platform()) async throws -> CubaClient {
        CubaClient(try await io { try CubaFFI.Cuba.open(config: config, platform: platform) })
    }

    /// Cancels what runs and lets the database go. Later calls throw ``CubaFFI/CubaError/Closed``.
    public func close() {
        inner.shutDown()
    }
}
