package cuba.screen

import androidx.compose.foundation.shape.RoundedCornerShape
import androidx.compose.material3.ColorScheme
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Shapes
import androidx.compose.material3.Surface
import androidx.compose.material3.Typography
import androidx.compose.material3.darkColorScheme
import androidx.compose.material3.lightColorScheme
import androidx.compose.runtime.Composable
import androidx.compose.runtime.CompositionLocalProvider
import androidx.compose.runtime.Immutable
import androidx.compose.runtime.staticCompositionLocalOf
import androidx.compose.ui.Modifier
import androidx.compose.ui.graphics.Color
import androidx.compose.ui.platform.LocalLayoutDirection
import androidx.compose.ui.text.TextStyle
import androidx.compose.ui.text.font.FontWeight
import androidx.compose.ui.text.style.TextDirection
import androidx.compose.ui.unit.LayoutDirection
import androidx.compose.ui.unit.dp
import androidx.compose.ui.unit.sp

/** Paper and ink with one green; warm colours only where something asks for attention. */
val LightColours: ColorScheme = lightColorScheme(
    primary = Color(0xFF0E5C53),
    onPrimary = Color.White,
    primaryContainer = Color(0xFFDDEBE6),
    onPrimaryContainer = Color(0xFF0B2F2A),
    background = Color(0xFFF6F5F0),
    onBackground = Color(0xFF1A1F1D),
    surface = Color.White,
    onSurface = Color(0xFF1A1F1D),
    surfaceVariant = Color(0xFFECEBE4),
    onSurfaceVariant = Color(0xFF515A57),
    surfaceContainerHigh = Color.White,
    outline = Color(0xFF79827F),
    outlineVariant = Color(0xFFDEDDD5),
    error = Color(0xFF8C2418),
    errorContainer = Color(0xFFFBE6E1),
    onErrorContainer = Color(0xFF5F170E),
)

/** The same at night: no pure black, no glare. */
val DarkColours: ColorScheme = darkColorScheme(
    primary = Color(0xFF86D1C3),
    onPrimary = Color(0xFF06302A),
    primaryContainer = Color(0xFF1B3531),
    onPrimaryContainer = Color(0xFFD3EDE6),
    background = Color(0xFF101413),
    onBackground = Color(0xFFE5E9E7),
    surface = Color(0xFF1A201E),
    onSurface = Color(0xFFE5E9E7),
    surfaceVariant = Color(0xFF262D2B),
    onSurfaceVariant = Color(0xFFA9B3AF),
    surfaceContainerHigh = Color(0xFF1A201E),
    outline = Color(0xFF8A9490),
    outlineVariant = Color(0xFF2E3634),
    error = Color(0xFFFFB4A6),
    errorContainer = Color(0xFF47211B),
    onErrorContainer = Color(0xFFFFDAD3),
)

/** Colours for a confidence that asks for a second look. */
@Immutable
class Caution(val container: Color, val content: Color)

/** By day. */
val LightCaution: Caution = Caution(Color(0xFFFCEFD2), Color(0xFF553A00))

/** By night. */
val DarkCaution: Caution = Caution(Color(0xFF3A2E12), Color(0xFFF6DDA3))

internal val LocalCaution = staticCompositionLocalOf { LightCaution }
internal val LocalStrings = staticCompositionLocalOf<Strings> { error("CubaTheme gives the words") }

private val Type = Typography().run {
    // Content: each text has its own direction, whatever the screen's is.
    fun TextStyle.by(size: Int, line: Int, weight: FontWeight = FontWeight.Normal) = copy(
        fontSize = size.sp,
        lineHeight = line.sp,
        fontWeight = weight,
        letterSpacing = 0.sp,
        textDirection = TextDirection.Content,
    )
    copy(
        headlineSmall = headlineSmall.by(24, 32, FontWeight.SemiBold),
        titleLarge = titleLarge.by(20, 29),
        titleMedium = titleMedium.by(16, 23, FontWeight.SemiBold),
        bodyLarge = bodyLarge.by(16, 24),
        bodyMedium = bodyMedium.by(14, 21),
        labelLarge = labelLarge.by(14, 20, FontWeight.SemiBold),
        labelMedium = labelMedium.by(13, 18, FontWeight.Medium),
    )
}

private val Corners = Shapes(
    small = RoundedCornerShape(12.dp),
    medium = RoundedCornerShape(18.dp),
    large = RoundedCornerShape(22.dp),
    extraLarge = RoundedCornerShape(28.dp),
)

/** Cuba's colours, type, words and direction. */
@Composable
fun CubaTheme(dark: Boolean, strings: Strings, content: @Composable () -> Unit) {
    MaterialTheme(if (dark) DarkColours else LightColours, shapes = Corners, typography = Type) {
        CompositionLocalProvider(
            LocalCaution provides if (dark) DarkCaution else LightCaution,
            LocalStrings provides strings,
            LocalLayoutDirection provides if (strings.rightToLeft) LayoutDirection.Rtl else LayoutDirection.Ltr,
        ) {
            Surface(Modifier, color = MaterialTheme.colorScheme.background, content = content)
        }
    }
}
