package cuba

import cuba.ffi.ProgressListener
import cuba.ffi.ProgressState
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext

/** Told how far some work is: the present state first, then at most ten times a second, on a thread of its own. */
typealias OnProgress = (ProgressState) -> Unit

internal fun OnProgress.asListener(): ProgressListener = object : ProgressListener {
    override fun onState(state: ProgressState) = this@asListener(state)
}

/** Runs a short call that may touch the disk away from the caller's thread. */
internal suspend fun <T> io(call: () -> T): T = withContext(Dispatchers.IO) { call() }

/** Awaits a task. Cancelling the coroutine closes the handle, and that cancels the work. */
internal suspend fun <H : AutoCloseable, T> awaited(start: () -> H, result: suspend (H) -> T): T =
    io(start).use { result(it) }
