import CubaFFI

/// What a screen offers when something could not be done.
public enum Advice: Sendable {
    /// Nothing to show.
    case nothing
    /// Offer a pack for the pair.
    case getPack
    /// Ask which language it is.
    case askLanguage
    /// Show the terms.
    case showTerms
    /// Get the pack again, or restore a backup.
    case replace
    /// Free space on the disk.
    case freeSpace
    /// Close other apps, or take a smaller pack.
    case freeMemory
    /// Unlock the device, wait, or look at the network, and try again.
    case tryAgain
    /// Ask for the passphrase or recovery key again.
    case askSecret
    /// Choose another place.
    case choosePlace
    /// Update the app.
    case updateApp
    /// Tell what is wrong with what was given.
    case correct
    /// Show that it failed.
    case report
}

extension CubaError {
    /// What to offer. The compiler holds this to every error there is.
    public var advice: Advice {
        switch self {
        case .Cancelled: .nothing
        case .NoPackFor: .getPack
        case .LanguageUnclear: .askLanguage
        case .TermsNotAccepted: .showTerms
        case .Damaged: .replace
        case .NoSpace: .freeSpace
        case .NoMemory: .freeMemory
        case .Network, .Locked, .Busy: .tryAgain
        case .KeyWrong: .askSecret
        case .NotWritable: .choosePlace
        case .TooNew: .updateApp
        case .BadInput: .correct
        case .Closed, .Other: .report
        }
    }
}
