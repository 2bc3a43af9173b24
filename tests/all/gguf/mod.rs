//! GGUF files: one that gguf (Python) made, files made here byte by byte, and what the writer makes.

mod golden;
mod grids;
mod hostile;
mod split;
mod superblocks;
mod written;

use subhalf::io::{Gguf, GgufWeight, ReadError};

/// Bytes of a header, put one by one.
#[derive(Clone, Default)]
struct Bytes(Vec<u8>);

impl Bytes {
    /// The beginning of a file of so many tensors and values.
    fn file(tensors: u64, values: u64) -> Self {
        Self(b"GGUF".to_vec()).u32(3).u64(tensors).u64(values)
    }

    fn u32(mut self, x: u32) -> Self {
        self.0.extend(x.to_le_bytes());
        self
    }

    fn u64(mut self, x: u64) -> Self {
        self.0.extend(x.to_le_bytes());
        self
    }

    fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend(bytes);
        self
    }

    fn string(self, text: &str) -> Self {
        self.u64(text.len() as u64).raw(text.as_bytes())
    }

    /// An entry of the table; the innermost axis comes first.
    fn tensor(self, name: &str, axes: &[u64], kind: u32, start: u64) -> Self {
        let named = self.string(name).u32(axes.len() as u32);
        axes.iter().fold(named, |bytes, &axis| bytes.u64(axis)).u32(kind).u64(start)
    }

    /// The data behind the header, at a multiple of an alignment.
    fn data(mut self, alignment: usize, bytes: &[u8]) -> Vec<u8> {
        self.0.resize(self.0.len().next_multiple_of(alignment), 0);
        self.0.extend(bytes);
        self.0
    }
}

fn numbers(file: &Gguf<'_>, name: &str) -> Result<Vec<f32>, ReadError> {
    Ok(file.load(file.tensor(name)?)?.to_f32())
}

/// The error of a file that is not read, which is one line.
fn refusal(bytes: &[u8]) -> String {
    let error = Gguf::from_bytes(bytes).expect_err("the file is bad").to_string();
    let again = Gguf::from_reader(std::io::Cursor::new(bytes)).expect_err("the file is bad");
    assert_eq!(again.to_string(), error, "from memory and behind a reader");
    assert!(!error.chars().any(char::is_control) && error.chars().count() <= 401, "{error:?}");
    error
}

/// Whether a loaded tensor is quantized.
const fn is_quantized(weight: &GgufWeight<'_>) -> bool {
    matches!(weight, GgufWeight::Quantized(_))
}
