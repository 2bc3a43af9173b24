//! The programs, as a user meets them.

mod accumulators;
mod check;
mod checkpoints;
mod convert;
mod datapaths;
mod explain;
mod npy;
mod papers;
mod report;
mod schemes;
mod streaming;
mod train;
mod usage;
mod vectors;

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, Output};

/// Runs the executable.
fn run<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Output {
    Command::new(env!("CARGO_BIN_EXE_subhalf"))
        .args(arguments)
        .output()
        .expect("the program starts")
}

/// The text of a run that must succeed.
fn printed<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> String {
    let output = run(arguments);
    assert_eq!(
        (output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()),
        (Some(0), "")
    );
    String::from_utf8(output.stdout).expect("text")
}

/// The exit code and the one line on stderr of a run that must fail.
fn refusal<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> (Option<i32>, String) {
    let output = run(arguments);
    let text = String::from_utf8(output.stderr).expect("text");
    assert!(output.stdout.is_empty(), "nothing is printed before the input is known to be good");
    assert_eq!(text.lines().count(), 1, "{text}");
    (output.status.code(), text.trim_end().to_owned())
}

/// A path in the temporary folder, removed when the test is over.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("subhalf-{}-{name}", std::process::id())))
    }

    fn file(name: &str, bytes: &[u8]) -> Self {
        let scratch = Self::new(name);
        std::fs::write(&scratch.0, bytes).expect("the temporary directory can be written to");
        scratch
    }

    fn directory(name: &str) -> Self {
        let scratch = Self::new(name);
        std::fs::create_dir_all(&scratch.0).expect("the temporary directory can be written to");
        scratch
    }

    fn name(&self) -> &str {
        self.0.to_str().expect("text")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The bytes of a safetensors file.
fn safetensors(header: &str, data: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat()
}
