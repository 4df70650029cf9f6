//! Shapes on a page: what charts are made of before they become SVG or PDF.
//!
//! Charts are laid out once, in points with the origin at the top left; [`Drawing::svg`] and the PDF writer only copy
//! the shapes. So both show the same picture, and a test of one is a test of the layout of both.

use std::fmt::Write as _;

use crate::font;

/// Colours by their role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Ink {
    Text,
    Faint,
    Grid,
    Paper,
    Accent,
    Soft,
    Band,
    Warm,
    Awake,
    Rem,
    Light,
    Deep,
}

impl Ink {
    /// Red, green, blue.
    pub fn rgb(self) -> [u8; 3] {
        match self {
            Self::Text => [0x1b, 0x2a, 0x33],
            Self::Faint => [0x5b, 0x6b, 0x75],
            Self::Grid => [0xdd, 0xe3, 0xe6],
            Self::Paper => [0xff, 0xff, 0xff],
            Self::Accent | Self::Rem => [0x0b, 0x72, 0x85],
            Self::Soft | Self::Light => [0x8c, 0xc8, 0xd3],
            Self::Band => [0xe6, 0xf2, 0xf4],
            Self::Warm => [0xc9, 0x5d, 0x12],
            Self::Awake => [0xf0, 0xb4, 0x6c],
            Self::Deep => [0x1d, 0x3f, 0x72],
        }
    }

    fn hex(self) -> String {
        let [r, g, b] = self.rgb();
        format!("#{r:02x}{g:02x}{b:02x}")
    }
}

/// Where a text stands with respect to its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Anchor {
    Start,
    Middle,
    End,
}

/// One shape. Lengths are points.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "the fields are what their names say")]
pub enum Shape {
    Line { points: Vec<(f64, f64)>, ink: Ink, width: f64 },
    Area { points: Vec<(f64, f64)>, ink: Ink },
    Rect { x: f64, y: f64, width: f64, height: f64, ink: Ink },
    Dot { x: f64, y: f64, radius: f64, ink: Ink },
    Text { x: f64, y: f64, size: f64, anchor: Anchor, bold: bool, ink: Ink, text: String },
}

/// A picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawing {
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
    /// What the picture shows, for those who cannot see it.
    pub title: String,
    /// In order of painting.
    pub shapes: Vec<Shape>,
}

impl Drawing {
    /// An empty picture.
    pub fn new(width: f64, height: f64, title: impl Into<String>) -> Self {
        Self { width, height, title: title.into(), shapes: Vec::new() }
    }

    pub(crate) fn line(&mut self, points: Vec<(f64, f64)>, ink: Ink, width: f64) {
        if points.len() > 1 {
            self.shapes.push(Shape::Line { points, ink, width });
        }
    }

    pub(crate) fn rect(&mut self, x: f64, y: f64, width: f64, height: f64, ink: Ink) {
        self.shapes.push(Shape::Rect { x, y, width, height, ink });
    }

    pub(crate) fn dot(&mut self, x: f64, y: f64, radius: f64, ink: Ink) {
        self.shapes.push(Shape::Dot { x, y, radius, ink });
    }

    pub(crate) fn text(
        &mut self,
        at: (f64, f64),
        size: f64,
        anchor: Anchor,
        ink: Ink,
        text: impl Into<String>,
    ) {
        self.shapes.push(Shape::Text { x: at.0, y: at.1, size, anchor, bold: false, ink, text: text.into() });
    }

    pub(crate) fn bold(&mut self, at: (f64, f64), size: f64, text: impl Into<String>) {
        let (anchor, ink) = (Anchor::Start, Ink::Text);
        self.shapes.push(Shape::Text { x: at.0, y: at.1, size, anchor, bold: true, ink, text: text.into() });
    }

    /// A whole SVG document: no script, no style sheet, no reference to anything outside.
    ///
    /// ```
    /// use cuba_report::drawing::Drawing;
    /// assert!(Drawing::new(10.0, 10.0, "a < b").svg().contains("<title>a &lt; b</title>"));
    /// ```
    pub fn svg(&self) -> String {
        let mut out = String::new();
        let (w, h, title) = (short(self.width), short(self.height), escape(&self.title));
        // Writing to a String cannot fail.
        let _ = write!(
            out,
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {w} {h}" width="{w}" height="{h}" role="img" font-family="Helvetica, Arial, sans-serif"><title>{title}</title>"#
        );
        for shape in &self.shapes {
            out.push('\n');
            svg_shape(&mut out, shape);
        }
        out.push_str("\n</svg>\n");
        out
    }
}

fn svg_shape(out: &mut String, shape: &Shape) {
    let _ = match shape {
        Shape::Line { points, ink, width } => write!(
            out,
            r#"<polyline points="{}" fill="none" stroke="{}" stroke-width="{}" stroke-linejoin="round"/>"#,
            pairs(points),
            ink.hex(),
            short(*width)
        ),
        Shape::Area { points, ink } => {
            write!(out, r#"<polygon points="{}" fill="{}"/>"#, pairs(points), ink.hex())
        }
        Shape::Rect { x, y, width, height, ink } => write!(
            out,
            r#"<rect x="{}" y="{}" width="{}" height="{}" fill="{}"/>"#,
            short(*x),
            short(*y),
            short(*width),
            short(*height),
            ink.hex()
        ),
        Shape::Dot { x, y, radius, ink } => write!(
            out,
            r#"<circle cx="{}" cy="{}" r="{}" fill="{}"/>"#,
            short(*x),
            short(*y),
            short(*radius),
            ink.hex()
        ),
        Shape::Text { x, y, size, anchor, bold, ink, text } => {
            let anchor = match anchor {
                Anchor::Start => "start",
                Anchor::Middle => "middle",
                Anchor::End => "end",
            };
            let weight = if *bold { r#" font-weight="bold""# } else { "" };
            write!(
                out,
                r#"<text x="{}" y="{}" font-size="{}" text-anchor="{anchor}"{weight} fill="{}">{}</text>"#,
                short(*x),
                short(*y),
                short(*size),
                ink.hex(),
                escape(text)
            )
        }
    };
}

fn pairs(points: &[(f64, f64)]) -> String {
    let text: Vec<String> = points.iter().map(|(x, y)| format!("{},{}", short(*x), short(*y))).collect();
    text.join(" ")
}

/// At most two decimals, the same on every machine.
pub(crate) fn short(value: f64) -> String {
    let text = format!("{:.2}", if value.is_finite() { value } else { 0.0 });
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// Text as it may stand in HTML, SVG and XML; characters that XML forbids are left out.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\t' | '\n' | '\r' => out.push(c),
            c if c < ' ' || matches!(c, '\u{fffe}' | '\u{ffff}') => {}
            c => out.push(c),
        }
    }
    out
}

/// The text, shortened with an ellipsis to fit a width at a size.
pub(crate) fn fit(text: &str, size: f64, width: f64) -> String {
    if font::width(text, size, false) <= width {
        return text.to_owned();
    }
    let mut kept = String::new();
    for c in text.chars() {
        let next = format!("{kept}{c}\u{2026}");
        if font::width(&next, size, false) > width {
            break;
        }
        kept.push(c);
    }
    kept.push('\u{2026}');
    kept
}
