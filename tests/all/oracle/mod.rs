//! Other people's programs, array by array. `tests/golden` holds a part of the oracle folder and
//! runs always; the whole runs with
//! `SUBHALF_ORACLE=FOLDER cargo test --release -- --ignored oracle`.

pub(crate) mod another;
mod arith;
mod plan;
pub(crate) mod source;

use another::AnotherFolder;
use plan::{Known, Payload, Plan};
use source::{Entry, Oracle};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use subhalf::{FormatSpec, Unpacked};

/// The folders of the oracle that this file knows; others belong to other tests.
const FOLDERS: [&str; 6] = ["decode", "encode", "encode64", "cast", "stochastic", "arith"];

pub(crate) const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden");

/// What was found in the arrays of each source.
#[derive(Default)]
pub(crate) struct Tallies {
    sources: BTreeMap<String, Tally>,
    /// A line for each array that differs.
    pub(crate) failures: Vec<String>,
}

#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) arrays: usize,
    pub(crate) checked: usize,
    excluded: usize,
    reasons: BTreeMap<&'static str, usize>,
}

impl Tally {
    pub(crate) fn leave_out(&mut self, count: usize, reason: &'static str) {
        self.excluded += count;
        *self.reasons.entry(reason).or_default() += count;
    }
}

impl Tallies {
    pub(crate) fn of(&mut self, source: &str) -> &mut Tally {
        self.sources.entry(source.to_owned()).or_default()
    }

    /// Arrays that were compared.
    pub(crate) fn arrays(&self) -> usize {
        self.sources.values().map(|tally| tally.arrays).sum()
    }

    /// Elements that were equal.
    pub(crate) fn checked(&self) -> usize {
        self.sources.values().map(|tally| tally.checked).sum()
    }

    /// Prints what was checked and left out. At most one in `share` elements of a source may differ
    /// for a cited line.
    #[expect(
        clippy::print_stdout,
        reason = "the counts of what was checked and left out are part of the result"
    )]
    pub(crate) fn report(mut self, share: usize) -> Self {
        for (source, tally) in &self.sources {
            println!(
                "{source}: {} arrays, {} elements equal, {} excluded",
                tally.arrays, tally.checked, tally.excluded
            );
            for (reason, count) in &tally.reasons {
                println!("    {count} {reason}");
            }
            // What is left out by name as a whole (wrapping casts, whole roundings, masks) does not
            // count here.
            let cited: usize = tally
                .reasons
                .iter()
                .filter(|(reason, _)| reason.contains(": "))
                .map(|(_, count)| count)
                .sum();
            if cited * share > tally.checked + tally.excluded {
                self.failures
                    .push(format!("{source}: {cited} elements excluded, more than one in {share}"));
            }
        }
        println!(
            "{} arrays, {} elements equal, {} arrays differ",
            self.arrays(),
            self.checked(),
            self.failures.len()
        );
        self
    }

    pub(crate) fn assert_equal(&self) {
        assert!(
            self.failures.is_empty(),
            "{} arrays differ:\n{}",
            self.failures.len(),
            self.failures.join("\n")
        );
    }
}

#[test]
#[ignore = "needs the oracle folder in SUBHALF_ORACLE"]
fn oracle_arrays_are_reproduced() {
    let folder = std::env::var("SUBHALF_ORACLE").expect("SUBHALF_ORACLE names the oracle folder");
    run(Path::new(&folder)).assert_equal();
}

#[test]
fn golden_copy_is_reproduced() {
    run(Path::new(GOLDEN)).assert_equal();
}

#[test]
fn another_folder_of_the_same_manifest_is_read() {
    let folder = AnotherFolder::new(Path::new(GOLDEN), "arrays");
    let tallies = run(folder.path());
    tallies.assert_equal();
    assert!(tallies.checked() > 500_000, "{}", tallies.checked());
    // Changed elements are found, in every array.
    folder.change_each(&FOLDERS);
    assert_eq!(run(folder.path()).failures.len(), tallies.arrays());
}

/// The f64 on which other programs round twice: the inputs of `encode64`, of every format, as bits.
pub(crate) fn traps_for_f64() -> Vec<u64> {
    let folder = std::env::var("SUBHALF_ORACLE").map_or_else(|_| GOLDEN.into(), PathBuf::from);
    let oracle = Oracle::open(&folder);
    let inputs = oracle.entries.iter().filter(|entry| {
        entry.file.starts_with("encode64/") && entry.file.ends_with(".in_f64.u64.bin")
    });
    inputs.flat_map(|entry| oracle.array(&entry.file)).collect()
}

/// Checks every array of a folder.
fn run(folder: &Path) -> Tallies {
    let oracle = Oracle::open(folder);
    let mut tallies = Tallies::default();
    let mut failures = Vec::new();
    let known_folder =
        |entry: &&Entry| FOLDERS.contains(&entry.file.split('/').next().unwrap_or(""));
    for entry in oracle.entries.iter().filter(known_folder).filter(|entry| !entry.is_companion()) {
        let tally = tallies.of(&entry.source);
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
            Some(Known::Excluded(reason)) => {
                tally.leave_out(oracle.array(&entry.file).len(), reason);
            }
            Some(Known::Check(plan)) => {
                tally.arrays += 1;
                failures.extend(compare(&oracle, entry, &plan, tally).err());
            }
        }
    }
    tallies.failures = failures;
    // A small sample keeps all special inputs, so more of it is special.
    tallies.report(50)
}

fn compare(oracle: &Oracle, entry: &Entry, plan: &Plan, tally: &mut Tally) -> Result<(), String> {
    let expected = oracle.array(&entry.file);
    let inputs = inputs(oracle, entry, plan, expected.len())?;
    let mask =
        if entry.mask.is_empty() { vec![0; expected.len()] } else { oracle.array(&entry.mask) };
    let random =
        if entry.random.is_empty() { vec![0; expected.len()] } else { oracle.array(&entry.random) };
    let lengths = [inputs.len(), mask.len(), random.len()];
    if lengths.iter().any(|&length| length < expected.len()) {
        return Err(format!(
            "{}: {} elements; inputs, mask and random numbers: {lengths:?}",
            entry.file,
            expected.len()
        ));
    }
    let (mut wrong, mut first) = (0, String::new());
    for (i, &want) in expected.iter().enumerate() {
        let (input, code) = inputs[i];
        if mask[i] == 1 {
            tally.leave_out(1, "masked, the source has no answer");
            continue;
        }
        let found = if entry.kind == "decode" {
            let scaled = Unpacked::from_f64(plan.factor * plan.spec.decode_f64(code));
            decoded(plan, scaled, plan.spec.decode(code))
        } else {
            let code =
                plan.spec.encode_with((plan.before)(input), &plan.convert, random[i] as u32).code;
            let value = plan.spec.decode(code);
            (plan.after)(
                input,
                if plan.payload == Payload::Codes {
                    u64::from(code)
                } else {
                    decoded(plan, value, value)
                },
            )
        };
        let both_nan = plan.any_nan && is_nan(plan, want) && is_nan(plan, found);
        if found == want || both_nan {
            tally.checked += 1;
            continue;
        }
        if let Some((_, reason)) = plan.except.filter(|(except, _)| except(input, code)) {
            tally.leave_out(1, reason);
            continue;
        }
        wrong += 1;
        if wrong <= 6 {
            first += &format!(
                "\n    [{i}] {input} = {:e} (code {code:#x}): expected {want:#x}, found {found:#x}",
                input.to_f64()
            );
        }
    }
    if wrong == 0 {
        Ok(())
    } else {
        Err(format!("{}: {wrong} of {}{first}", entry.file, expected.len()))
    }
}

fn compare_arithmetic(
    oracle: &Oracle,
    entry: &Entry,
    array: &arith::Array,
    tally: &mut Tally,
) -> Result<(), String> {
    let (expected, count) = (oracle.array(&entry.file), array.spec().code_count() as u32);
    let all = u64::from(count).pow(array.operands());
    if expected.len() as u64 != all {
        return Err(format!("{}: {} elements, not {all}", entry.file, expected.len()));
    }
    let (mut wrong, mut first) = (0, String::new());
    for (i, want) in expected.iter().enumerate() {
        // Integers come with their sign in all bits of a byte.
        let want = want & u64::from(count - 1);
        let (a, b) = if array.operands() == 2 {
            (i as u32 / count, i as u32 % count)
        } else {
            (i as u32, 0)
        };
        let (found, nan) = array.result(a, b);
        let (value, wanted) = (array.spec().decode(found), array.spec().decode(want as u32));
        // formats.md 5.4: a NaN made by the processor has a sign of its own; a format without NaN
        // shows it as the sign of zero.
        let same_nan =
            nan && ((value.is_nan() && wanted.is_nan()) || (value.is_zero() && wanted.is_zero()));
        if u64::from(found) == want || same_nan {
            tally.checked += 1;
        } else {
            wrong += 1;
            if wrong <= 6 {
                first += &format!("\n    {a:#x}, {b:#x}: expected {want:#x}, found {found:#x}");
            }
        }
    }
    if wrong == 0 {
        Ok(())
    } else {
        Err(format!("{}: {wrong} of {}{first}", entry.file, expected.len()))
    }
}

/// The integers of `i32 values LOW..HIGH in order`, the words in place of an array of inputs.
fn in_order(inputs: &str) -> Option<RangeInclusive<i32>> {
    let (low, high) =
        inputs.strip_prefix("i32 values ")?.strip_suffix(" in order")?.split_once("..")?;
    Some(low.parse().ok()?..=high.parse().ok()?)
}

/// What is encoded (or the code that is decoded) for each element.
fn inputs(
    oracle: &Oracle,
    entry: &Entry,
    plan: &Plan,
    count: usize,
) -> Result<Vec<(Unpacked, u32)>, String> {
    let about = if entry.file.contains(".mxc.") {
        (plan.spec.smallest_positive().to_f32() / 2.0).to_bits()
    } else {
        plan.spec.bits() | u32::from(plan.spec.is_signed()) << 8
    };
    let name = entry.file.split_once('/').expect("a folder").1;
    Ok(match entry.kind.as_str() {
        "decode" => (0..count as u32).map(|code| (Unpacked::ZERO, code)).collect(),
        "cast" => {
            let from = plan::format(name.split("__to__").next().expect("a format"))
                .expect("a known format");
            (0..count as u32).map(|code| (from.decode(code), code)).collect()
        }
        _ => {
            if let Some(values) = in_order(&entry.inputs) {
                return Ok(values
                    .map(|value| (Unpacked::from_f64(f64::from(value)), about))
                    .collect());
            }
            if oracle.entry(&entry.inputs).is_none() {
                return Err(format!("{}: unknown inputs {:?}", entry.file, entry.inputs));
            }
            let double = entry.inputs.ends_with(".u64.bin");
            let value = |bits| {
                if double {
                    Unpacked::from_f64(f64::from_bits(bits))
                } else {
                    Unpacked::from_f32(f32::from_bits(bits as u32))
                }
            };
            oracle.array(&entry.inputs).into_iter().map(|bits| (value(bits), about)).collect()
        }
    })
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
