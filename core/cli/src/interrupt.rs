//! Ctrl-C: asks the running work to stop at its next step, so that files are left whole.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::exit::{Code, Failure};

/// Calls `cancel` at the first Ctrl-C (or termination signal). A second one ends the process at once: work that does
/// not react must not hold a terminal.
pub(crate) fn on_interrupt(cancel: impl Fn() + Send + Sync + 'static) -> Result<(), Failure> {
    let seen = Arc::new(AtomicBool::new(false));
    ctrlc::set_handler(move || {
        if seen.swap(true, Ordering::SeqCst) {
            std::process::exit(i32::from(Code::Cancelled as u8));
        }
        cancel();
    })
    .map_err(|error| Failure::new(Code::Failed, format_args!("cannot listen for Ctrl-C: {error}")))
}
