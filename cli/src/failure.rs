//! Why a program stopped, and text that stays on one line.

use crate::npy::NpyError;
use crate::report::ReadError;
use std::io;
use std::path::Path;

/// Why a program stopped.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Library(#[from] subhalf::Error),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Npy(#[from] NpyError),
    #[error("cannot write: {0}")]
    Output(#[from] io::Error),
    #[error("cannot write {0}: {1}")]
    File(String, io::Error),
    #[error("cannot draw: {0}")]
    Draw(String),
    #[error("expected schemes with the same elements and blocks, found {0} and {1}")]
    Incomparable(String, String),
    #[error(
        "operation {operation}: expected a floating-point format, found {format}, which only converts"
    )]
    NoArithmetic { operation: &'static str, format: String },
    #[error(
        "operands: expected at most {limit} bits to write them all, found {found}; say --samples COUNT"
    )]
    TooMany { limit: u32, found: u32 },
    #[error("formats: expected at most {most}, found {found}")]
    Formats { most: usize, found: usize },
    #[error("operation fma: expected --c FORMAT or --result FORMAT, found neither")]
    NoResult,
    #[error("unit {unit}: expected no {option}, which its hardware does not have, found one")]
    OfUnit { unit: &'static str, option: &'static str },
    #[error("unit {unit}: expected its formats {expected}, found {found}")]
    Elements { unit: &'static str, expected: String, found: String },
    #[error("function: expected {}, found {found:?}", crate::check::names())]
    NoFunction { found: String },
    #[error("line {line}: expected {expected}, found {found}")]
    Line { line: u64, expected: String, found: String },
    #[error("lines that differ: expected 0, found {0}")]
    Differing(u64),
    #[error("cannot read {0}: {1}")]
    Input(String, io::Error),
    #[error("--weight: expected the name of a weight, found {0:?}")]
    NoWeight(String),
    #[error("weights to measure claims on: expected {expected}, found none")]
    NoMatrices { expected: &'static str },
    #[error("tensors that stayed undecoded: expected 0, found {0}")]
    Undecoded(usize),
    #[error("{0}")]
    Conversion(String),
    #[error("{0}: {1}")]
    InFile(String, String),
    #[error("weights that could not be read: expected 0, found {0}")]
    Unread(usize),
    #[error("{option}: expected operation {operation}, found another")]
    Option { option: &'static str, operation: &'static str },
}

impl Failure {
    /// The exit code: 2 for what `inspect` could not decode and for lines that `check` cannot read,
    /// 1 for everything else.
    pub(crate) const fn code(&self) -> u8 {
        match self {
            Self::Undecoded(_) | Self::Line { .. } => 2,
            _ => 1,
        }
    }
}

/// Writes a file; a failure names it.
pub(crate) fn to_file(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text).map_err(|error| Failure::File(path.display().to_string(), error))
}

/// Text without line breaks and other control characters, cut behind `longest` characters.
pub(crate) fn escaped(text: &str, longest: usize) -> String {
    let mut line = String::new();
    for (index, c) in text.chars().enumerate() {
        match c {
            _ if index == longest => return line + "…",
            '\u{2028}' | '\u{2029}' => line.extend(c.escape_default()),
            _ if c.is_control() => line.extend(c.escape_default()),
            _ => line.push(c),
        }
    }
    line
}
