package cuba

import cuba.ffi.AddPackRequest
import cuba.ffi.PackView
import cuba.ffi.Packs
import cuba.ffi.PacksView
import cuba.ffi.VerifyView

/** Model packs. */
val Cuba.packs: PackStore
    get() = part(PackStore::class.java) { PackStore(it.packs()) }

/** Model packs: what is installed, adding, checking, handing on. From [Cuba.packs]. */
class PackStore internal constructor(private val inner: Packs) : AutoCloseable {
    /** [Cuba.close] does this. */
    override fun close() = inner.close()

    /** What is installed. Reads no model. */
    suspend fun list(): PacksView = io { inner.list() }

    /** What the built-in catalogue knows; opens no connection. */
    suspend fun offers(): List<PackView> = io { inner.offers() }

    /** Installs a pack from a file or folder, whole or not at all. */
    suspend fun add(request: AddPackRequest, onProgress: OnProgress? = null): PackView =
        awaited({ inner.add(request, onProgress?.asListener()) }) { it.result() }

    /** Reads every byte of a pack (`id` or `id@version`). */
    suspend fun verify(pack: String, onProgress: OnProgress? = null): VerifyView =
        awaited({ inner.verify(pack, onProgress?.asListener()) }) { it.result() }

    /** Writes a pack to one file that another phone can add; gives its path. */
    suspend fun export(pack: String, file: String, onProgress: OnProgress? = null): String =
        awaited({ inner.export(pack, file, onProgress?.asListener()) }) { it.result() }

    /** Removes a pack and gives the bytes freed. */
    suspend fun remove(pack: String): ULong = io { inner.remove(pack) }
}
