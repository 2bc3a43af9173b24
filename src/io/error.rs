//! [`ReadError`]: why a checkpoint, or a weight in it, was refused. Owns the wording; decides
//! nothing.

use core::fmt;
use std::boxed::Box;
use std::format;
use std::string::{String, ToString};

/// Why a checkpoint, or a weight in it, was refused. Every message is one line that begins with the
/// file, if it is one file's fault, and names what was expected and what was found.
#[derive(Debug)]
pub struct ReadError {
    file: String,
    problem: Box<Problem>,
}

/// What was wrong.
#[derive(Debug)]
#[non_exhaustive]
pub enum Problem {
    /// Reading failed.
    Io {
        /// What was read, in words; empty for the file itself.
        what: String,
        /// The error of the operating system or of the reader.
        error: std::io::Error,
    },
    /// Text is not what JSON of its place is.
    Json {
        /// What was read, in words.
        what: String,
        /// The parser's message.
        error: String,
    },
    /// Something is not what it should be.
    Mismatch {
        /// What was looked at.
        what: String,
        /// What was expected in its place.
        expected: String,
        /// What was found.
        found: String,
    },
    /// A tensor is there, and is no weight that can be read.
    Carried {
        /// The name of the tensor.
        tensor: String,
        /// Why it is no weight.
        reason: String,
    },
    /// The numbers of a weight were refused.
    Weight {
        /// The name of the weight.
        weight: String,
        /// What was expected and found.
        error: Box<crate::error::Error>,
    },
}

impl ReadError {
    pub(in crate::io) fn new(file: &str, problem: Problem) -> Self {
        Self { file: file.to_string(), problem: Box::new(problem) }
    }

    /// The file that is at fault; empty if it is no single one's.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// What was wrong.
    #[must_use]
    pub fn problem(&self) -> &Problem {
        &self.problem
    }
}

impl Problem {
    pub(in crate::io) fn mismatch(
        what: impl Into<String>,
        expected: impl ToString,
        found: impl ToString,
    ) -> Self {
        Self::Mismatch {
            what: what.into(),
            expected: expected.to_string(),
            found: found.to_string(),
        }
    }

    pub(in crate::io) const fn io(error: std::io::Error) -> Self {
        Self::Io { what: String::new(), error }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { what, error } if what.is_empty() => write!(f, "{error}"),
            Self::Io { what, error } => write!(f, "{what}: {error}"),
            Self::Json { what, error } => write!(f, "{what}: {error}"),
            Self::Mismatch { what, expected, found } => {
                write!(f, "{what}: expected {expected}, found {found}")
            }
            Self::Carried { tensor, reason } => write!(f, "tensor '{tensor}': {reason}"),
            Self::Weight { weight, error } => write!(f, "weight '{weight}': {error}"),
        }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self.file.as_str() {
            "" => self.problem.to_string(),
            file => format!("{file}: {}", self.problem),
        };
        f.write_str(&one_line(&text))
    }
}

impl core::error::Error for ReadError {}

/// Text without line breaks and other control characters, cut behind 400 characters: names in a
/// file are anything.
pub(in crate::io) fn one_line(text: &str) -> String {
    const LONGEST: usize = 400;
    let mut line = String::new();
    for (index, c) in text.chars().enumerate() {
        match c {
            _ if index == LONGEST => return line + "…",
            '\u{2028}' | '\u{2029}' => line.extend(c.escape_default()),
            _ if c.is_control() => line.extend(c.escape_default()),
            _ => line.push(c),
        }
    }
    line
}
