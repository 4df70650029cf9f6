import CubaFFI
import Foundation

/// Told how far a translation is: the present state first, then at most ten times a second, on a thread of its own.
public typealias OnTranslation = @Sendable (TranslationState) -> Void

private final class Told: TranslationListener, @unchecked Sendable {
    private let call: OnTranslation

    init(_ call: @escaping OnTranslation) {
        self.call = call
    }

    func onState(state: TranslationState) throws {
        call(state)
    }
}

/// Translation with whatever packs are installed. From ``CubaClient/translate``.
public final class Translation: @unchecked Sendable {
    private let inner: CubaFFI.Translate
    private let owner: Owner

    init(_ inner: CubaFFI.Translate, _ owner: Owner) {
        self.inner = inner
        self.owner = owner
    }

    /// The languages that installed packs read or write, by code.
    public func languages() async throws -> [LanguageView] {
        try await io { [inner] in try inner.languages() }
    }

    /// The directions that installed packs translate without a language between.
    public func directions() async throws -> [Direction] {
        try await io { [inner] in try inner.directions() }
    }

    /// The way from one language to the other. Throws `CubaError.NoPackFor` where there is none.
    public func route(from: String, to: String) async throws -> RouteView {
        try await io { [inner] in try inner.route(from: from, to: to) }
    }

    /// Which of `among` the text is in (any language, if empty); `likely` are the user's usual ones, best first.
    public func detect(_ text: String, among: [String] = [], likely: [String] = []) async throws -> DetectionView {
        try await io { [inner] in try inner.detect(text: text, among: among, likely: likely) }
    }

    /// Translates a text. Cancelling the Swift task ends the work between two words. `onState` sees it grow by whole sentences, on a
    /// thread of its own; a last state may come after the result.
    public func text(_ request: TranslateRequest, onState: OnTranslation? = nil) async throws -> TranslationView {
        try await awaited(inner.translate(request: request, listener: onState.map(Told.init)))
    }

    /// Translates a text and shows it growing: the first state at once, whole sentences after, at most ten states a second, the
    /// last with an end stage. A slow reader skips states. Leaving the loop cancels the work; what goes wrong is thrown.
    public func stream(_ request: TranslateRequest) -> AsyncThrowingStream<TranslationState, Error> {
        AsyncThrowingStream(bufferingPolicy: .bufferingNewest(1)) { [inner, owner] continuation in
            let growing = Growing(continuation, owner)
            let task = inner.translate(request: request, listener: growing)
            growing.hold(task)
            continuation.onTermination = { _ in growing.cancel() }
        }
    }

    /// Translates lines in their order; an empty line stays empty.
    public func batch(_ request: BatchRequest, onProgress: OnProgress? = nil) async throws -> BatchView {
        try await awaited(inner.batch(request: request, listener: listener(onProgress)))
    }

    /// Loads what a pair needs, so that the first sentence comes sooner.
    public func prepare(from: String, to: String) async throws {
        _ = try await awaited(inner.prepare(from: from, to: to))
    }

    /// Bytes of memory that loaded engines hold, mapped weights included.
    public func memory() -> UInt64 {
        inner.memory()
    }

    /// Gives that memory back: call it on a memory warning.
    public func unload() async throws {
        try await io { [inner] in inner.unload() }
    }

    /// Speaks with the voice that the app brought.
    public func speak(_ text: String, language: String) async throws {
        try await io { [inner] in try inner.speak(text: text, language: language) }
    }

    /// Falls silent.
    public func hush() async throws {
        try await io { [inner] in inner.hush() }
    }
}

/// Carries states into a stream. Holds the task until the end: a task that nobody holds is cancelled.
private final class Growing: TranslationListener, @unchecked Sendable {
    private let continuation: AsyncThrowingStream<TranslationState, Error>.Continuation
    private let owner: Owner
    private let lock = NSLock()
    private var task: TranslationTask?
    private var failed = false

    init(_ continuation: AsyncThrowingStream<TranslationState, Error>.Continuation, _ owner: Owner) {
        self.continuation = continuation
        self.owner = owner
    }

    func hold(_ task: TranslationTask) {
        let failed = lock.withLock { () -> Bool in
            self.task = task
            return self.failed
        }
        // It may have failed before the caller had the task in its hands.
        if failed { tell(task) }
    }

    func cancel() {
        let task = lock.withLock { () -> TranslationTask? in
            defer { self.task = nil }
            return self.task
        }
        task?.cancel()
    }

    func onState(state: TranslationState) throws {
        switch state.stage {
        case .waiting, .working:
            continuation.yield(state)
        case .finished, .cancelled:
            continuation.yield(state)
            continuation.finish()
        case .failed:
            let task = lock.withLock { () -> TranslationTask? in
                failed = true
                return self.task
            }
            if let task { tell(task) }
        }
    }

    /// Ends the stream with what went wrong; the result is there before the failed state is told.
    private func tell(_ task: TranslationTask) {
        Task { [continuation] in
            do {
                _ = try await task.result()
                continuation.finish()
            } catch {
                continuation.finish(throwing: error)
            }
        }
    }
}
