import CubaFFI
import Foundation

/// Translation with whatever packs are installed. From ``CubaClient/translate``.
public final class Translation: @unchecked Sendable {
    private let inner: CubaFFI.Translate

    init(_ inner: CubaFFI.Translate) {
        self.inner = inner
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

    /// Translates a text. Cancelling the Swift task ends the work between two words.
    public func text(_ request: TranslateRequest) async throws -> TranslationView {
        try await awaited(inner.translate(request: request, listener: nil))
    }

    /// Translates a text and shows it growing: the first state at once, whole sentences after, at most ten states a second, the
    /// last with an end stage. A slow reader skips states. Leaving the loop cancels the work; what goes wrong is thrown.
    public func stream(_ request: TranslateRequest) -> AsyncThrowingStream<TranslationState, Error> {
        AsyncThrowingStream(bufferingPolicy: .bufferingNewest(1)) { [inner] continuation in
            let growing = Growing(continuation)
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
}

/// Carries states into a stream. Holds the task until the end: a task that nobody holds is cancelled.
private final class Growing: TranslationListener, @unchecked Sendable {
    private let continuation: AsyncThrowingStream<TranslationState, Error>.Continuation
    private let lock = NSLock()
    private var task: TranslationTask?
    private var ended = false

    init(_ continuation: AsyncThrowingStream<TranslationState, Error>.Continuation) {
        self.continuation = continuation
    }

    func hold(_ task: TranslationTask) {
        lock.withLock { self.task = task }
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
            // The result is there before this state is told.
            let task = lock.withLock { self.task }
            Task { [continuation] in
                do {
                    _ = try await task?.result()
                    continuation.finish()
                } catch {
                    continuation.finish(throwing: error)
                }
            }
        }
    }
}
