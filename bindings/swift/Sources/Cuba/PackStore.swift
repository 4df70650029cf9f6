import CubaFFI

/// Model packs: what is installed, adding, checking, handing on. From ``CubaClient/packs``.
public final class PackStore: @unchecked Sendable {
    private let inner: CubaFFI.Packs
    private let owner: Owner

    init(_ inner: CubaFFI.Packs, _ owner: Owner) {
        self.inner = inner
        self.owner = owner
    }

    /// What is installed. Reads no model.
    public func list() async throws -> PacksView {
        try await io { [inner] in try inner.list() }
    }

    /// What the built-in catalogue knows; opens no connection.
    public func offers() -> [PackView] {
        inner.offers()
    }

    /// Installs a pack from a file or folder, whole or not at all.
    public func add(_ request: AddPackRequest, onProgress: OnProgress? = nil) async throws -> PackView {
        try await awaited(inner.add(request: request, listener: listener(onProgress)))
    }

    /// Reads every byte of a pack (`id` or `id@version`).
    public func verify(_ pack: String, onProgress: OnProgress? = nil) async throws -> VerifyView {
        try await awaited(inner.verify(pack: pack, listener: listener(onProgress)))
    }

    /// Writes a pack to one file that another phone can add; gives its path.
    public func export(_ pack: String, to file: String, onProgress: OnProgress? = nil) async throws -> String {
        try await awaited(inner.export(pack: pack, file: file, listener: listener(onProgress)))
    }

    /// Removes a pack and gives the bytes freed.
    @discardableResult
    public func remove(_ pack: String) async throws -> UInt64 {
        try await io { [inner] in try inner.remove(pack: pack) }
    }
}
