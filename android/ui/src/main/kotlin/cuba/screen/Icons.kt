package cuba.screen

import androidx.compose.ui.graphics.Color
import androidx.compose.ui.graphics.SolidColor
import androidx.compose.ui.graphics.StrokeCap
import androidx.compose.ui.graphics.StrokeJoin
import androidx.compose.ui.graphics.vector.ImageVector
import androidx.compose.ui.graphics.vector.PathParser
import androidx.compose.ui.unit.dp

/** The few signs of the screen: lines of one weight on a 24 by 24 grid. */
internal object Icons {
    val Swap = icon("M4 8h15m0 0-3.5-3.5M19 8l-3.5 3.5M20 16H5m0 0 3.5-3.5M5 16l3.5 3.5")
    val SwapVertical = icon("M8 4v15m0 0-3.5-3.5M8 19l3.5-3.5M16 20V5m0 0-3.5 3.5M16 5l3.5 3.5")
    val Down = icon("M6.5 9.5 12 15l5.5-5.5")
    val Close = icon("M6.5 6.5l11 11m0-11-11 11")
    val Copy = icon("M9 9h9.5v10.5H9zM15 9V4.5H5.5V15H9")
    val Check = icon("M5 12.5l4.5 4.5L19 7.5")
    val Lock = icon("M6.5 11h11v8.5h-11zM8.5 11V8a3.5 3.5 0 0 1 7 0v3")
    val Doubt = icon("M12 4.5 20.5 19h-17zM12 10v4m0 2.4v.2")
    val Wave = icon("M4 13.5c2.7-4 5.3-4 8 0s5.3 4 8-0")
    val Plus = icon("M12 5.5v13M5.5 12h13")
}

private fun icon(path: String): ImageVector =
    ImageVector.Builder(defaultWidth = 24.dp, defaultHeight = 24.dp, viewportWidth = 24f, viewportHeight = 24f)
        .addPath(
            PathParser().parsePathString(path).toNodes(),
            // Icon() puts the content's colour over it.
            stroke = SolidColor(Color.Black),
            strokeLineWidth = 1.8f,
            strokeLineCap = StrokeCap.Round,
            strokeLineJoin = StrokeJoin.Round,
        )
        .build()
