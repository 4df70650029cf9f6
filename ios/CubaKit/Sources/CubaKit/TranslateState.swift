import Cuba

/// All that the screen shows, whole each time.
public struct TranslateState: Equatable, Sendable {
    /// What was typed.
    public var text = ""
    /// The language of the text; `nil`: Cuba finds it.
    public var from: String?
    /// The language to translate to.
    public var to = "es"
    /// The last translation; while ``working`` it may still grow, or belong to what was typed before.
    public var result: Translated?
    /// A translation is on its way.
    public var working = false
    /// Why there is none.
    public var problem: Problem?
    /// What is installed.
    public var packs = Installed.loading
    /// A pack that is being added.
    public var adding: Adding?
    /// Every language there is a name for.
    public var languages: [LanguageView] = []

    public init() {}

    /// The language that is read, chosen or found.
    public var source: String? { from ?? result?.from }

    /// A language's name in itself; its code where it has none.
    public func name(_ code: String) -> String {
        languages.first { $0.code == code }?.ownName ?? code
    }
}

/// A translation as it is shown.
public struct Translated: Equatable, Sendable {
    public var text: String
    public var from: String?
    public var to: String
    /// `nil` while it grows.
    public var trust: Trust?
}

/// How far a finished translation can be trusted.
public struct Trust: Equatable, Sendable {
    public var confidence: Confidence
    /// Every sign of doubt once, most severe first.
    public var doubts: [Doubt]
    /// The sentences, in order.
    public var segments: [SegmentView]
    /// The language between, where there were two steps.
    public var via: String?
}

/// What is installed.
public enum Installed: Equatable, Sendable {
    /// Not known yet.
    case loading
    /// These directions are translated; none where the list is empty.
    case packs(directions: [Direction], bytes: UInt64, damaged: Int)

    /// The directions there are.
    public var directions: [Direction] {
        if case .packs(let directions, _, _) = self { directions } else { [] }
    }
}

/// A pack on its way into the store.
public struct Adding: Equatable, Sendable {
    public var done: UInt64 = 0
    public var total: UInt64 = 0

    /// From 0 to 1; `nil` while the size is unknown.
    public var share: Double? {
        total == 0 ? nil : min(1, Double(done) / Double(total))
    }
}

/// What went wrong, by what the user can do about it.
public enum Problem: Equatable, Sendable {
    /// No pack translates this pair: add one.
    case noPack(from: String?, to: String)
    /// Say which language it is.
    case whichLanguage([String])
    /// Read the terms and accept them, or not.
    case terms(path: String, title: String, text: String?, url: String?)
    /// A file is damaged: add the pack again.
    case damaged
    /// What was chosen is no pack.
    case notAPack
    /// Free this many bytes; `nil` where that is not known.
    case noSpace(missing: UInt64?)
    /// Close other apps.
    case noMemory
    /// Somebody else is at work: try again.
    case busy
    /// The app's folder cannot be written.
    case notWritable
    /// Update the app, or install it anew.
    case updateApp
    /// Anything else; the reason is for a report.
    case failed(String)

    /// About a pack or the app itself: it stays until somebody acts, whatever is typed.
    var standsAlone: Bool {
        switch self {
        case .terms, .notAPack, .noSpace, .notWritable, .updateApp: true
        default: false
        }
    }
}
