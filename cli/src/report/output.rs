//! The forms of a report: what is said before the first tensor, of each, and after the last.

use super::chosen::Chosen;
use super::measure::{Measured, Totals, Unread};
use super::weights::{Tensor, Weights};
use std::io;

/// What a report is about.
pub(crate) struct About<'a> {
    pub(crate) title: &'a str,
    pub(crate) weights: &'a Weights,
    pub(crate) chosen: &'a Chosen,
}

/// A form of the report. Whatever is known is written at once: a file may take long.
pub(crate) trait Form {
    /// What the file holds, and what of it and of the measures is left out.
    fn begin(&mut self, about: &About<'_>) -> io::Result<()>;
    /// One tensor, in the order of the file.
    fn tensor(&mut self, chosen: &Chosen, tensor: &Tensor, measured: &Measured) -> io::Result<()>;
    /// One that could not be read, in the same order.
    fn unread(&mut self, unread: &Unread) -> io::Result<()>;
    /// All tensors together.
    fn end(&mut self, chosen: &Chosen, totals: &Totals) -> io::Result<()>;
    /// Hands on what was written.
    fn flush(&mut self) -> io::Result<()>;
}
