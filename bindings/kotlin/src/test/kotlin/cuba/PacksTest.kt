package cuba

import cuba.ffi.AddPackRequest
import cuba.ffi.CubaException
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test
import java.io.File

class PacksTest : Scenario() {
    @Test
    fun aPackIsAddedVerifiedAndHandedOn() = scenario {
        val cuba = withModel()
        val pack = cuba.packs.list().packs.single()
        assertEquals("en-es" to true, pack.id to pack.inUse)
        assertTrue(cuba.packs.verify("en-es").faults.isEmpty())
        val gift = cuba.packs.export("en-es", path("gift.cubapack"))
        val friend = open("friend")
        assertEquals("en-es", friend.packs.add(AddPackRequest(gift)).id)
        assertTrue(friend.translate.text(english("Good morning.")).complete)
        assertTrue(cuba.packs.remove("en-es") > 0u)
        assertTrue(cuba.translate.directions().isEmpty())
    }

    @Test
    fun aCorruptPackIsNamedAndNotUsed() = scenario {
        val cuba = withModel()
        val largest = File(path("home/blobs")).walk().filter(File::isFile).maxBy(File::length)
        largest.setWritable(true)
        val content = largest.readBytes()
        content[content.size / 2] = (content[content.size / 2].toInt() xor 1).toByte()
        largest.writeBytes(content)
        val faults = cuba.packs.verify("en-es").faults
        assertTrue("$faults", faults.single().contains("vocab.enes"))
        val refused = assertThrows<CubaException.Damaged> { cuba.translate.text(english("Good morning.")) }
        assertEquals(Advice.REPLACE, refused.advice)
    }

    @Test
    fun whatIsNoPackIsRefused() = scenario {
        val packs = open().packs
        File(path("broken.cubapack")).writeText("PK\u0003\u0004 not much of a zip")
        assertThrows<CubaException.Damaged> { packs.add(AddPackRequest(path("broken.cubapack"))) }
        assertThrows<CubaException.BadInput> { packs.verify("klingon") }
        assertTrue(packs.offers().any { it.terms.mustAccept })
    }
}
