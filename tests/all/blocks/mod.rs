//! Other people's block-scaled tensors, array by array: scales, codes and the numbers that come back, under the preset that names their
//! source. `tests/golden` holds a copy and runs always; the folder itself runs with
//! `SUBHALF_ORACLE=FOLDER cargo test --release -- --ignored oracle`.

mod given;
mod inputs;
mod ints;
mod kernels;
mod layouts;
mod lossless;
mod mx;
mod naive;
mod naive_fp8;
mod naive_ggml;
mod naive_int;
mod naive_mx;
mod nvfp4;
mod properties;
mod scale_rules;
mod tiles;
mod worked;

use crate::oracle::source::{Entry, Oracle};
use std::collections::BTreeMap;
use std::path::Path;
use subhalf::{BitOrder, BlockSpec, QuantTensor, Quantizer, pack};

/// How to hold an array against the crate.
struct Case {
    spec: BlockSpec,
    /// Of the inputs.
    shape: Vec<usize>,
    /// The tensor scale, where the source was given one.
    tensor_scale: Option<f32>,
    /// A scale and a zero point for all blocks, where the source was given them.
    given: Option<(f32, f32)>,
    /// The array that the crate's tensor should be.
    read: Read,
    /// What is compared with it, of an element of the array.
    expected: fn(u64) -> u64,
    /// Which of its elements are NaN: all NaNs are equal.
    is_nan: fn(u64) -> bool,
    /// Elements of the array left out, by the inputs of their block and their own, with the line that says why.
    except: Option<Except>,
}

type Read = fn(&QuantTensor) -> Vec<u64>;
type Except = fn(&[f32], &[f32]) -> Option<&'static str>;

enum Known {
    Check(Box<Case>),
    Excluded(&'static str),
}

impl Case {
    /// One row a block.
    fn new(spec: BlockSpec, entry: &Entry, cols: usize, what: &str) -> Option<Self> {
        let (read, is_nan): (Read, fn(u64) -> bool) = match what {
            "scale" => (scale_codes, |_| false),
            "elem" | "codes" => (codes, |_| false),
            "packed_low" => (|tensor| packed(tensor, BitOrder::LsbFirst), |_| false),
            "packed_high" => (|tensor| packed(tensor, BitOrder::MsbFirst), |_| false),
            "deq" if entry.file.ends_with(".f64.bin") => (restored64, |bits| f64::from_bits(bits).is_nan()),
            "deq" => (restored, |bits| f32::from_bits(bits as u32).is_nan()),
            "gscale" => (|tensor| vec![u64::from(tensor.tensor_scale().to_bits())], |_| false),
            _ => return None,
        };
        let rows = if entry.inputs.contains("nonfinite") { 10 } else { 68 } * 32 / cols;
        Some(Self {
            spec,
            shape: vec![rows, cols],
            tensor_scale: None,
            given: None,
            read,
            expected: |bits| bits,
            is_nan,
            except: None,
        })
    }

    fn known(self) -> Option<Known> {
        Some(Known::Check(Box::new(self)))
    }
}

fn scale_codes(tensor: &QuantTensor) -> Vec<u64> {
    let view = tensor.view();
    (0..view.blocks()).map(|block| u64::from(view.scale_code(block))).collect()
}

fn codes(tensor: &QuantTensor) -> Vec<u64> {
    let view = tensor.view();
    (0..view.len()).map(|index| u64::from(view.code(index).expect("an element"))).collect()
}

fn packed(tensor: &QuantTensor, order: BitOrder) -> Vec<u64> {
    let codes: Vec<u8> = codes(tensor).into_iter().map(|code| code as u8).collect();
    let bits = tensor.spec().element.bits();
    let mut bytes = vec![0; (codes.len() * bits as usize).div_ceil(8)];
    pack(&codes, bits, order, &mut bytes).expect("lengths that fit");
    bytes.into_iter().map(u64::from).collect()
}

fn restored(tensor: &QuantTensor) -> Vec<u64> {
    tensor.dequantize().into_iter().map(|x| u64::from(x.to_bits())).collect()
}

/// As f64: the product of element and scale, exact.
fn restored64(tensor: &QuantTensor) -> Vec<u64> {
    let view = tensor.view();
    let value = |index| {
        let element = view.spec().element.decode_f64(view.code(index).expect("an element"));
        (element * f64::from(view.scale(index).expect("an element"))).to_bits()
    };
    (0..view.len()).map(value).collect()
}

fn known(entry: &Entry) -> Option<Known> {
    let name = entry.file.split_once('/')?.1.strip_suffix(".bin")?;
    // The last part is the type of the elements.
    let parts: Vec<&str> = name.split('.').collect();
    ints::case(entry, &parts).or_else(|| mx::case(entry, &parts)).or_else(|| nvfp4::case(entry, &parts))
}

#[derive(Default)]
struct Tally {
    arrays: usize,
    checked: usize,
    excluded: usize,
    reasons: BTreeMap<&'static str, usize>,
}

impl Tally {
    fn leave_out(&mut self, count: usize, reason: &'static str) {
        self.excluded += count;
        *self.reasons.entry(reason).or_default() += count;
    }
}

#[test]
#[ignore = "needs the oracle folder in SUBHALF_ORACLE"]
fn oracle_blocks_are_reproduced() {
    let folder = std::env::var("SUBHALF_ORACLE").expect("SUBHALF_ORACLE names the oracle folder");
    run(Path::new(&folder));
}

#[test]
fn golden_blocks_are_reproduced() {
    run(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden"));
}

/// Checks every array of the folders `block` and `int`. At most one in 200 elements of a source may be left out for a cited line.
#[expect(clippy::print_stdout, reason = "the counts of what was checked and left out are part of the result")]
fn run(folder: &Path) {
    let oracle = Oracle::open(folder);
    let entries = || oracle.entries.iter().filter(|entry| entry.file.starts_with("block/") || entry.file.starts_with("int/"));
    let companions: Vec<&str> = entries().flat_map(|entry| [entry.inputs.as_str(), entry.random.as_str()]).collect();
    let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
    let mut failures = Vec::new();
    for entry in entries().filter(|entry| !companions.contains(&entry.file.as_str())) {
        let tally = tallies.entry(entry.source.clone()).or_default();
        match known(entry) {
            None => failures.push(format!("{}: unknown array", entry.file)),
            Some(Known::Excluded(reason)) => tally.leave_out(oracle.array(&entry.file).len(), reason),
            Some(Known::Check(case)) => {
                tally.arrays += 1;
                failures.extend(compare(&oracle, entry, &case, tally).err());
            }
        }
    }
    for (source, tally) in &tallies {
        println!("{source}: {} arrays, {} elements equal, {} excluded", tally.arrays, tally.checked, tally.excluded);
        for (reason, count) in &tally.reasons {
            println!("    {count} {reason}");
        }
        let cited: usize = tally.reasons.iter().filter(|(reason, _)| reason.contains(": ")).map(|(_, count)| count).sum();
        if cited * 200 > tally.checked + tally.excluded {
            failures.push(format!("{source}: {cited} elements excluded, more than one in 200"));
        }
    }
    assert!(failures.is_empty(), "{} arrays differ:\n{}", failures.len(), failures.join("\n"));
}

fn compare(oracle: &Oracle, entry: &Entry, case: &Case, tally: &mut Tally) -> Result<(), String> {
    let inputs: Vec<f32> = oracle.array(&entry.inputs).into_iter().map(|bits| f32::from_bits(bits as u32)).collect();
    let mut quantizer = Quantizer::new(&case.spec);
    if let Some(tensor_scale) = case.tensor_scale {
        quantizer = quantizer.tensor_scale(tensor_scale);
    }
    let given = case.given.map(|(scale, zero_point)| ([scale], [zero_point]));
    if let Some((scale, zero_point)) = &given {
        quantizer = quantizer.scales(scale, zero_point);
    }
    let tensor = quantizer.quantize(&inputs, &case.shape).map_err(|error| format!("{}: {error}", entry.file))?;
    let (expected, found) = (oracle.array(&entry.file), (case.read)(&tensor));
    if expected.len() != found.len() {
        return Err(format!("{}: expected {} elements, found {}", entry.file, expected.len(), found.len()));
    }
    let block = (inputs.len() / tensor.view().blocks().max(1)).max(1);
    let (mut wrong, mut first) = (0, String::new());
    for (i, (&want, &have)) in expected.iter().zip(&found).enumerate() {
        let want = (case.expected)(want);
        let own = i * inputs.len() / expected.len()..((i + 1) * inputs.len() / expected.len()).min(inputs.len());
        let index = own.start / block;
        let elements = &inputs[index * block..((index + 1) * block).min(inputs.len())];
        if let Some(reason) = case.except.and_then(|except| except(elements, &inputs[own])) {
            tally.leave_out(1, reason);
            continue;
        }
        if want == have || ((case.is_nan)(want) && (case.is_nan)(have)) {
            tally.checked += 1;
        } else {
            wrong += 1;
            if wrong <= 4 {
                let amax = elements.iter().fold(0.0f32, |amax, x| amax.max(x.abs()));
                let here = inputs.get(i * inputs.len() / expected.len());
                first += &format!("\n    [{i}] block {index}, amax {amax:e}, x {here:?}: expected {want:#x}, found {have:#x}");
            }
        }
    }
    if wrong == 0 { Ok(()) } else { Err(format!("{}: {wrong} of {}{first}", entry.file, expected.len())) }
}
