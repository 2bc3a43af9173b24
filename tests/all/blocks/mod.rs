//! Other people's block-scaled tensors, array by array: scales, codes and the numbers that come
//! back, under the preset that names their source. `tests/golden` holds a copy and runs always; the
//! folder itself runs with `SUBHALF_ORACLE=FOLDER cargo test --release -- --ignored oracle`.

mod by_block;
mod cuts;
mod doubles;
mod given;
mod given_layouts;
mod hostile_parts;
mod inputs;
mod ints;
mod kernels;
mod kernels_again;
mod layouts;
mod lossless;
mod many_elements;
mod mlx;
mod mx;
mod naive;
mod naive_fp8;
mod naive_ggml;
mod naive_int;
mod naive_mx;
mod naive_superblocks;
mod nvfp4;
mod parts;
mod properties;
mod random_specs;
mod rceil;
mod reference;
mod run_time;
mod scale_rules;
mod sweeps;
mod table;
mod tiles;
mod worked;

use crate::oracle::another::AnotherFolder;
use crate::oracle::source::{Entry, Oracle};
use crate::oracle::{GOLDEN, Tallies, Tally};
use std::path::Path;
use subhalf::{BitOrder, BlockSpec, Extent, QuantTensor, Quantizer, pack};

/// How to hold an array against the crate.
struct Case {
    spec: BlockSpec,
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
    /// Elements of the array left out, by the inputs of their block and their own, with the line
    /// that says why.
    except: Option<Except>,
}

type Read = fn(&QuantTensor) -> Vec<u64>;
type Except = fn(&[f32], &[f32]) -> Option<&'static str>;

enum Known {
    Check(Box<Case>),
    Excluded(&'static str),
}

impl Case {
    fn new(spec: BlockSpec, read: Read) -> Self {
        Self {
            spec,
            tensor_scale: None,
            given: None,
            read,
            expected: |bits| bits,
            is_nan: |_| false,
            except: None,
        }
    }

    /// A case whose numbers are f32.
    fn restored(spec: BlockSpec) -> Self {
        Self { is_nan: |bits| f32::from_bits(bits as u32).is_nan(), ..Self::new(spec, restored) }
    }

    /// The part of the tensor that a name says, of blocks as long as the manifest says.
    fn part(spec: BlockSpec, entry: &Entry, what: &str) -> Option<Self> {
        let spec = in_blocks(spec, entry.block);
        Some(match what {
            "scale" => Self::new(spec, scale_codes),
            "elem" | "codes" => Self::new(spec, codes),
            "packed_low" => Self::new(spec, |tensor| packed(tensor, BitOrder::LsbFirst)),
            "packed_high" => Self::new(spec, |tensor| packed(tensor, BitOrder::MsbFirst)),
            "deq" if entry.file.ends_with(".f64.bin") => {
                Self { is_nan: |bits| f64::from_bits(bits).is_nan(), ..Self::new(spec, restored64) }
            }
            "deq" => Self::restored(spec),
            "gscale" => Self::new(spec, |tensor| vec![u64::from(tensor.tensor_scale().to_bits())]),
            _ => return None,
        })
    }

    fn known(self) -> Option<Known> {
        Some(Known::Check(Box::new(self)))
    }
}

/// The scheme with blocks of another length, where it has any: a scale an element stays.
fn in_blocks(spec: BlockSpec, length: u32) -> BlockSpec {
    match spec.extent {
        Extent::Block { rows: 1, cols: 2.. } if length > 0 => {
            spec.with_extent(Extent::Block { rows: 1, cols: length })
        }
        Extent::Flat(_) if length > 0 => spec.with_extent(Extent::Flat(length)),
        _ => spec,
    }
}

/// The shape in which inputs are read: their own, or rows of one block where a block does not fit
/// theirs ("nvfp4 sources read it as 2N blocks of 16"; ggml's NVFP4 reads two rows as one block of
/// 64).
fn shape(entry: &Entry, inputs: &Entry) -> Vec<usize> {
    let (count, block) = (inputs.count(), entry.block as usize);
    let fits = block == 0 || inputs.shape.last().is_some_and(|cols| cols % block == 0);
    if fits || count % block != 0 { inputs.shape.clone() } else { vec![count / block, block] }
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

fn known(oracle: &Oracle, entry: &Entry) -> Option<Known> {
    let name = entry.file.split_once('/')?.1.strip_suffix(".bin")?;
    // The last part is the type of the elements.
    let parts: Vec<&str> = name.split('.').collect();
    ints::case(oracle, entry, &parts)
        .or_else(|| mx::case(entry, &parts))
        .or_else(|| nvfp4::case(oracle, entry, &parts))
}

#[test]
#[ignore = "needs the oracle folder in SUBHALF_ORACLE"]
fn oracle_blocks_are_reproduced() {
    let folder = std::env::var("SUBHALF_ORACLE").expect("SUBHALF_ORACLE names the oracle folder");
    run(Path::new(&folder)).assert_equal();
}

#[test]
fn golden_blocks_are_reproduced() {
    run(Path::new(GOLDEN)).assert_equal();
}

#[test]
fn another_folder_of_the_same_manifest_is_read() {
    let folder = AnotherFolder::new(Path::new(GOLDEN), "blocks");
    let tallies = run(folder.path());
    tallies.assert_equal();
    assert!(tallies.checked() > 200_000, "{}", tallies.checked());
    // Changed elements are found, in every array.
    folder.change_each(&["block/", "int/"]);
    assert_eq!(run(folder.path()).failures.len(), tallies.arrays());
}

/// Checks every array of the folders `block` and `int`.
fn run(folder: &Path) -> Tallies {
    let oracle = Oracle::open(folder);
    let mut tallies = Tallies::default();
    let mut failures = Vec::new();
    let ours = |entry: &&Entry| entry.file.starts_with("block/") || entry.file.starts_with("int/");
    for entry in oracle.entries.iter().filter(ours).filter(|entry| !entry.is_companion()) {
        let tally = tallies.of(&entry.source);
        match known(&oracle, entry) {
            None => failures.push(format!("{}: unknown array", entry.file)),
            Some(Known::Excluded(reason)) => {
                tally.leave_out(oracle.array(&entry.file).len(), reason);
            }
            Some(Known::Check(case)) => {
                tally.arrays += 1;
                failures.extend(compare(&oracle, entry, &case, tally).err());
            }
        }
    }
    tallies.failures = failures;
    tallies.report(200)
}

fn compare(oracle: &Oracle, entry: &Entry, case: &Case, tally: &mut Tally) -> Result<(), String> {
    let source = oracle
        .entry(&entry.inputs)
        .ok_or_else(|| format!("{}: unknown inputs {:?}", entry.file, entry.inputs))?;
    let inputs = oracle.floats(&entry.inputs);
    let mut quantizer = Quantizer::new(&case.spec);
    if let Some(tensor_scale) = case.tensor_scale {
        quantizer = quantizer.tensor_scale(tensor_scale);
    }
    let given = case.given.map(|(scale, zero_point)| ([scale], [zero_point]));
    if let Some((scale, zero_point)) = &given {
        quantizer = quantizer.scales(scale, zero_point);
    }
    let tensor = quantizer
        .quantize(&inputs, &shape(entry, source))
        .map_err(|error| format!("{}: {error}", entry.file))?;
    let (expected, found) = (oracle.array(&entry.file), (case.read)(&tensor));
    if expected.len() != found.len() {
        return Err(format!(
            "{}: expected {} elements, found {}",
            entry.file,
            expected.len(),
            found.len()
        ));
    }
    let block = (inputs.len() / tensor.view().blocks().max(1)).max(1);
    let (mut wrong, mut first) = (0, String::new());
    for (i, (&want, &have)) in expected.iter().zip(&found).enumerate() {
        let want = (case.expected)(want);
        let own = i * inputs.len() / expected.len()
            ..((i + 1) * inputs.len() / expected.len()).min(inputs.len());
        let index = own.start / block;
        let elements = &inputs[index * block..((index + 1) * block).min(inputs.len())];
        if want == have || ((case.is_nan)(want) && (case.is_nan)(have)) {
            tally.checked += 1;
            continue;
        }
        if let Some(reason) = case.except.and_then(|except| except(elements, &inputs[own])) {
            tally.leave_out(1, reason);
            continue;
        }
        wrong += 1;
        if wrong <= 4 {
            let amax = elements.iter().fold(0.0f32, |amax, x| amax.max(x.abs()));
            let here = inputs.get(i * inputs.len() / expected.len());
            first += &format!(
                "\n    [{i}] block {index}, amax {amax:e}, x {here:?}: expected {want:#x}, found {have:#x}"
            );
        }
    }
    if wrong == 0 {
        Ok(())
    } else {
        Err(format!("{}: {wrong} of {}{first}", entry.file, expected.len()))
    }
}
