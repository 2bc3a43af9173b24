//! Why the program stopped.

use std::io;
use std::path::Path;
use subhalf::io::ReadError;

/// Why the program stopped, in one line.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Library(#[from] subhalf::Error),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("cannot write: {0}")]
    Output(#[from] io::Error),
    #[error("{0}: {1}")]
    File(String, io::Error),
    #[error("cannot draw: {0}")]
    Draw(String),
    #[error("{what}: expected {expected}, found {found}")]
    Unfit { what: String, expected: String, found: String },
}

impl Failure {
    /// Something that is not as it should be.
    pub(crate) fn unfit(
        what: impl Into<String>,
        expected: impl Into<String>,
        found: impl ToString,
    ) -> Self {
        Self::Unfit { what: what.into(), expected: expected.into(), found: found.to_string() }
    }

    /// A file that cannot be opened, read or written.
    pub(crate) fn file(path: &Path, error: io::Error) -> Self {
        Self::File(path.display().to_string(), error)
    }
}
