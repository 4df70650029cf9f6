import Cuba
import Foundation

#if canImport(Combine)
import Combine

extension TranslateModel: ObservableObject {}
#endif

/// Translate as you type, without a screen: the same as Android's `TranslateModel`, with the same tests.
///
/// A change of the text waits ``pause`` for the next one and gives up the translation before; a change of language does not wait.
@MainActor
public final class TranslateModel {
    /// Milliseconds: long enough that typing on does not translate half words, short enough to feel at once.
    public static let pause: UInt64 = 300

    /// What to show.
    public private(set) var state = TranslateState() {
        willSet {
            #if canImport(Combine)
            objectWillChange.send()
            #endif
        }
        didSet { listeners.values.forEach { $0.yield(state) } }
    }

    private let open: @Sendable () async throws -> any TranslateCore
    private let starter: [String]
    private let likely: [String]
    private let sleep: @Sendable (UInt64) async throws -> Void
    private var core: (any TranslateCore)?
    private var translating: Task<Void, Never>?
    private var adding: Task<Void, Never>?
    /// Counts translations: what an earlier one still says is not shown.
    private var turn = 0
    private var listeners: [UUID: AsyncStream<TranslateState>.Continuation] = [:]

    /// - Parameters:
    ///   - starter: packs (folders or files) to install where there is none at all
    ///   - likely: the user's own languages, best first: the first one decides what to translate to at the start
    ///   - sleep: waits milliseconds; a test brings its own
    ///   - open: opens the core; called again by ``retry()`` where it failed
    public init(
        starter: [String] = [],
        likely: [String] = [],
        sleep: @escaping @Sendable (UInt64) async throws -> Void = { try await Task.sleep(nanoseconds: $0 * 1_000_000) },
        open: @escaping @Sendable () async throws -> any TranslateCore
    ) {
        self.starter = starter
        self.likely = likely
        self.sleep = sleep
        self.open = open
        Task { await start() }
    }

    /// The present state, then every change.
    public var states: AsyncStream<TranslateState> {
        AsyncStream { continuation in
            let id = UUID()
            listeners[id] = continuation
            continuation.yield(state)
            continuation.onTermination = { _ in Task { @MainActor [weak self] in self?.listeners[id] = nil } }
        }
    }

    private func start() async {
        do {
            let core = try await opened()
            state.languages = try await core.languages()
            if try await core.packs().packs.isEmpty {
                for path in starter { try await install(core, AddPackRequest(path: path)) }
            }
            try await look(core)
            chooseDirection()
            translate(after: 0)
        } catch {
            if state.packs == .loading { state.packs = Self.nothing }
            fail(problem(error))
        }
    }

    private func opened() async throws -> any TranslateCore {
        if let core { return core }
        let opened = try await open()
        core = opened
        return opened
    }

    /// The text as it is now.
    public func type(_ text: String) {
        guard text != state.text else { return }
        state.text = text
        translate(after: Self.pause)
    }

    /// The language of the text; `nil`: find it. Where it was the other side's, that side takes this one's.
    public func chooseFrom(_ code: String?) {
        if let code, code == state.to {
            let source = state.source
            state.to = source == nil || source == code ? other(than: code) : source!
        }
        state.from = code
        translate(after: 0)
    }

    /// The language to translate to; as with ``chooseFrom(_:)`` the sides change places where it was the other's.
    public func chooseTo(_ code: String) {
        if code == state.from { state.from = state.to }
        state.to = code
        translate(after: 0)
    }

    /// Turns the direction round; what was translated becomes the text.
    public func swap() {
        let source = state.source ?? other(than: state.to)
        if let result = state.result, result.trust != nil, !state.working { state.text = result.text }
        state.from = state.to
        state.to = source
        state.result = nil
        translate(after: 0)
    }

    /// Adds a pack from a file or folder.
    public func addPack(_ path: String, acceptTerms: Bool = false) {
        guard adding == nil else { return }
        adding = Task {
            defer { adding = nil }
            do {
                let core = try await opened()
                try await install(core, AddPackRequest(path: path, acceptTerms: acceptTerms))
                try await look(core)
                state.problem = nil
                translate(after: 0)
            } catch {
                fail(problem(error, path: path))
            }
        }
    }

    /// Ends adding a pack. Nothing of it stays behind.
    public func cancelAdding() {
        adding?.cancel()
    }

    /// Puts a problem away that is not about the text: terms not accepted, a file that was no pack.
    public func dismiss() {
        state.problem = nil
        translate(after: 0)
    }

    /// Tries again what failed.
    public func retry() {
        state.problem = nil
        if core == nil || state.packs == Self.nothing { Task { await start() } } else { translate(after: 0) }
    }

    private func install(_ core: any TranslateCore, _ request: AddPackRequest) async throws {
        state.adding = Adding()
        defer { state.adding = nil }
        _ = try await core.add(request) { progress in
            Task { @MainActor [weak self] in
                // Only while it is added: the listener runs on a thread of its own and may come late.
                if self?.state.adding != nil { self?.state.adding = Adding(done: progress.done, total: progress.total) }
            }
        }
    }

    private func look(_ core: any TranslateCore) async throws {
        let packs = try await core.packs()
        let used = packs.packs.filter { $0.inUse && !$0.directions.isEmpty }
        let directions = try await core.directions()
        state.packs = .packs(directions: directions, bytes: used.reduce(0) { $0 + $1.bytes }, damaged: packs.damaged.count)
    }

    /// At the start: from the user's own language to the first that a pack offers; where it offers none, to what there is.
    private func chooseDirection() {
        let directions = state.packs.directions
        let own = likely.lazy.compactMap { code in directions.first { $0.from == code } }.first
        let any = directions.first { $0.to == self.state.to } ?? directions.first
        if let to = (own ?? any)?.to { state.to = to }
    }

    private func other(than code: String) -> String {
        state.packs.directions.first { $0.from == code }?.to ?? likely.first { $0 != code } ?? (code == "en" ? "es" : "en")
    }

    private func translate(after wait: UInt64) {
        translating?.cancel()
        turn += 1
        if state.text.allSatisfy(\.isWhitespace) {
            state.working = false
            state.result = nil
            if state.problem?.standsAlone != true { state.problem = nil }
            return
        }
        guard let core, state.problem?.standsAlone != true else { return }
        state.working = true
        translating = Task { [turn] in
            do {
                if wait > 0 { try await sleep(wait) }
                let done = try await core.translate(request()) { told in
                    Task { @MainActor [weak self] in self?.grow(told, turn) }
                }
                if turn == self.turn { show(done) }
            } catch {
                if turn == self.turn { fail(problem(error)) }
            }
        }
    }

    private func request() -> TranslateRequest {
        let found = state.result?.from.map { [$0] } ?? []
        return TranslateRequest(text: state.text, to: state.to, from: state.from, likely: likely + found.filter { !likely.contains($0) })
    }

    /// Shows a long text while it grows. A short one stays as it was until the new one is whole: less flicker.
    private func grow(_ told: TranslationState, _ turn: Int) {
        guard turn == self.turn, state.working, told.total > 1, !told.text.isEmpty else { return }
        state.result = Translated(text: told.text, from: told.from, to: state.to)
        state.problem = nil
    }

    private func show(_ done: TranslationView) {
        let trust = Trust(confidence: done.confidence, doubts: done.doubts, segments: done.segments, via: done.via)
        var next = state
        next.result = Translated(text: done.text, from: done.from, to: done.to, trust: trust)
        next.working = false
        next.problem = nil
        state = next
    }

    /// A problem with a pack leaves the translation alone.
    private func fail(_ problem: Problem?) {
        guard let problem else { return }
        var next = state
        next.problem = problem
        next.working = false
        if !problem.standsAlone { next.result = nil }
        state = next
    }

    private func problem(_ error: any Error, path: String? = nil) -> Problem? {
        guard let error = error as? CubaError else { return error is CancellationError ? nil : .failed("\(error)") }
        switch error {
        case .Cancelled: return nil
        case .NoPackFor(let from, let to, _): return .noPack(from: from, to: to)
        case .LanguageUnclear(let candidates, _):
            // Whichever it is: where no pack writes the target, the answer would not help.
            let writes = state.packs == .loading || state.packs.directions.contains { $0.to == state.to }
            return writes ? .whichLanguage(candidates) : .noPack(from: nil, to: state.to)
        case .TermsNotAccepted(let title, let url, let text, _): return .terms(path: path ?? "", title: title, text: text, url: url)
        // A chosen file that cannot be read as a pack and a damaged pack are the same to the core, not to the user.
        case .Damaged: return path == nil ? .damaged : .notAPack
        case .NoSpace(let needed, let free, _): return .noSpace(missing: needed > free ? needed - free : nil)
        case .NoMemory: return .noMemory
        case .Network, .Locked, .Busy: return .busy
        case .NotWritable: return .notWritable
        case .TooNew: return .updateApp
        case .BadInput(let reason): return path == nil ? .failed(reason) : .notAPack
        case .KeyWrong(let reason), .Other(let reason): return .failed(reason)
        case .Closed: return .failed("closed")
        }
    }

    private static let nothing = Installed.packs(directions: [], bytes: 0, damaged: 0)
}
