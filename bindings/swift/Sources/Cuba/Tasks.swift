import CubaFFI
import Foundation

/// Told how far some work is: the present state first, then at most ten times a second, on a thread of its own.
public typealias OnProgress = @Sendable (ProgressState) -> Void

final class Listener: ProgressListener, @unchecked Sendable {
    private let call: OnProgress

    init(_ call: @escaping OnProgress) {
        self.call = call
    }

    func onState(state: ProgressState) throws {
        call(state)
    }
}

func listener(_ onProgress: OnProgress?) -> Listener? {
    onProgress.map(Listener.init)
}

private let queue = DispatchQueue(label: "cuba.io", attributes: .concurrent)

/// Runs a short call that may touch the disk away from the caller's thread.
func io<T>(_ call: @escaping () throws -> T) async throws -> T {
    try await withCheckedThrowingContinuation { continuation in
        queue.async { continuation.resume(with: Result(catching: call)) }
    }
}

/// What every task of the library can do.
protocol LibraryTask: AnyObject {
    associatedtype View
    func cancel()
    func result() async throws -> View
}

extension TranslationTask: LibraryTask {}
extension BatchTask: LibraryTask {}
extension PackTask: LibraryTask {}
extension VerifyTask: LibraryTask {}
extension ExportTask: LibraryTask {}
extension ImportTask: LibraryTask {}
extension FileTask: LibraryTask {}

/// Carries a task into a cancellation handler; the library's objects may be used from any thread.
private struct Handle<T>: @unchecked Sendable {
    let task: T
}

/// Awaits a task. Cancelling the Swift task cancels the work: the library's own future would run on.
func awaited<T: LibraryTask>(_ task: T) async throws -> T.View {
    let handle = Handle(task: task)
    return try await withTaskCancellationHandler {
        let view = try await handle.task.result()
        try Task.checkCancellation()
        return view
    } onCancel: {
        handle.task.cancel()
    }
}
