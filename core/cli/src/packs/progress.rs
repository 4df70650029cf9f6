//! Progress of packs: a bar on a terminal, silence elsewhere.

use std::io::IsTerminal as _;
use std::sync::atomic::{AtomicBool, Ordering};

use cuba_packs::{Progress, Step, Watch};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Draws progress and passes a Ctrl-C on.
pub(crate) struct Bar<'a> {
    bar: ProgressBar,
    cancel: &'a AtomicBool,
}

impl<'a> Bar<'a> {
    pub(crate) fn new(cancel: &'a AtomicBool) -> Self {
        let bar = ProgressBar::no_length();
        if !std::io::stderr().is_terminal() {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        let template = "{msg:<28!} {bar:24} {binary_bytes:>10}/{binary_total_bytes:<10} {binary_bytes_per_sec:>12} {eta:>4}";
        bar.set_style(ProgressStyle::with_template(template).expect("a fixed template"));
        Self { bar, cancel }
    }

    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Watch for Bar<'_> {
    fn progress(&self, progress: Progress<'_>) {
        let doing = match progress.step {
            Step::Download => "fetching",
            Step::Copy => "copying",
            Step::Unpack => "unpacking",
            Step::Export => "writing",
            _ => "checking",
        };
        self.bar.set_message(format!("{doing} {}", progress.file));
        self.bar.set_length(progress.total);
        self.bar.set_position(progress.done);
    }

    fn cancelled(&self) -> bool {
        self.cancel.load(Ordering::Relaxed)
    }
}
