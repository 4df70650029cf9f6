package cuba

import cuba.ffi.AddPackRequest
import cuba.ffi.Config
import cuba.ffi.CubaException
import cuba.ffi.Direction
import cuba.ffi.TranslateRequest

/** Translates a sentence. Everything stays on this device. */
suspend fun translateExample(home: String, model: String) = Cuba.open(Config(home)).use { cuba ->
    if (cuba.packs.list().packs.isEmpty()) {
        cuba.packs.add(AddPackRequest(model, Direction("en", "es")))
    }
    cuba.translate.stream(TranslateRequest("Good morning. Where is the hospital?", to = "es")).collect {
        println("${it.done}/${it.total} ${it.text}")
    }
    val done = cuba.translate.text(TranslateRequest("Good morning.", to = "es"))
    println("${done.text} (${done.confidence} confidence, ${done.engine})")
    try {
        cuba.translate.text(TranslateRequest("Good morning.", to = "fr", from = "en"))
    } catch (e: CubaException) {
        println("what a screen would offer: ${e.advice}")
    }
}
