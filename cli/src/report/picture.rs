//! The file of a picture, opened before anything is measured.

use crate::failure::Failure;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;

/// A file that can be written to. What it holds stays until the picture is drawn.
pub(crate) struct Picture {
    file: File,
    name: String,
}

impl Picture {
    pub(crate) fn create(path: &Path) -> Result<Self, Failure> {
        let name = path.display().to_string();
        match OpenOptions::new().write(true).create(true).truncate(false).open(path) {
            Ok(file) => Ok(Self { file, name }),
            Err(error) => Err(Failure::File(name, error)),
        }
    }

    pub(crate) fn write(mut self, text: &str) -> Result<(), Failure> {
        let written = self.file.write_all(text.as_bytes());
        // A longer picture may have been there; a device has no length.
        let is_file = self.file.metadata().is_ok_and(|metadata| metadata.is_file());
        let cut = if is_file { self.file.set_len(text.len() as u64) } else { Ok(()) };
        written.and(cut).map_err(|error| Failure::File(self.name, error))
    }
}
