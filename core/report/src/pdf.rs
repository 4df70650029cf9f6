//! Documents as PDF: A4 pages, text that can be selected and searched, charts as vectors.
//!
//! The pages use Helvetica, which every reader has; no font is enclosed, so a report of ten charts is some tens of
//! kilobytes. What that costs is said in [`crate::font`].

use pdf_writer::types::TextRenderingMode;
use pdf_writer::{Content, Date, Finish as _, Name, Pdf, Rect, Ref, Str, TextStr};

use crate::drawing::{Anchor, Drawing, Ink, Shape};
use crate::font;
use crate::page::{Block, Document};

/// A4 in points.
const PAGE: (f32, f32) = (595.0, 842.0);
const MARGIN: f64 = 48.0;
const WIDTH: f64 = PAGE.0 as f64 - 2.0 * MARGIN;
const BOTTOM: f64 = 64.0;
const BODY: f64 = 9.5;
const LEADING: f64 = 1.35;

/// Lays blocks out from top to bottom, page after page.
struct Layout {
    pages: Vec<Content>,
    content: Content,
    y: f64,
}

impl Layout {
    fn new() -> Self {
        Self { pages: Vec::new(), content: Content::new(), y: f64::from(PAGE.1) - MARGIN }
    }

    fn turn(&mut self) {
        self.pages.push(std::mem::replace(&mut self.content, Content::new()));
        self.y = f64::from(PAGE.1) - MARGIN;
    }

    /// Makes sure that so much height is left on the page.
    fn need(&mut self, height: f64) {
        if self.y - height < BOTTOM {
            self.turn();
        }
    }

    fn text(&mut self, x: f64, text: &str, size: f64, bold: bool, ink: Ink) {
        show(&mut self.content, (x, self.y), text, size, bold, ink);
    }

    fn paragraph(&mut self, text: &str, size: f64, bold: bool, ink: Ink, indent: f64) {
        for line in font::wrap(text, size, bold, WIDTH - indent) {
            self.need(size * LEADING);
            self.y -= size * LEADING;
            self.text(MARGIN + indent, &line, size, bold, ink);
        }
    }

    fn rule(&mut self) {
        fill(&mut self.content, Ink::Grid);
        self.content.rect(MARGIN as f32, (self.y - 3.0) as f32, WIDTH as f32, 0.7);
        self.content.fill_nonzero();
    }

    /// A row of cells, each wrapped in its column.
    fn row(&mut self, cells: &[String], widths: &[f64], ink: Ink) {
        let lines: Vec<Vec<String>> =
            cells.iter().zip(widths).map(|(c, w)| font::wrap(c, BODY, false, w - 8.0)).collect();
        let height = lines.iter().map(Vec::len).max().unwrap_or(1) as f64 * BODY * LEADING;
        self.need(height + 4.0);
        let top = self.y;
        let mut x = MARGIN;
        for (cell, width) in lines.iter().zip(widths) {
            self.y = top;
            for line in cell {
                self.y -= BODY * LEADING;
                self.text(x, line, BODY, false, ink);
            }
            x += width;
        }
        self.y = top - height;
        self.rule();
        self.y -= 4.0;
    }

    fn table(&mut self, head: &[String], rows: &[Vec<String>]) {
        let columns = head.len().max(1);
        let first = if columns > 2 { 0.3 } else { 0.5 };
        let rest = WIDTH * (1.0 - first) / (columns - 1).max(1) as f64;
        let widths: Vec<f64> = (0..columns).map(|i| if i == 0 { WIDTH * first } else { rest }).collect();
        // A head alone at the foot of a page says nothing.
        self.need(BODY * LEADING * 3.0);
        self.row(head, &widths, Ink::Faint);
        for r in rows {
            self.row(r, &widths, Ink::Text);
        }
    }

    fn facts(&mut self, facts: &[(String, String)], size: f64) {
        let names =
            facts.iter().map(|f| font::width(&f.0, size, false)).fold(60.0, f64::max).min(WIDTH * 0.4) + 12.0;
        for (name, value) in facts {
            let lines = font::wrap(value, size, false, WIDTH - names - 16.0);
            self.need(lines.len() as f64 * size * LEADING);
            for (i, line) in lines.iter().enumerate() {
                self.y -= size * LEADING;
                if i == 0 {
                    self.text(MARGIN + 8.0, name, size, false, Ink::Faint);
                }
                self.text(MARGIN + 8.0 + names, line, size, false, Ink::Text);
            }
        }
    }

    fn figure(&mut self, d: &Drawing) {
        let scale = (WIDTH / d.width).min(1.0);
        self.need(d.height * scale + 8.0);
        self.y -= 4.0;
        let top = self.y;
        for shape in &d.shapes {
            draw(&mut self.content, shape, scale, |x, y| (MARGIN + x * scale, top - y * scale));
        }
        self.y = top - d.height * scale - 4.0;
    }

    fn block(&mut self, block: &Block) {
        match block {
            Block::Heading(text) => {
                // With a little of what follows.
                self.need(60.0);
                self.y -= 12.0;
                self.paragraph(text, 13.0, true, Ink::Text, 0.0);
                self.rule();
                self.y -= 6.0;
            }
            Block::Paragraph(text) => {
                self.paragraph(text, BODY, false, Ink::Text, 0.0);
                self.y -= 4.0;
            }
            Block::Note(text) => {
                self.paragraph(text, 8.5, false, Ink::Faint, 0.0);
                self.y -= 4.0;
            }
            Block::List(items) => {
                for item in items {
                    self.need(BODY * LEADING);
                    let bullet = self.y - BODY * LEADING;
                    show(&mut self.content, (MARGIN + 2.0, bullet), "•", BODY, false, Ink::Faint);
                    self.paragraph(item, BODY, false, Ink::Text, 12.0);
                }
                self.y -= 4.0;
            }
            Block::Table { head, rows } => self.table(head, rows),
            Block::Facts(facts) => {
                self.facts(facts, BODY);
                self.y -= 6.0;
            }
            Block::Boxed(facts) => {
                let size = BODY + 2.0;
                let height = facts.len() as f64 * size * LEADING + 14.0;
                self.need(height.min(400.0));
                let top = self.y;
                self.y -= 4.0;
                self.facts(facts, size);
                self.y -= 8.0;
                if self.y < top {
                    self.content.set_line_width(1.4);
                    stroke(&mut self.content, Ink::Text);
                    self.content.rect(MARGIN as f32, self.y as f32, WIDTH as f32, (top - self.y) as f32);
                    self.content.stroke();
                }
                self.y -= 8.0;
            }
            Block::Figure(d) => self.figure(d),
        }
    }
}

fn fill(content: &mut Content, ink: Ink) {
    let [r, g, b] = ink.rgb().map(|c| f32::from(c) / 255.0);
    content.set_fill_rgb(r, g, b);
}

fn stroke(content: &mut Content, ink: Ink) {
    let [r, g, b] = ink.rgb().map(|c| f32::from(c) / 255.0);
    content.set_stroke_rgb(r, g, b);
}

fn show(content: &mut Content, at: (f64, f64), text: &str, size: f64, bold: bool, ink: Ink) {
    fill(content, ink);
    content.begin_text();
    content.set_text_rendering_mode(TextRenderingMode::Fill);
    content.set_font(Name(if bold { b"B" } else { b"R" }), size as f32);
    content.next_line(at.0 as f32, at.1 as f32);
    content.show(Str(&font::encode(text)));
    content.end_text();
}

fn draw(content: &mut Content, shape: &Shape, scale: f64, place: impl Fn(f64, f64) -> (f64, f64)) {
    match shape {
        Shape::Line { points, ink, width } => {
            stroke(content, *ink);
            content.set_line_width((width * scale) as f32);
            path(content, points, &place);
            content.stroke();
        }
        Shape::Area { points, ink } => {
            fill(content, *ink);
            path(content, points, &place);
            content.fill_nonzero();
        }
        Shape::Rect { x, y, width, height, ink } => {
            fill(content, *ink);
            let (left, bottom) = place(*x, y + height);
            content.rect(left as f32, bottom as f32, (width * scale) as f32, (height * scale) as f32);
            content.fill_nonzero();
        }
        Shape::Dot { x, y, radius, ink } => {
            fill(content, *ink);
            // Four Bezier arcs; 0.5523 is the usual handle of a quarter circle.
            let (cx, cy) = place(*x, *y);
            let (r, k) = (radius * scale, radius * scale * 0.5523);
            let p = |dx: f64, dy: f64| ((cx + dx) as f32, (cy + dy) as f32);
            let (sx, sy) = p(r, 0.0);
            content.move_to(sx, sy);
            for [a, b, c] in [
                [p(r, k), p(k, r), p(0.0, r)],
                [p(-k, r), p(-r, k), p(-r, 0.0)],
                [p(-r, -k), p(-k, -r), p(0.0, -r)],
                [p(k, -r), p(r, -k), p(r, 0.0)],
            ] {
                content.cubic_to(a.0, a.1, b.0, b.1, c.0, c.1);
            }
            content.fill_nonzero();
        }
        Shape::Text { x, y, size, anchor, bold, ink, text } => {
            let size = size * scale;
            let width = font::width(text, size, *bold);
            let (left, base) = place(*x, *y);
            let left = match anchor {
                Anchor::Start => left,
                Anchor::Middle => left - width / 2.0,
                Anchor::End => left - width,
            };
            show(content, (left, base), text, size, *bold, *ink);
        }
    }
}

fn path(content: &mut Content, points: &[(f64, f64)], place: &impl Fn(f64, f64) -> (f64, f64)) {
    for (i, (x, y)) in points.iter().enumerate() {
        let (x, y) = place(*x, *y);
        if i == 0 {
            content.move_to(x as f32, y as f32);
        } else {
            content.line_to(x as f32, y as f32);
        }
    }
}

impl Document {
    pub(crate) fn pdf(&self) -> Vec<u8> {
        let mut layout = Layout::new();
        layout.paragraph(&self.title, 20.0, true, Ink::Text, 0.0);
        layout.y -= 6.0;
        self.blocks.iter().for_each(|b| layout.block(b));
        layout.turn();
        let mut pages = layout.pages;
        let count = pages.len();
        for (i, page) in pages.iter_mut().enumerate() {
            show(page, (MARGIN, 36.0), &self.foot, 8.0, false, Ink::Faint);
            let number = format!("{} {}/{count}", self.language.words().report.page, i + 1);
            let x = MARGIN + WIDTH - font::width(&number, 8.0, false);
            show(page, (x, 36.0), &number, 8.0, false, Ink::Faint);
        }
        self.write(pages)
    }

    fn write(&self, pages: Vec<Content>) -> Vec<u8> {
        let (catalog, tree, info, regular, bold) =
            (Ref::new(1), Ref::new(2), Ref::new(3), Ref::new(4), Ref::new(5));
        let page_ref = |i: usize| Ref::new(10 + 2 * i as i32);
        let content_ref = |i: usize| Ref::new(11 + 2 * i as i32);
        let mut pdf = Pdf::new();
        pdf.catalog(catalog).pages(tree).lang(TextStr(self.language.code()));
        pdf.pages(tree).kids((0..pages.len()).map(page_ref)).count(pages.len() as i32);
        pdf.document_info(info)
            .title(TextStr(&self.title))
            .producer(TextStr("Cuba"))
            .creation_date(self.date())
            .modified_date(self.date());
        for (id, name) in [(regular, b"Helvetica".as_slice()), (bold, b"Helvetica-Bold")] {
            pdf.type1_font(id).base_font(Name(name)).encoding_predefined(Name(b"WinAnsiEncoding"));
        }
        for (i, content) in pages.into_iter().enumerate() {
            let mut page = pdf.page(page_ref(i));
            page.parent(tree).media_box(Rect::new(0.0, 0.0, PAGE.0, PAGE.1)).contents(content_ref(i));
            page.resources().fonts().pair(Name(b"R"), regular).pair(Name(b"B"), bold);
            page.finish();
            pdf.stream(content_ref(i), &content.finish());
        }
        pdf.finish()
    }

    fn date(&self) -> Date {
        let z = &self.made;
        let minutes = z.offset().seconds() / 60;
        Date::new(u16::try_from(z.year()).unwrap_or(0))
            .month(z.month() as u8)
            .day(z.day() as u8)
            .hour(z.hour() as u8)
            .minute(z.minute() as u8)
            .second(z.second() as u8)
            .utc_offset_hour((minutes / 60) as i8)
            .utc_offset_minute((minutes % 60).unsigned_abs() as u8)
    }
}
