#if canImport(SwiftUI)
import Cuba
import SwiftUI

/// Translate as you type. The system's own text sizes, colours and direction, so that it grows, darkens and turns round by itself.
public struct TranslateView: View {
    @ObservedObject private var model: TranslateModel
    @State private var copied = false
    private let onCopy: (String) -> Void
    private let onAddPack: () -> Void

    /// - Parameters:
    ///   - onCopy: puts a text on the pasteboard
    ///   - onAddPack: asks for a pack file; the app hands its path to ``TranslateModel/addPack(_:acceptTerms:)``
    public init(model: TranslateModel, onCopy: @escaping (String) -> Void, onAddPack: @escaping () -> Void) {
        self.model = model
        self.onCopy = onCopy
        self.onAddPack = onAddPack
    }

    public var body: some View {
        ScrollView {
            VStack(alignment: .leading, spacing: 12) {
                Text("Translate").font(.title2.bold()).accessibilityAddTraits(.isHeader)
                Label("Stays on this device", systemImage: "lock").font(.subheadline).foregroundColor(.secondary)
                languages
                input
                if let problem = model.state.problem { ProblemView(problem: problem, model: model, onAddPack: onAddPack) }
                if let result = model.state.result { answer(result) } else if model.state.working { ProgressView() }
                packs
            }
            .padding(16)
            .frame(maxWidth: 720)
        }
    }

    private var languages: some View {
        ViewThatFitsOrStack {
            LanguageMenu(title: "Translate from", chosen: model.state.from, found: model.state.result?.from, state: model.state, choose: model.chooseFrom)
            Button(action: model.swap) { Image(systemName: "arrow.left.arrow.right").frame(minWidth: 44, minHeight: 44) }
                .accessibilityLabel("Swap languages")
            LanguageMenu(title: "Translate to", chosen: model.state.to, found: nil, state: model.state) { code in
                if let code { model.chooseTo(code) }
            }
        }
    }

    private var input: some View {
        HStack(alignment: .top) {
            TextEditor(text: Binding(get: { model.state.text }, set: model.type))
                .font(.title3)
                .frame(minHeight: 120)
                .accessibilityLabel("Text to translate")
            if !model.state.text.isEmpty {
                Button { model.type("") } label: { Image(systemName: "xmark").frame(minWidth: 44, minHeight: 44) }
                    .accessibilityLabel("Clear text")
            }
        }
        .padding(8)
        .overlay(RoundedRectangle(cornerRadius: 18).stroke(.quaternary))
    }

    private func answer(_ result: Translated) -> some View {
        VStack(alignment: .leading, spacing: 12) {
            Text(result.text)
                .font(.title3)
                .textSelection(.enabled)
                .opacity(model.state.working && result.trust != nil ? 0.6 : 1)
                .accessibilityAddTraits(.updatesFrequently)
            if let trust = result.trust {
                TrustView(trust: trust)
                Button {
                    onCopy(result.text)
                    copied = true
                } label: {
                    Label(copied ? "Copied" : "Copy", systemImage: copied ? "checkmark" : "doc.on.doc").frame(minHeight: 44)
                }
                .onChange(of: result.text) { _ in copied = false }
            }
        }
        .frame(maxWidth: .infinity, alignment: .leading)
        .padding(18)
        .background(RoundedRectangle(cornerRadius: 18).fill(Color.accentColor.opacity(0.12)))
    }

    @ViewBuilder private var packs: some View {
        if let adding = model.state.adding {
            ProgressView(value: adding.share) { Text("Adding the pack") }
            Button("Cancel", action: model.cancelAdding).frame(minHeight: 44)
        } else if model.state.packs.directions.isEmpty, model.state.packs != .loading {
            Text("No language packs yet").font(.headline)
            Text(howToGetAPack).foregroundColor(.secondary)
            Button("Add a pack", action: onAddPack).buttonStyle(.borderedProminent).frame(minHeight: 44)
        } else {
            Button(action: onAddPack) { Label("Add a pack", systemImage: "plus").frame(minHeight: 44) }
        }
    }
}

let howToGetAPack: LocalizedStringKey = """
    Cuba translates with packs that live on this device, so that nothing you write leaves it. Get a pack file (.cubapack) from \
    somebody who has Cuba, or from a computer, and choose it here.
    """

/// Side by side, or upright where the text is large.
private struct ViewThatFitsOrStack<Content: View>: View {
    @Environment(\.dynamicTypeSize) private var size
    @ViewBuilder let content: () -> Content

    var body: some View {
        if size.isAccessibilitySize { VStack(alignment: .leading, content: content) } else { HStack(content: content) }
    }
}

private struct LanguageMenu: View {
    let title: LocalizedStringKey
    let chosen: String?
    let found: String?
    let state: TranslateState
    let choose: (String?) -> Void

    var body: some View {
        Menu {
            if title == "Translate from" { Button("Find language") { choose(nil) } }
            ForEach(installedFirst, id: \.code) { language in Button(language.ownName) { choose(language.code) } }
        } label: {
            VStack(alignment: .leading) {
                if let code = chosen ?? found { Text(verbatim: state.name(code)).bold() } else { Text("Find language").bold() }
                if chosen == nil, found != nil { Text("found").font(.caption) }
            }
            .frame(maxWidth: .infinity, minHeight: 44, alignment: .leading)
        }
        .accessibilityLabel(title)
    }

    private var installedFirst: [LanguageView] {
        let here = Set(state.packs.directions.flatMap { [$0.from, $0.to] })
        return state.languages.filter { here.contains($0.code) } + state.languages.filter { !here.contains($0.code) }
    }
}

private struct TrustView: View {
    let trust: Trust

    var body: some View {
        let (sign, words, more): (String, LocalizedStringKey, LocalizedStringKey) = switch trust.confidence {
        case .high: ("checkmark", "Looks right", "Cuba found no sign of a mistake. It can still be wrong: for medicine, law or money, ask a person.")
        case .medium: ("tilde", "Probably right", "Cuba found a small sign of doubt. The meaning is most likely there; the wording may not be.")
        case .low: ("exclamationmark.triangle", "Check before you use it", "Cuba found signs that this may be wrong. Try shorter, simpler sentences, or ask somebody who knows the language.")
        }
        DisclosureGroup { Text(more).font(.subheadline) } label: { Label(words, systemImage: sign).frame(minHeight: 44) }
    }
}

private struct ProblemView: View {
    let problem: Problem
    let model: TranslateModel
    let onAddPack: () -> Void

    var body: some View {
        VStack(alignment: .leading, spacing: 10) {
            switch problem {
            case .noPack(_, let to):
                message("There is no pack for \(model.state.name(to)) yet", howToGetAPack)
                Button("Add a pack", action: onAddPack)
            case .whichLanguage(let candidates):
                message("Which language is this?", "")
                ForEach(candidates.prefix(4), id: \.self) { code in
                    Button(model.state.name(code)) { model.chooseFrom(code) }.frame(minHeight: 44)
                }
            case .terms(let path, let title, let text, let url):
                message("Terms: \(title)", "\(text ?? "") \(url ?? "")")
                Button("Accept and add") {
                    model.dismiss()
                    model.addPack(path, acceptTerms: true)
                }
                Button("Do not add", action: model.dismiss)
            case .damaged:
                message("A language pack is damaged", "Nothing you wrote is affected. Add the pack again to repair it.")
                Button("Add a pack", action: onAddPack)
            case .notAPack:
                message("This file cannot be used", "It is not a Cuba pack, or it did not arrive whole. Nothing was changed. Get the file again and choose it once more.")
                Button("All right", action: model.dismiss)
            case .noSpace:
                message("The device is full", "Free some space, then add the pack again. Nothing was changed.")
                Button("All right", action: model.dismiss)
            case .noMemory:
                message("Not enough memory just now", "Close other apps and try again, or use a smaller pack.")
                Button("Try again", action: model.retry)
            case .busy:
                message("Something else is using this", "Wait a moment and try again.")
                Button("Try again", action: model.retry)
            case .notWritable:
                message("Cuba cannot write to its folder", "Look whether the storage is full or locked.")
                Button("Try again", action: model.retry)
            case .updateApp:
                message("Cuba needs an update", "A newer Cuba wrote this data. Install the newest version; your data stays.")
            case .failed(let reason):
                message("That did not work", "Try again. If it happens again, tell the makers: \(reason)")
                Button("Try again", action: model.retry)
            }
        }
        .frame(maxWidth: .infinity, alignment: .leading)
        .padding(18)
        .overlay(RoundedRectangle(cornerRadius: 18).stroke(.quaternary))
    }

    @ViewBuilder private func message(_ title: LocalizedStringKey, _ help: LocalizedStringKey) -> some View {
        Text(title).font(.headline).accessibilityAddTraits(.isHeader)
        Text(help).foregroundColor(.secondary)
    }
}
#endif
