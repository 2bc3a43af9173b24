//! How far a report is, on stderr while that is a terminal: the part done, the rate, and the time
//! left.

use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use std::fmt::Write;

/// Counts weights that were measured. Nothing is shown where stderr is no terminal.
pub(crate) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// Of this many weights, each measured so many times.
    pub(crate) fn new(elements: usize, times: usize) -> Self {
        let bar = ProgressBar::new(elements as u64 * times as u64);
        let rate = move |state: &ProgressState, out: &mut dyn Write| {
            let rate = state.per_sec() / times.max(1) as f64 / 1e6;
            // A terminal that cannot be written to shows nothing.
            let _ = write!(out, "{rate:.2} M weights/s");
        };
        let template = "[{bar:32}] {percent:>3} %  {rate}  {eta} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.with_key("rate", rate).progress_chars("=> "));
        }
        Self { bar }
    }

    /// A tensor of this many weights was measured once.
    pub(crate) fn measured(&self, elements: usize) {
        self.bar.inc(elements as u64);
    }

    /// Runs `write` while the line is off the terminal, which stdout may be too.
    pub(crate) fn beside<T>(&self, write: impl FnOnce() -> T) -> T {
        self.bar.suspend(write)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
