//! A document as blocks, and its HTML: one file without script, style sheet, font or picture from outside.

use std::fmt::Write as _;

use crate::Language;
use crate::drawing::{Drawing, escape};

/// A piece of a document, in reading order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Block {
    Heading(String),
    Paragraph(String),
    /// Small print.
    Note(String),
    List(Vec<String>),
    /// First column is what the row is about.
    Table {
        head: Vec<String>,
        rows: Vec<Vec<String>>,
    },
    /// Names and values, without a head.
    Facts(Vec<(String, String)>),
    Figure(Drawing),
    /// What must be seen at once.
    Boxed(Vec<(String, String)>),
}

/// A document.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Document {
    pub(crate) title: String,
    pub(crate) language: Language,
    /// Date of making, for the file's own data: `2026-11-23T08:00:00+01:00`.
    pub(crate) made: jiff::Zoned,
    /// At the foot of each printed page.
    pub(crate) foot: String,
    pub(crate) blocks: Vec<Block>,
}

const STYLE: &str = "\
body{font-family:Helvetica,Arial,sans-serif;color:#1b2a33;max-width:46em;margin:2em auto;padding:0 1em;line-height:1.45}\
h1{font-size:1.6em;margin:0 0 .4em}h2{font-size:1.15em;margin:1.6em 0 .4em;border-bottom:1px solid #dde3e6}\
table{border-collapse:collapse;width:100%;margin:.6em 0}td,th{text-align:left;padding:.25em .6em .25em 0;border-bottom:1px solid #dde3e6;vertical-align:top}\
th{color:#5b6b75;font-weight:normal}dl{display:grid;grid-template-columns:max-content 1fr;gap:.2em 1em}dt{color:#5b6b75}dd{margin:0}\
.box{border:2px solid #1b2a33;padding:.6em 1em;margin:.8em 0}.note{color:#5b6b75;font-size:.85em}svg{max-width:100%;height:auto}\
@media print{body{margin:0;max-width:none}figure,table,.box{break-inside:avoid}}figure{margin:.8em 0}";

impl Document {
    pub(crate) fn html(&self) -> String {
        let mut out = String::new();
        let title = escape(&self.title);
        // Writing to a String cannot fail.
        let _ = write!(
            out,
            "<!DOCTYPE html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
             <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n",
            self.language.code()
        );
        for block in &self.blocks {
            html_block(&mut out, block);
        }
        let _ = write!(out, "<p class=\"note\">{}</p>\n</body>\n</html>\n", escape(&self.foot));
        out
    }
}

fn html_block(out: &mut String, block: &Block) {
    let _ = match block {
        Block::Heading(text) => writeln!(out, "<h2>{}</h2>", escape(text)),
        Block::Paragraph(text) => writeln!(out, "<p>{}</p>", escape(text)),
        Block::Note(text) => writeln!(out, "<p class=\"note\">{}</p>", escape(text)),
        Block::List(items) => {
            let items: String = items.iter().map(|i| format!("<li>{}</li>", escape(i))).collect();
            writeln!(out, "<ul>{items}</ul>")
        }
        Block::Facts(facts) => writeln!(out, "<dl>{}</dl>", html_facts(facts)),
        Block::Boxed(facts) => writeln!(out, "<div class=\"box\"><dl>{}</dl></div>", html_facts(facts)),
        Block::Figure(drawing) => writeln!(out, "<figure>{}</figure>", drawing.svg().trim_end()),
        Block::Table { head, rows } => {
            let row = |cells: &[String], tag: &str| -> String {
                let cells: String = cells.iter().map(|c| format!("<{tag}>{}</{tag}>", escape(c))).collect();
                format!("<tr>{cells}</tr>")
            };
            let body: Vec<String> = rows.iter().map(|r| row(r, "td")).collect();
            writeln!(
                out,
                "<table>\n<thead>{}</thead>\n<tbody>{}</tbody>\n</table>",
                row(head, "th"),
                body.join("\n")
            )
        }
    };
}

fn html_facts(facts: &[(String, String)]) -> String {
    facts.iter().map(|(name, value)| format!("<dt>{}</dt><dd>{}</dd>", escape(name), escape(value))).collect()
}
