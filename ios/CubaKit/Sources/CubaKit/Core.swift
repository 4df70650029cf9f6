import Cuba

/// What the screen needs of Cuba. Narrow, so that its timing can be tested by a clock of the test's own.
public protocol TranslateCore: Sendable {
    /// Every language with a name.
    func languages() async throws -> [LanguageView]
    /// The directions that installed packs translate.
    func directions() async throws -> [Direction]
    /// What is installed.
    func packs() async throws -> PacksView
    /// Installs a pack. Cancelling leaves nothing behind.
    func add(_ request: AddPackRequest, onProgress: @escaping OnProgress) async throws -> PackView
    /// Translates. Cancelling ends the work.
    func translate(_ request: TranslateRequest, onState: @escaping OnTranslation) async throws -> TranslationView
}

/// The real one.
public struct CubaCore: TranslateCore {
    private let cuba: CubaClient

    public init(_ cuba: CubaClient) {
        self.cuba = cuba
    }

    public func languages() async throws -> [LanguageView] {
        let known = knownLanguages()
        let codes = Set(known.map(\.code))
        return known + (try await cuba.translate.languages()).filter { !codes.contains($0.code) }
    }

    public func directions() async throws -> [Direction] {
        try await cuba.translate.directions()
    }

    public func packs() async throws -> PacksView {
        try await cuba.packs.list()
    }

    public func add(_ request: AddPackRequest, onProgress: @escaping OnProgress) async throws -> PackView {
        try await cuba.packs.add(request, onProgress: onProgress)
    }

    public func translate(_ request: TranslateRequest, onState: @escaping OnTranslation) async throws -> TranslationView {
        try await cuba.translate.text(request, onState: onState)
    }
}
