//! Checkpoints, read as weights: files made here from what documents and programs say about their
//! layouts, with numbers computed one by one from codes, scales and zero points.

mod configs;
mod floats;
mod hostile;
mod integers;
mod interop;
mod programs;
mod reports;
mod shards;
mod written;

use subhalf::io::{Checkpoint, CheckpointFiles, Loaded};

/// A file that is being made: tensors one behind the other, in the order of their making.
#[derive(Default)]
struct File {
    entries: Vec<String>,
    data: Vec<u8>,
    metadata: Option<String>,
}

impl File {
    fn new() -> Self {
        Self::default()
    }

    fn tensor(mut self, name: &str, dtype: &str, shape: &[usize], bytes: &[u8]) -> Self {
        let start = self.data.len();
        self.data.extend(bytes);
        let (name, dtype) = (serde_json::json!(name), serde_json::json!(dtype));
        let end = self.data.len();
        self.entries.push(format!(
            r#"{name}:{{"dtype":{dtype},"shape":{shape:?},"data_offsets":[{start},{end}]}}"#
        ));
        self
    }

    /// A text of the header, JSON inside JSON.
    fn metadata(mut self, name: &str, text: &str) -> Self {
        self.metadata = Some(serde_json::json!({ name: text }).to_string());
        self
    }

    fn bytes(&self) -> Vec<u8> {
        let metadata = self.metadata.iter().map(|texts| format!(r#""__metadata__":{texts}"#));
        let members: Vec<String> = metadata.chain(self.entries.iter().cloned()).collect();
        with_header(&format!("{{{}}}", members.join(",")), &self.data)
    }
}

fn with_header(header: &str, data: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat()
}

/// A config with this section.
fn config(section: &str) -> String {
    format!(r#"{{"architectures":["X"],"quantization_config":{section}}}"#)
}

/// What a weight was read as.
struct Read {
    scheme: String,
    in_place: bool,
    shape: Vec<usize>,
    tensors: Vec<String>,
    numbers: Vec<f32>,
}

/// Reads one weight from a file in memory, and again through a reader; the config is a section of
/// `config.json`, or empty.
fn read(file: &File, section: &str, name: &str) -> Read {
    // The data at every remainder of an address by 4: scales lie anywhere.
    let bytes = file.bytes();
    let mut results = (0..4).map(|offset| {
        let mut memory = vec![0u8; offset];
        memory.extend(&bytes);
        let files = CheckpointFiles::new().bytes("a.safetensors", &memory[offset..]);
        read_of(&with_config(files, section).read().unwrap(), name, &memory)
    });
    let first = results.next().unwrap();
    for other in results {
        assert_eq!(bits(&first.numbers), bits(&other.numbers));
    }
    let files = CheckpointFiles::new().reader("a.safetensors", std::io::Cursor::new(&bytes));
    let streamed = read_of(&with_config(files, section).read().unwrap(), name, &[]);
    assert_eq!(bits(&first.numbers), bits(&streamed.numbers));
    assert_eq!((&first.shape, &first.scheme), (&streamed.shape, &streamed.scheme));
    first
}

fn with_config<'a>(files: CheckpointFiles<'a>, section: &str) -> CheckpointFiles<'a> {
    match section {
        "" => files,
        section => files.config("config.json", &config(section)).unwrap(),
    }
}

fn read_of(checkpoint: &Checkpoint<'_>, name: &str, memory: &[u8]) -> Read {
    let weight = checkpoint.weight(name).unwrap();
    let scheme = weight.scheme().expect("a quantized weight");
    let Loaded::Quantized(loaded) = checkpoint.load(weight).unwrap() else {
        panic!("{name} was read as numbers");
    };
    let view = loaded.view().unwrap();
    assert_eq!(view.shape(), weight.shape());
    assert_eq!(loaded.spec(), &scheme.spec);
    assert_eq!(loaded.is_in_place(), scheme.in_place);
    if !memory.is_empty() {
        let parts = view.parts().unwrap();
        let lies = |bytes: &[u8]| memory.as_ptr_range().contains(&bytes.as_ptr());
        let within = lies(parts.codes) && lies(parts.scales);
        assert_eq!(within, scheme.in_place, "{name}: the file's own bytes");
    }
    let numbers = view.dequantize();
    // A tensor of its own has the same numbers.
    assert_eq!(bits(&loaded.to_tensor().unwrap().dequantize()), bits(&numbers));
    Read {
        scheme: format!("{}: {}", scheme.convention.name(), scheme.layout),
        in_place: scheme.in_place,
        shape: weight.shape().to_vec(),
        tensors: checkpoint.tensors(weight).map(str::to_owned).collect(),
        numbers,
    }
}

/// Names and reasons of what a file carries along.
fn carried(file: &File, section: &str) -> Vec<String> {
    let bytes = file.bytes();
    let files = with_config(CheckpointFiles::new().bytes("a.safetensors", &bytes), section);
    let checkpoint = files.read().unwrap();
    let line = |carried: &subhalf::io::Carried| format!("{}: {}", carried.name(), carried.reason());
    checkpoint.carried().iter().map(line).collect()
}

fn names(checkpoint: &Checkpoint<'_>) -> Vec<String> {
    checkpoint.weights().iter().map(|weight| weight.name().to_owned()).collect()
}

fn bits(numbers: &[f32]) -> Vec<u32> {
    // Every NaN is one.
    numbers.iter().map(|x| if x.is_nan() { 0x7FC0_0000 } else { x.to_bits() }).collect()
}

fn assert_numbers(found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len());
    if let Some(i) = (0..found.len()).find(|&i| bits(&found[i..=i]) != bits(&expected[i..=i])) {
        panic!("number {i}: expected {:?}, found {:?}", expected[i], found[i]);
    }
}

/// Bytes that look like nothing.
fn noise(seed: u64, count: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let next = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    std::iter::repeat_with(next).take(count).collect()
}

fn f32s(numbers: &[f32]) -> Vec<u8> {
    numbers.iter().flat_map(|x| x.to_le_bytes()).collect()
}

fn i32s(numbers: &[i32]) -> Vec<u8> {
    numbers.iter().flat_map(|x| x.to_le_bytes()).collect()
}

fn i64s(numbers: &[i64]) -> Vec<u8> {
    numbers.iter().flat_map(|x| x.to_le_bytes()).collect()
}

/// BF16 bits of numbers that it has.
fn bf16s(numbers: &[f32]) -> Vec<u8> {
    numbers.iter().flat_map(|x| ((x.to_bits() >> 16) as u16).to_le_bytes()).collect()
}

/// OCP E2M1: sign, two exponent bits of bias 1, one bit of mantissa.
fn e2m1(code: u8) -> f32 {
    let magnitude = [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0][usize::from(code & 7)];
    if code & 8 == 0 { magnitude } else { -magnitude }
}

/// OCP E4M3: bias 7, no infinity, NaN with all bits set.
fn e4m3(code: u8) -> f32 {
    let (exponent, mantissa) = (i32::from(code >> 3 & 15), f32::from(code & 7));
    let magnitude = match (exponent, code & 7) {
        (15, 7) => f32::NAN,
        (0, _) => mantissa / 8.0 * 2f32.powi(-6),
        _ => (1.0 + mantissa / 8.0) * 2f32.powi(exponent - 7),
    };
    if code & 0x80 == 0 { magnitude } else { -magnitude }
}

/// OCP E8M0: 2^(code − 127), 255 is NaN.
fn e8m0(code: u8) -> f32 {
    match code {
        255 => f32::NAN,
        0 => f32::from_bits(0x0040_0000),
        _ => f32::from_bits(u32::from(code) << 23),
    }
}

/// Scales near 1, of exponents that a product with any element keeps finite.
fn powers(seed: u64, count: usize) -> Vec<u8> {
    noise(seed, count).iter().map(|byte| 120 + byte % 16).collect()
}

/// Positive finite E4M3 codes other than 0.
fn e4m3_scales(seed: u64, count: usize) -> Vec<u8> {
    noise(seed, count).iter().map(|byte| 1 + byte % 0x7E).collect()
}

/// f32s from 2^-8 to 2, with all bits of their mantissa in use.
fn scales(seed: u64, count: usize) -> Vec<f32> {
    let bytes = noise(seed, 4 * count);
    let number = |bytes: &[u8]| {
        let bits = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], 0]) & 0x7F_FFFF;
        f32::from_bits(bits | (119 + u32::from(bytes[3] % 9)) << 23)
    };
    bytes.chunks_exact(4).map(number).collect()
}
