// Translates a sentence: TranslateExample HOME MODEL_FOLDER. Everything stays on this device.
import Cuba

let (home, model) = (CommandLine.arguments[1], CommandLine.arguments[2])
let cuba = try await CubaClient.open(Config(home: home))
if try await cuba.packs.list().packs.isEmpty {
    _ = try await cuba.packs.add(AddPackRequest(path: model, direction: Direction(from: "en", to: "es")))
}
for try await state in cuba.translate.stream(TranslateRequest(text: "Good morning. Where is the hospital?", to: "es")) {
    print("\(state.done)/\(state.total) \(state.text)")
}
let done = try await cuba.translate.text(TranslateRequest(text: "Good morning.", to: "es"))
print("\(done.text) (\(done.confidence) confidence, \(done.engine))")
do {
    _ = try await cuba.translate.text(TranslateRequest(text: "Good morning.", to: "fr", from: "en"))
} catch let error as CubaError {
    print("what a screen would offer: \(error.advice)")
}
