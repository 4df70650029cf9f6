//! What people see: colours only on a terminal (and never with `NO_COLOR`), messages on standard error.

use std::io::{IsTerminal as _, Write as _};

use anstyle::{AnsiColor, Style};

use crate::exit::Failure;

const ERROR: Style = AnsiColor::Red.on_default().bold();
const NOTE: Style = AnsiColor::Cyan.on_default();
const DIM: Style = Style::new().dimmed();

/// Prints why a command ended; a failure without words (a closed pipe) stays silent.
pub(crate) fn failure(failure: &Failure) {
    let text = failure.to_string();
    if !text.is_empty() {
        let _ = writeln!(anstream::stderr(), "{ERROR}error:{ERROR:#} {text}");
    }
}

/// A line of information beside the result.
pub(crate) fn note(text: impl std::fmt::Display) {
    let _ = writeln!(anstream::stderr(), "{NOTE}note:{NOTE:#} {text}");
}

/// Text that should step back, such as a confidence behind a translation.
pub(crate) fn dim(text: &str) -> String {
    format!("{DIM}{text}{DIM:#}")
}

/// Whether somebody is watching: progress bars and questions are only for them.
pub(crate) fn is_interactive() -> bool {
    std::io::stderr().is_terminal() && std::io::stdin().is_terminal()
}
