//! Outputs of real GPUs, row by row: 100 rows of each set in `tests/golden/mma`, all of them in the
//! oracle folder.

use std::path::{Path, PathBuf};
use subhalf::unit::{MatrixUnit, ada, ampere, blackwell, hopper, imma, volta};
use subhalf::{
    Accumulator, Combine, FormatSpec, KSchedule, Matmul, MmaBuilder, MmaSpec, Operand, Round,
    UnitAcc,
};

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/mma");

/// The rows of one GPU, input and accumulator.
struct Set {
    file: String,
    unit: MmaSpec,
    rows: Vec<Row>,
}

#[derive(Clone)]
struct Row {
    a: Vec<u32>,
    b: Vec<u32>,
    /// C and the result as codes of the accumulator.
    c: u32,
    d: u32,
}

fn unit_of(unit: &str, input: &str, accumulator: &str) -> MatrixUnit {
    match (unit, input, accumulator) {
        ("volta hmma", "fp16", "fp32") => volta::HMMA_F16,
        ("volta hmma", "fp16", "fp16") => volta::HMMA_F16_F16,
        ("ampere hmma" | "ada hmma", "fp16", "fp32") => ampere::HMMA_F16,
        ("ampere hmma" | "ada hmma", "fp16", "fp16") => ampere::HMMA_F16_F16,
        ("ampere hmma" | "ada hmma", "bf16", "fp32") => ampere::HMMA_BF16,
        ("ampere hmma" | "ada hmma", "tf32", "fp32") => ampere::HMMA_TF32,
        ("ada qmma", _, "fp32") => ada::QMMA_FP8,
        ("ada qmma", _, "fp16") => ada::QMMA_FP8_F16,
        ("hopper/blackwell hmma", "fp16", "fp32") => hopper::HMMA_F16,
        ("hopper/blackwell hmma", "fp16", "fp16") => hopper::HMMA_F16_F16,
        ("hopper/blackwell hmma", "bf16", "fp32") => hopper::HMMA_BF16,
        ("hopper/blackwell hmma", "tf32", "fp32") => hopper::HMMA_TF32_K4,
        ("hopper hmma, k = 8", "tf32", "fp32") => hopper::HMMA_TF32_K8,
        ("hopper wgmma", "fp16", "fp32") => hopper::WGMMA_F16,
        ("hopper wgmma", "fp16", "fp16") => hopper::WGMMA_F16_F16,
        ("hopper wgmma", "bf16", "fp32") => hopper::WGMMA_BF16,
        ("hopper wgmma", "tf32", "fp32") => hopper::WGMMA_TF32,
        ("hopper wgmma" | "hopper wgmma, c = 0", _, "fp32") => hopper::WGMMA_FP8,
        ("hopper wgmma", _, "fp16") => hopper::WGMMA_FP8_F16,
        // The unit is what the library's SASS shows; where C is zero, wgmma's on Hopper.
        ("scaled_mm", _, "fp32") => hopper::WGMMA_FP8,
        ("imma", "int8", "int32") => imma::S8,
        ("imma satfinite", "int8", "int32") => imma::S8_SATFINITE,
        ("mma.sync on sm_90/sm_100", _, "fp32") => hopper::MMA_SYNC_FP8,
        ("mma.sync on sm_90/sm_100", _, "fp16") => hopper::MMA_SYNC_FP8_F16,
        _ => panic!("no unit for {unit}, {input}, {accumulator}"),
    }
}

fn sets(folder: &Path) -> Vec<Set> {
    let read = |name: &str| {
        let path = folder.join(name);
        std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    let manifest = String::from_utf8(read("manifest.tsv")).unwrap();
    let mut lines = manifest.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    let header = lines.next().unwrap();
    let column = |name| header.iter().position(|column| *column == name).unwrap();
    let [file, input, accumulator, k, bits, unit] =
        ["file", "input", "accumulator", "k", "code_bits", "unit"].map(column);
    lines
        .map(|line| {
            let format = match line[input] {
                "fp16" => FormatSpec::F16,
                "bf16" => FormatSpec::BF16,
                "tf32" => FormatSpec::TF32,
                "E4M3" => FormatSpec::F8E4M3,
                "E5M2" => FormatSpec::F8E5M2,
                "int8" => FormatSpec::INT8,
                other => panic!("{other}"),
            };
            let unit = unit_of(line[unit], line[input], line[accumulator]);
            let unit = unit.spec(format, format).unwrap();
            let (k, bytes): (usize, usize) =
                (line[k].parse().unwrap(), line[bits].parse::<usize>().unwrap() / 8);
            let data = read(line[file]);
            let code = |bytes: &[u8]| {
                let code = bytes.iter().rev().fold(0, |code, byte| code << 8 | u32::from(*byte));
                // TF32 is stored as the f32 that it is the top of.
                if bytes.len() == 4 { code >> 13 } else { code }
            };
            let acc = |bytes: &[u8]| {
                let bits = u32::from_le_bytes(bytes.try_into().unwrap());
                match unit.acc() {
                    UnitAcc::F32 | UnitAcc::I32 => bits,
                    // A NaN keeps its payload.
                    UnitAcc::F16 if f32::from_bits(bits).is_nan() => {
                        bits >> 16 & 0x8000 | 0x7C00 | bits >> 13 & 0x3FF
                    }
                    UnitAcc::F16 => FormatSpec::F16.encode_f32(f32::from_bits(bits)),
                }
            };
            let rows = data.chunks_exact(2 * k * bytes + 8).map(|row| {
                let (a, rest) = row.split_at(k * bytes);
                let (b, rest) = rest.split_at(k * bytes);
                let codes = |side: &[u8]| side.chunks_exact(bytes).map(code).collect();
                Row { a: codes(a), b: codes(b), c: acc(&rest[..4]), d: acc(&rest[4..]) }
            });
            Set { file: line[file].to_owned(), unit, rows: rows.collect() }
        })
        .collect()
}

impl Set {
    /// Rows whose result a unit does not have.
    fn differing(&self, unit: &MmaSpec) -> usize {
        let differs = |row: &&Row| unit.dot(&row.a, &row.b, row.c).unwrap() != row.d;
        self.rows.iter().filter(differs).count()
    }

    /// Rows whose result the matrix product under the unit does not have.
    fn differing_products(&self, schedule: KSchedule) -> usize {
        // C of integers is not a part of the sum: f32s do not hold it.
        if self.unit.acc() == UnitAcc::I32 {
            return 0;
        }
        let accumulator = Accumulator::unit(self.unit, schedule);
        let f32_of = |code| {
            let number = match self.unit.acc() {
                UnitAcc::F16 => FormatSpec::F16.decode_f32(code),
                _ => f32::from_bits(code),
            };
            // Products have one NaN.
            if number.is_nan() { f32::from_bits(0x7FC0_0000) } else { number }
        };
        let differs = |row: &&Row| {
            let shape = [1, row.a.len()];
            let a = Operand::codes(self.unit.a(), &row.a, &shape).unwrap();
            let b = Operand::codes(self.unit.b(), &row.b, &shape).unwrap();
            let c = [f32_of(row.c)];
            let product = Matmul::new().accumulator(accumulator).addend(&c).multiply(a, b);
            product.unwrap()[0].to_bits() != f32_of(row.d).to_bits()
        };
        self.rows.iter().filter(differs).count()
    }
}

fn check_all(sets: &[Set]) -> usize {
    for set in sets {
        assert_eq!(set.differing(&set.unit), 0, "{}", set.file);
        assert_eq!(set.differing_products(KSchedule::InOrder), 0, "{}", set.file);
    }
    sets.iter().map(|set| set.rows.len()).sum()
}

#[test]
fn rows_of_real_gpus_are_reproduced() {
    let sets = sets(Path::new(GOLDEN));
    assert_eq!((sets.len(), check_all(&sets)), (48, 4800));
    // A changed result is found.
    let mut changed = sets;
    changed[7].rows[50].d ^= 1;
    assert_eq!(changed[7].differing(&changed[7].unit.clone()), 1);
}

fn oracle_folder() -> PathBuf {
    std::env::var("SUBHALF_ORACLE").expect("SUBHALF_ORACLE names the oracle folder").into()
}

fn oracle() -> PathBuf {
    oracle_folder().join("mma-rows")
}

#[test]
#[ignore = "needs the oracle folder in SUBHALF_ORACLE"]
#[expect(clippy::print_stdout, reason = "the counts are part of the result")]
fn oracle_rows_of_real_gpus_are_reproduced() {
    let sets = sets(&oracle());
    let rows = check_all(&sets);
    println!("{} sets, {rows} rows of real GPUs equal, 0 differ", sets.len());
    // The published rows have all of theirs; a folder of rows that were measured since has any.
    let published = sets.iter().any(|set| set.file.starts_with("v100"));
    let (least_sets, least_rows) = if published { (48, 48_000) } else { (1, 1) };
    assert!(sets.len() >= least_sets && rows >= least_rows);
}

/// A unit with one part changed.
type Change = (&'static str, fn(MmaBuilder, &MmaSpec) -> MmaBuilder);

/// Changes of one part, each of which must show.
const CHANGES: [Change; 4] = [
    ("a bit less", |unit, of| unit.keep(of.keep().unwrap() - 1)),
    ("a bit more", |unit, of| unit.keep(of.keep().unwrap() + 1)),
    ("half the fan-in", |unit, of| unit.fan_in(of.fan_in() as u16 / 2)),
    ("another rounding", |unit, of| match of.rounding() {
        (_, 13) => unit.round(Round::TowardZero, 23),
        _ => unit.round(Round::NearestEven, 23),
    }),
];

/// Rows of a thousand that differ when one part of the unit is changed.
fn per_thousand(set: &Set, (_, change): &Change) -> usize {
    let changed = change(set.unit.to_builder(), &set.unit).build().unwrap();
    set.differing(&changed) * 1000 / set.rows.len()
}

const SHARP: [&str; 5] = [
    "v100_fp16_fp32.bin",
    "a100_bf16_fp32.bin",
    "h200_bf16_fp32.bin",
    "h200_e5m2_fp32.bin",
    "ada_e4m3_fp32.bin",
];

#[test]
#[ignore = "needs the oracle folder in SUBHALF_ORACLE"]
#[expect(clippy::print_stdout, reason = "the counts are part of the result")]
fn oracle_rows_tell_other_units_apart() {
    for set in sets(&oracle()).iter().filter(|set| SHARP.contains(&&*set.file)) {
        for change in &CHANGES {
            let found = per_thousand(set, change);
            println!("{}: {}: {found} of 1,000 rows differ", set.file, change.0);
            assert!(found >= 30, "{}: {}: {found}", set.file, change.0);
        }
        if set.file.starts_with("ada") {
            let doubled = set.unit.to_builder().fan_in(32).build().unwrap();
            assert!(set.differing(&doubled) * 1000 >= 30 * set.rows.len());
        }
    }
}

#[test]
fn a_few_rows_tell_other_units_apart() {
    for set in sets(Path::new(GOLDEN)).iter().filter(|set| SHARP.contains(&&*set.file)) {
        for change in &CHANGES {
            assert!(per_thousand(set, change) > 0, "{}: {}", set.file, change.0);
        }
    }
}

/// Says for the products of a library under which unit and order of K they come out, set by set.
#[test]
#[ignore = "needs rows of tests/gpu/scaled_mm.py in SUBHALF_ORACLE"]
#[expect(clippy::print_stdout, reason = "the shares are the result")]
fn oracle_products_of_a_library_by_schedule() {
    let promoted = [64, 128, 256, 512].map(|every| KSchedule::promoted(every, Combine::Add));
    for set in sets(&oracle_folder().join("scaled-mm")) {
        let k = set.rows[0].a.len();
        let splits = [2, 4].map(|parts| KSchedule::split_k(k / parts));
        let mut shares = Vec::new();
        for unit in [hopper::WGMMA_FP8, hopper::MMA_SYNC_FP8, blackwell::F8F6F4, ada::QMMA_FP8] {
            let spec = unit.spec(*set.unit.a(), *set.unit.b()).unwrap();
            for schedule in [KSchedule::InOrder].iter().chain(&promoted).chain(&splits) {
                let changed = Set { file: String::new(), unit: spec, rows: set.rows.clone() };
                let equal = set.rows.len() - changed.differing_products(*schedule);
                shares.push((equal, format!("{} {schedule:?}", unit.name)));
            }
        }
        shares.sort_by_key(|(equal, _)| core::cmp::Reverse(*equal));
        let best: Vec<String> =
            shares.iter().take(3).map(|(equal, name)| format!("{name} {equal}")).collect();
        println!("{}, {} rows: {}", set.file, set.rows.len(), best.join(", "));
    }
}
