//! Standard input as lines of UTF-8, read on a thread of its own so that Ctrl-C ends a command that waits for input.

use std::io::BufRead as _;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cuba_translate::Cancel;

use crate::exit::{Code, Failure};

/// Lines read ahead of the translation: enough to keep batches full, little enough to keep memory flat.
const AHEAD: usize = 256;
/// How long a wait for input can hide a Ctrl-C.
const POLL: Duration = Duration::from_millis(40);

/// The iterator ends at the end of input, at a Ctrl-C, or at the first line that cannot be used (see
/// [`Lines::failure`]).
pub(crate) struct Lines {
    received: Receiver<String>,
    failure: Arc<Mutex<Option<Failure>>>,
    cancel: Cancel,
}

impl Lines {
    pub(crate) fn from_stdin(cancel: Cancel) -> Self {
        let (sender, received) = sync_channel(AHEAD);
        let failure = Arc::new(Mutex::new(None));
        let report = failure.clone();
        std::thread::spawn(move || {
            let mut input = std::io::stdin().lock();
            let mut number = 0_usize;
            loop {
                let mut bytes = Vec::new();
                let problem = match input.read_until(b'\n', &mut bytes) {
                    Ok(0) => return,
                    Ok(_) => {
                        number += 1;
                        strip_line_break(&mut bytes);
                        match String::from_utf8(bytes) {
                            Ok(line) => match sender.send(line) {
                                Ok(()) => continue,
                                // Nobody listens any more.
                                Err(_) => return,
                            },
                            Err(_) => Failure::new(
                                Code::BadInput,
                                format_args!("line {number} of the input is not valid UTF-8; the lines before it are done"),
                            )
                            .hint("convert the file first, for example: iconv -f latin1 -t utf-8 FILE"),
                        }
                    }
                    Err(error) => {
                        Failure::new(Code::Failed, format_args!("cannot read standard input: {error}"))
                    }
                };
                if let Ok(mut slot) = report.lock() {
                    *slot = Some(problem);
                }
                return;
            }
        });
        Self { received, failure, cancel }
    }

    /// What ended the reading early, if anything did. Ask after the lines are used up.
    pub(crate) fn failure(&self) -> Option<Failure> {
        self.failure.lock().ok().and_then(|mut slot| slot.take())
    }
}

impl Iterator for Lines {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        loop {
            if self.cancel.is_cancelled() {
                return None;
            }
            match self.received.recv_timeout(POLL) {
                Ok(line) => return Some(line),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return None,
            }
        }
    }
}

fn strip_line_break(bytes: &mut Vec<u8>) {
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
    }
}
