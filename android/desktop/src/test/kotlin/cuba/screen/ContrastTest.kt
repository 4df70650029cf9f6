package cuba.screen

import androidx.compose.material3.ColorScheme
import androidx.compose.ui.graphics.Color
import androidx.compose.ui.graphics.luminance
import org.junit.Assert.assertTrue
import org.junit.Test
import kotlin.math.max
import kotlin.math.min

/** WCAG 2.2, 1.4.3 and 1.4.11: text 4.5 to 1, signs and frames of what can be touched 3 to 1. */
class ContrastTest {
    private fun contrast(a: Color, b: Color): Float =
        (max(a.luminance(), b.luminance()) + 0.05f) / (min(a.luminance(), b.luminance()) + 0.05f)

    private fun ColorScheme.pairs(caution: Caution) = listOf(
        "background" to (onBackground to background),
        "muted on background" to (onSurfaceVariant to background),
        "surface" to (onSurface to surface),
        "muted on surface" to (onSurfaceVariant to surface),
        "muted on search" to (onSurfaceVariant to surfaceVariant),
        "result" to (onPrimaryContainer to primaryContainer),
        "button" to (onPrimary to primary),
        "quiet button" to (primary to surface),
        "quiet button on background" to (primary to background),
        "quiet button on result" to (primary to primaryContainer),
        "caution" to (caution.content to caution.container),
        "error" to (onErrorContainer to errorContainer),
    )

    @Test
    fun everyTextCanBeRead() {
        for ((name, scheme) in mapOf("light" to LightColours.pairs(LightCaution), "dark" to DarkColours.pairs(DarkCaution))) {
            for ((pair, colours) in scheme) {
                val ratio = contrast(colours.first, colours.second)
                assertTrue("$name $pair: $ratio", ratio >= 4.5f)
            }
        }
    }
}
