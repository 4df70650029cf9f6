//! How a command ends: one failure type with an exit code, a message and what to do next.

use std::fmt;

/// Exit codes of the process; `args::EXIT_CODES` documents them for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Code {
    Failed = 1,
    Missing = 3,
    BadInput = 4,
    NoRoom = 5,
    Damaged = 6,
    Cancelled = 130,
}

/// Why a command could not do what it was asked.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) code: Code,
    message: String,
    hint: Option<String>,
}

pub(crate) type Outcome = Result<(), Failure>;

impl Failure {
    pub(crate) fn new(code: Code, message: impl fmt::Display) -> Self {
        Self { code, message: message.to_string(), hint: None }
    }

    /// What the user can do about it, on a line of its own.
    pub(crate) fn hint(mut self, hint: impl fmt::Display) -> Self {
        self.hint = Some(hint.to_string());
        self
    }

    pub(crate) fn cancelled() -> Self {
        Self::new(Code::Cancelled, "cancelled")
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "\n  {hint}"),
            None => Ok(()),
        }
    }
}

/// A reader that went away (`cuba ... | head`) is not a failure worth a message: end quietly as other tools do.
impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            return Self::new(Code::Failed, "");
        }
        let code = match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Code::NoRoom,
            _ => Code::Failed,
        };
        Self::new(code, format_args!("reading or writing failed: {error}"))
    }
}
