//! Other people's programs, array by array. `tests/golden` holds a part of the oracle folder and runs always; the whole runs with
//! `SUBHALF_ORACLE=FOLDER cargo test --release -- --ignored oracle`.

mod arith;
mod plan;
pub(crate) mod source;

use plan::{Known, Payload, Plan};
use source::{Entry, Oracle};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use subhalf::{FormatSpec, Unpacked};

/// The folders of the oracle that this file knows; others belong to other tests.
const FOLDERS: [&str; 6] = ["decode", "encode", "encode64", "cast", "stochastic", "arith"];

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden");

#[derive(Default)]
struct Tally {
    arrays: usize,
    checked: usize,
    excluded: usize,
    reasons: BTreeMap<&'static str, usize>,
}

#[test]
#[ignore = "needs the oracle folder in SUBHALF_ORACLE"]
fn oracle_arrays_are_reproduced() {
    let folder = std::env::var("SUBHALF_ORACLE").expect("SUBHALF_ORACLE names the oracle folder");
    run(Path::new(&folder), 200);
}

#[test]
fn golden_copy_is_reproduced() {
    // The sample keeps all special inputs and a seventh of the rest, so more of it is special.
    run(Path::new(GOLDEN), 50);
}

/// The f64 on which other programs round twice: the inputs of `encode64`, of every format, as bits.
pub(crate) fn traps_for_f64() -> Vec<u64> {
    let folder = std::env::var("SUBHALF_ORACLE").map_or_else(|_| GOLDEN.into(), PathBuf::from);
    let oracle = Oracle::open(&folder);
    let inputs =
        oracle.entries.iter().filter(|entry| entry.file.starts_with("encode64/") && entry.file.ends_with(".in_f64.u64.bin"));
    inputs.flat_map(|entry| oracle.array(&entry.file)).collect()
}

/// Checks every array of a folder. At most one in `share` elements of a source may be left out for a cited line.
#[expect(clippy::print_stdout, reason = "the counts of what was checked and left out are part of the result")]
fn run(folder: &Path, share: usize) {
    let oracle = Oracle::open(folder);
    let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
    let mut failures = Vec::new();
    for entry in &oracle.entries {
        if !FOLDERS.contains(&entry.file.split('/').next().unwrap_or("")) {
            continue;
        }
        let tally = tallies.entry(entry.source.clone()).or_default();
        if let Some(name) = entry.file.strip_prefix("arith/") {
            match arith::plan(name) {
                None => failures.push(format!("{}: unknown array", entry.file)),
                Some(array) => {
                    tally.arrays += 1;
                    failures.extend(compare_arithmetic(&oracle, entry, &array, tally).err());
                }
            }
            continue;
        }
        match plan::plan(&entry.file, entry.num_bits) {
            None => failures.push(format!("{}: unknown array", entry.file)),
            Some(Known::Companion) => {}
            Some(Known::Excluded(reason)) => {
                let count = oracle.array(&entry.file).len();
                tally.excluded += count;
                *tally.reasons.entry(reason).or_default() += count;
            }
            Some(Known::Check(plan)) => {
                tally.arrays += 1;
                if let Err(wrong) = compare(&oracle, entry, &plan, tally) {
                    failures.push(wrong);
                }
            }
        }
    }
    for (source, tally) in &tallies {
        println!("{source}: {} arrays, {} elements equal, {} excluded", tally.arrays, tally.checked, tally.excluded);
        for (reason, count) in &tally.reasons {
            println!("    {count} {reason}");
        }
        // What is left out by name as a whole (whole roundings, masks) does not count here.
        let cited: usize = tally.reasons.iter().filter(|(reason, _)| reason.contains(": ")).map(|(_, count)| count).sum();
        if cited * share > tally.checked + tally.excluded {
            failures.push(format!("{source}: {cited} elements excluded, more than one in {share}"));
        }
    }
    assert!(failures.is_empty(), "{} arrays differ:\n{}", failures.len(), failures.join("\n"));
}

fn compare(oracle: &Oracle, entry: &Entry, plan: &Plan, tally: &mut Tally) -> Result<(), String> {
    let expected = oracle.array(&entry.file);
    let inputs = inputs(oracle, entry, plan, expected.len());
    let mask = if entry.mask.is_empty() { vec![0; expected.len()] } else { oracle.array(&entry.mask) };
    let random = if entry.random.is_empty() { vec![0; expected.len()] } else { oracle.array(&entry.random) };
    let (mut wrong, mut first) = (0, String::new());
    for (i, &want) in expected.iter().enumerate() {
        let (input, code) = inputs[i];
        if mask[i] == 1 {
            tally.excluded += 1;
            *tally.reasons.entry("masked, the source has no answer").or_default() += 1;
            continue;
        }
        if let Some((except, reason)) = plan.except
            && except(input, code)
        {
            tally.excluded += 1;
            *tally.reasons.entry(reason).or_default() += 1;
            continue;
        }
        let found = if entry.kind == "decode" {
            let scaled = Unpacked::from_f64(plan.factor * plan.spec.decode_f64(code));
            decoded(plan, scaled, plan.spec.decode(code))
        } else {
            let code = plan.spec.encode_with((plan.before)(input), &plan.convert, random[i] as u32).code;
            let value = plan.spec.decode(code);
            (plan.after)(input, if plan.payload == Payload::Codes { u64::from(code) } else { decoded(plan, value, value) })
        };
        let both_nan = plan.any_nan && is_nan(plan, want) && is_nan(plan, found);
        if found == want || both_nan {
            tally.checked += 1;
        } else {
            wrong += 1;
            if wrong <= 6 {
                first +=
                    &format!("\n    [{i}] {input} = {:e} (code {code:#x}): expected {want:#x}, found {found:#x}", input.to_f64());
            }
        }
    }
    if wrong == 0 { Ok(()) } else { Err(format!("{}: {wrong} of {}{first}", entry.file, expected.len())) }
}

fn compare_arithmetic(oracle: &Oracle, entry: &Entry, array: &arith::Array, tally: &mut Tally) -> Result<(), String> {
    let (expected, count) = (oracle.array(&entry.file), array.spec().code_count() as u32);
    assert_eq!(expected.len() as u64, u64::from(count).pow(array.operands()), "{}", entry.file);
    let (mut wrong, mut first) = (0, String::new());
    for (i, want) in expected.iter().enumerate() {
        // Integers come with their sign in all bits of a byte.
        let want = want & u64::from(count - 1);
        let (a, b) = if array.operands() == 2 { (i as u32 / count, i as u32 % count) } else { (i as u32, 0) };
        let (found, nan) = array.result(a, b);
        let (value, wanted) = (array.spec().decode(found), array.spec().decode(want as u32));
        // formats.md 5.4: a NaN made by the processor has a sign of its own; a format without NaN shows it as the sign of zero.
        let same_nan = nan && ((value.is_nan() && wanted.is_nan()) || (value.is_zero() && wanted.is_zero()));
        if u64::from(found) == want || same_nan {
            tally.checked += 1;
        } else {
            wrong += 1;
            if wrong <= 6 {
                first += &format!("\n    {a:#x}, {b:#x}: expected {want:#x}, found {found:#x}");
            }
        }
    }
    if wrong == 0 { Ok(()) } else { Err(format!("{}: {wrong} of {}{first}", entry.file, expected.len())) }
}

/// What is encoded (or the code that is decoded) for each element.
fn inputs(oracle: &Oracle, entry: &Entry, plan: &Plan, count: usize) -> Vec<(Unpacked, u32)> {
    let about = if entry.file.contains(".mxc.") {
        (plan.spec.min_positive().to_f32() / 2.0).to_bits()
    } else {
        plan.spec.bits() | u32::from(plan.spec.is_signed()) << 8
    };
    let codes = || (0..count as u32).map(|code| (Unpacked::ZERO, code)).collect();
    let name = entry.file.split_once('/').expect("a folder").1;
    match entry.kind.as_str() {
        "decode" => codes(),
        "cast" => {
            let from = plan::format(name.split("__to__").next().expect("a format")).expect("a known format");
            (0..count as u32).map(|code| (from.decode(code), code)).collect()
        }
        _ if name.contains("from_i32") => {
            // The packed copy has the first 40 elements and every seventh.
            let kept = |i: &i32| count == 600 || *i < 40 || i % 7 == 0;
            let inputs: Vec<_> = (0..600).filter(kept).map(|i| (Unpacked::from_f64(f64::from(i - 300)), about)).collect();
            assert_eq!(inputs.len(), count, "{}", entry.file);
            inputs
        }
        _ => {
            let bits = oracle.array(&entry.inputs);
            let double = entry.inputs.ends_with(".u64.bin");
            let value = |&bits: &u64| {
                if double { Unpacked::from_f64(f64::from_bits(bits)) } else { Unpacked::from_f32(f32::from_bits(bits as u32)) }
            };
            bits.iter().take(count).map(|bits| (value(bits), about)).collect()
        }
    }
}

/// A decoded number as the array holds it.
fn decoded(plan: &Plan, scaled: Unpacked, value: Unpacked) -> u64 {
    let through = |spec: FormatSpec| u64::from(spec.encode_with(value, &plan.convert, 0).code);
    match plan.payload {
        Payload::F64 => scaled.to_f64().to_bits(),
        Payload::F32 => u64::from(scaled.to_f32().to_bits()),
        Payload::F32Bits | Payload::Codes => through(FormatSpec::F32),
        Payload::F16Bits => through(FormatSpec::F16),
        Payload::Bf16Bits => through(FormatSpec::BF16),
        Payload::I32 => u64::from(value.to_f64() as i32 as u32),
    }
}

fn is_nan(plan: &Plan, bits: u64) -> bool {
    match plan.payload {
        Payload::Codes => plan.spec.decode(bits as u32).is_nan(),
        Payload::F64 => f64::from_bits(bits).is_nan(),
        Payload::F32 | Payload::F32Bits => f32::from_bits(bits as u32).is_nan(),
        Payload::F16Bits => FormatSpec::F16.decode(bits as u32).is_nan(),
        Payload::Bf16Bits => FormatSpec::BF16.decode(bits as u32).is_nan(),
        Payload::I32 => false,
    }
}
