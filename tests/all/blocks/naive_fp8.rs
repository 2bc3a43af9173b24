//! NVFP4, FP8 and HiF8 presets that no program's output stands behind, computed a second time:
//! plain f32 loops over tables, which share no code with the crate. Inputs are the golden ones and
//! seeded random tensors.

use super::inputs::{Random, edge_blocks};
use crate::oracle::source::Oracle;
use std::path::Path;
use subhalf::{QuantTensor, preset};

/// The non-negative codes of a format and their values, ascending.
pub(super) type Table = Vec<(u32, f64)>;

pub(super) fn floats(mantissa_bits: u32, bias: i32, max_code: u32) -> Table {
    let value = |code: u32| {
        let (exponent, mantissa) =
            ((code >> mantissa_bits) as i32, f64::from(code & ((1 << mantissa_bits) - 1)));
        let unit = 2f64.powi(exponent.max(1) - bias - mantissa_bits as i32);
        if exponent == 0 {
            mantissa * unit
        } else {
            (mantissa + f64::from(1 << mantissa_bits)) * unit
        }
    };
    (0..=max_code).map(|code| (code, value(code))).collect()
}

pub(super) fn e4m3() -> Table {
    floats(3, 7, 0x7E)
}

pub(super) fn e5m2() -> Table {
    floats(2, 15, 0x7B)
}

pub(super) fn e2m1() -> Table {
    floats(1, 1, 7)
}

/// The table of all codes in formats.md 2.1.
fn hif8() -> Table {
    let mut table: Table = vec![(0, 0.0)];
    table.extend((1..8).map(|m| (m, 2f64.powi(m as i32 - 23))));
    let binades: [(u32, u32, i32); 14] = [
        (0x08, 8, 0),
        (0x10, 8, 1),
        (0x18, 8, -1),
        (0x20, 8, 2),
        (0x28, 8, 3),
        (0x30, 8, -2),
        (0x38, 8, -3),
        (0x40, 4, 4),
        (0x44, 4, 5),
        (0x48, 4, 6),
        (0x4C, 4, 7),
        (0x50, 4, -4),
        (0x54, 4, -5),
        (0x58, 4, -6),
    ];
    let pairs =
        (0..8).flat_map(|i| [(0x60 + 2 * i, 2, 8 + i as i32), (0x70 + 2 * i, 2, -8 - i as i32)]);
    for (first, steps, exponent) in binades.into_iter().chain([(0x5C, 4, -7)]).chain(pairs) {
        table.extend(
            (0..steps).map(|k| {
                (first + k, (1.0 + f64::from(k) / f64::from(steps)) * 2f64.powi(exponent))
            }),
        );
    }
    table.retain(|&(code, _)| code != 0x6F);
    table.sort_by(|a, b| a.1.total_cmp(&b.1));
    table
}

/// The code nearest to a number, in the last entry's place above it. Ties go to the even code, or
/// away from zero.
fn nearest(table: &Table, x: f64, away: bool) -> u32 {
    let mut best = 0;
    for i in 1..table.len() {
        let middle = (table[i - 1].1 + table[i].1) / 2.0;
        if x.abs() > middle || (x.abs() == middle && (away || table[i].0.is_multiple_of(2))) {
            best = i;
        }
    }
    table[best].0
}

/// With a sign bit of this weight.
pub(super) fn signed(table: &Table, sign: u32, x: f32) -> u32 {
    nearest(table, x.into(), false) | if x.is_sign_negative() { sign } else { 0 }
}

pub(super) fn decode(table: &Table, sign: u32, code: u32) -> f32 {
    match table.iter().find(|(known, _)| *known == code & !sign) {
        Some(&(_, value)) => value as f32 * if code & sign == 0 { 1.0 } else { -1.0 },
        None => f32::NAN,
    }
}

/// The smallest power of two from 2^-127 to 2^127 that is not below, as its code.
pub(super) fn ceil_code(x: f32) -> u32 {
    if x.is_nan() {
        return 255;
    }
    (0..254).find(|&code| 2f64.powi(code - 127) >= f64::from(x)).unwrap_or(254) as u32
}

pub(super) fn power(code: u32) -> f32 {
    if code == 255 { f32::NAN } else { 2f64.powi(code as i32 - 127) as f32 }
}

/// C's fmaxf: NaN is passed over.
pub(super) fn fmax(block: &[f32]) -> f32 {
    block.iter().fold(0.0, |amax, x| if x.abs() > amax { x.abs() } else { amax })
}

/// torch's amax: NaN if there is one.
pub(super) fn amax(block: &[f32]) -> f32 {
    if block.iter().any(|x| x.is_nan()) { f32::NAN } else { fmax(block) }
}

fn finite_amax(block: &[f32]) -> f32 {
    block.iter().filter(|x| x.is_finite()).fold(0.0, |amax, x| amax.max(x.abs()))
}

/// A block's scale code, its element codes and the numbers that come back.
type Block = (u32, Vec<u32>, Vec<f32>);

/// Elements of FP8 by a function of the number, under NaN's code for an element that is NaN and for
/// one that became it.
fn fp8(
    table: &Table,
    block: &[f32],
    scale: (u32, f32),
    scaled: impl Fn(f32) -> f32,
    nan: fn(f32) -> u32,
) -> Block {
    let code = |&x: &f32| {
        let y = scaled(x);
        if y.is_nan() {
            nan(if x.is_nan() && !scale.1.is_nan() { x } else { f32::NAN })
        } else {
            signed(table, 0x80, y)
        }
    };
    let codes: Vec<u32> = block.iter().map(code).collect();
    let values = codes.iter().map(|&code| decode(table, 0x80, code) * scale.1).collect();
    (scale.0, codes, values)
}

fn positive_nan(_: f32) -> u32 {
    0x7F
}

/// torch keeps the sign of a NaN.
fn signed_nan(x: f32) -> u32 {
    if x.is_sign_negative() { 0xFF } else { 0x7F }
}

fn plain(table: &Table, max: f32, power_of_two: bool, block: &[f32]) -> Block {
    let amax = finite_amax(block);
    let scale = match (amax, power_of_two) {
        (0.0, true) => (127, 1.0),
        (_, false) if amax / max == 0.0 => (1f32.to_bits(), 1.0),
        (_, false) => {
            let s = (amax / max).max(f32::MIN_POSITIVE);
            (s.to_bits(), s)
        }
        // The exact quotient, in f64, is above a power of two or is it.
        (_, true) => {
            let code = (0..255)
                .find(|&code| f64::from(amax) <= f64::from(max) * 2f64.powi(code - 127))
                .expect("a scale") as u32;
            (code, power(code))
        }
    };
    // The f64 quotient lies on the side of every 5-bit midpoint that the exact one lies on.
    let code = |&x: &f32| {
        let y = f64::from(x) / f64::from(scale.1);
        let sign = if x.is_sign_negative() { 0x80 } else { 0 };
        // The quiet bit alone: all of E4M3's NaN, the upper of two bits in E5M2.
        let nan = if max == 448.0 { 0x7F } else { 0x7E };
        if x.is_nan() { nan } else { nearest(table, y, false) | sign }
    };
    let codes: Vec<u32> = block.iter().map(code).collect();
    let values = codes.iter().map(|&code| decode(table, 0x80, code) * scale.1).collect();
    (scale.0, codes, values)
}

/// Transformer Engine's `compute_scale_from_amax`: the factor of the elements.
fn te_factor(max: f32, amax: f32) -> f32 {
    if amax == 0.0 || amax.is_infinite() {
        return 1.0;
    }
    let factor = max / amax;
    if factor.is_infinite() { f32::MAX } else { factor }
}

fn te_fp8(table: &Table, max: f32, power_of_two: bool, block: &[f32]) -> Block {
    let factor = te_factor(max, fmax(block));
    if power_of_two {
        let factor = f32::from_bits(factor.to_bits() & 0xFF80_0000);
        let inverse = 1.0 / factor;
        return fp8(table, block, (ceil_code(inverse), inverse), |x| x * factor, positive_nan);
    }
    let inverse = 1.0 / factor;
    fp8(table, block, (inverse.to_bits(), inverse), |x| x * factor, positive_nan)
}

fn te_mx(table: &Table, max: f32, block: &[f32]) -> Block {
    let product = fmax(block) * (1.0 / max);
    let code = ceil_code(product);
    let factor = match code {
        255 => f32::NAN,
        254 => 2f64.powi(-127) as f32,
        code => f32::from_bits((254 - code) << 23),
    };
    fp8(table, block, (code, power(code)), |x| x * factor, positive_nan)
}

fn deepseek(least: f32, power_of_two: bool, block: &[f32]) -> Block {
    let mut s = fmax(block).max(least) / 448.0;
    let mut code = s.to_bits();
    if power_of_two {
        // ceil(log2f(s)), by f64's logarithm rounded to f32.
        code = ((f64::from(s).log2() as f32).ceil().clamp(-127.0, 127.0) + 127.0) as u32;
        s = power(code);
    }
    fp8(&e4m3(), block, (code, s), |x| x / s, positive_nan)
}

fn deepgemm(power_of_two: bool, block: &[f32]) -> Block {
    let amax = amax(block);
    let mut s = if amax < 1e-4 { 1e-4 } else { amax } / 448.0;
    let mut code = s.to_bits();
    if power_of_two {
        let exponent = (s.to_bits() >> 23 & 0xFF) + u32::from(s.to_bits() & 0x7F_FFFF != 0);
        code = exponent.clamp(1, 254);
        s = power(code);
    }
    fp8(&e4m3(), block, (code, s), |x| x * (1.0 / s), signed_nan)
}

fn torchao(table: &Table, max: f32, block: &[f32]) -> Block {
    let s = amax(block) / max;
    fp8(table, block, (s.to_bits(), s), |x| x / s, signed_nan)
}

fn hif8_tensor(target: f32, block: &[f32]) -> Block {
    let amax = finite_amax(block);
    let s = if amax / target == 0.0 { 1.0 } else { (amax / target).max(f32::MIN_POSITIVE) };
    let table = hif8();
    let code = |&x: &f32| match nearest(&table, f64::from(x) / f64::from(s), true) {
        _ if x.is_nan() => 0x80,
        0 => 0,
        code => code | if x < 0.0 { 0x80 } else { 0 },
    };
    let codes: Vec<u32> = block.iter().map(code).collect();
    let values = codes
        .iter()
        .map(|&code| if code == 0x80 { f32::NAN } else { decode(&table, 0x80, code) * s })
        .collect();
    (s.to_bits(), codes, values)
}

pub(super) fn scale_code(x: f32) -> u32 {
    if x.is_nan() { 0x7F } else { nearest(&e4m3(), x.into(), false) }
}

fn te_nvfp4(block: &[f32], tensor_amax: f32) -> Block {
    let t = if tensor_amax == 0.0 { 1.0 } else { (2688.0 / tensor_amax).min(f32::MAX) };
    let code = scale_code((fmax(block) * (t * (1.0 / 6.0))).min(f32::MAX));
    let s = decode(&e4m3(), 0x80, code);
    let factor = (1.0 / (s * (1.0 / t))).min(f32::MAX);
    let codes: Vec<u32> = block
        .iter()
        .map(|&x| if x.is_nan() { 7 } else { signed(&e2m1(), 8, x * factor) })
        .collect();
    let back = s * tensor_amax * (1.0f64 / 2688.0) as f32;
    let values = codes.iter().map(|&code| decode(&e2m1(), 8, code) * back).collect();
    (code, codes, values)
}

/// Whose 4over6.
#[derive(Clone, Copy, PartialEq)]
enum Author {
    TransformerEngine,
    Reference,
}

fn four_over_six(
    author: Author,
    bound: f32,
    metric: char,
    block: &[f32],
    tensor_amax: f32,
) -> Block {
    let target = bound * 6.0;
    let t = if tensor_amax == 0.0 { 1.0 } else { (target / tensor_amax).min(f32::MAX) };
    let amax = if author == Author::Reference { amax(block) } else { fmax(block) };
    let base = amax / 6.0 * t;
    let candidate = |expand: f32| {
        let code = scale_code((base * expand).min(if base.is_nan() { f32::NAN } else { 448.0 }));
        let s = decode(&e4m3(), 0x80, code);
        let mut factor = 1.0 / (s * (1.0 / t));
        if author == Author::TransformerEngine {
            factor = factor.min(f32::MAX);
        }
        let element = |&x: &f32| match x * factor {
            _ if author == Author::Reference && s == 0.0 => 0,
            y if y.is_nan() => 7,
            y if author == Author::Reference && y == 0.0 => 0,
            y => signed(&e2m1(), 8, y),
        };
        let codes: Vec<u32> = block.iter().map(element).collect();
        let judged: Vec<f32> =
            codes.iter().map(|&code| decode(&e2m1(), 8, code) * s * tensor_amax / target).collect();
        let mut error = 0f32;
        for (value, x) in judged.iter().zip(block) {
            let difference = value - x;
            match metric {
                'e' => error += difference.abs(),
                's' => error += difference * difference,
                _ => error = error.max(difference.abs()),
            }
        }
        let back = s * tensor_amax * (1.0 / f64::from(target)) as f32;
        let values = match author {
            Author::Reference => judged,
            Author::TransformerEngine => {
                codes.iter().map(|&code| decode(&e2m1(), 8, code) * back).collect()
            }
        };
        (error, (code, codes, values))
    };
    let (six, four) = (candidate(1.0), candidate(1.5));
    if four.0 < six.0 { four.1 } else { six.1 }
}

fn four_over_six_static(max: f32, block: &[f32], tensor_amax: f32) -> Block {
    let target = max * 448.0;
    let t = if tensor_amax == 0.0 { 1.0 } else { (target / tensor_amax).min(f32::MAX) };
    let code = scale_code(amax(block) / max * t);
    let s = decode(&e4m3(), 0x80, code);
    let factor = 1.0 / (s * (1.0 / t));
    let element = |&x: &f32| match x * factor {
        _ if s == 0.0 => (0, 0.0),
        y if y.is_nan() => (7, max),
        y if max == 7.0 => {
            let whole = y.round_ties_even().clamp(-7.0, 7.0);
            (whole as i32 as u32 & 15, whole + 0.0)
        }
        0.0 => (0, 0.0),
        y => (signed(&e2m1(), 8, y), decode(&e2m1(), 8, signed(&e2m1(), 8, y))),
    };
    let (codes, quotients): (Vec<u32>, Vec<f32>) = block.iter().map(element).unzip();
    let values = quotients.iter().map(|q| q * s * tensor_amax / target).collect();
    (code, codes, values)
}

/// A preset, the rows and columns of its blocks (0: all), and its naive form, which gets a block
/// and the largest finite number of the tensor.
type Scheme = (&'static str, (usize, usize), Naive);
type Naive = Box<dyn Fn(&[f32], f32) -> Block>;

fn schemes() -> Vec<Scheme> {
    let mut all: Vec<Scheme> = vec![];
    let mut add = |name, tile, naive: Naive| all.push((name, tile, naive));
    let (row, tile, tensor, line) = ((1, 128), (128, 128), (0, 0), (1, 0));
    let formats = || [("E4M3", e4m3(), 448.0), ("E5M2", e5m2(), 57344.0)];
    for (format, table, max) in formats() {
        let leak = |name: &str| -> &'static str { String::leak(name.replace('@', format)) };
        let plain_of =
            |pow2, table: Table| Box::new(move |x: &[f32], _| plain(&table, max, pow2, x));
        add(leak("generic::FP8_@_TENSOR"), tensor, plain_of(false, table.clone()));
        add(leak("generic::FP8_@_ROW"), line, plain_of(false, table.clone()));
        if format == "E4M3" {
            add("generic::FP8_E4M3_1X128", row, plain_of(false, table.clone()));
            add("generic::FP8_E4M3_128X128", tile, plain_of(false, table.clone()));
            add("generic::FP8_E4M3_1X128_UE8M0", row, plain_of(true, table.clone()));
            add("generic::FP8_E4M3_128X128_UE8M0", tile, plain_of(true, table.clone()));
        }
        let te_of = |pow2, table: Table| Box::new(move |x: &[f32], _| te_fp8(&table, max, pow2, x));
        add(leak("transformer_engine::FP8_@_TENSOR"), tensor, te_of(false, table.clone()));
        add(leak("transformer_engine::FP8_@_1X128"), row, te_of(false, table.clone()));
        add(leak("transformer_engine::FP8_@_128X128"), tile, te_of(false, table.clone()));
        add(leak("transformer_engine::FP8_@_1X128_POW2"), row, te_of(true, table.clone()));
        add(leak("transformer_engine::FP8_@_128X128_POW2"), tile, te_of(true, table.clone()));
        let mx = table.clone();
        add(leak("transformer_engine::MXFP8_@"), (1, 32), Box::new(move |x, _| te_mx(&mx, max, x)));
        let torch_of = |table: Table| Box::new(move |x: &[f32], _| torchao(&table, max, x));
        add(leak("torchao::FP8_@_TENSOR"), tensor, torch_of(table.clone()));
        add(leak("torchao::FP8_@_ROW"), line, torch_of(table.clone()));
    }
    add("deepseek::v3::FP8_E4M3_1X128", row, Box::new(|x, _| deepseek(0.0, false, x)));
    add("deepseek::v3::FP8_E4M3_128X128", tile, Box::new(|x, _| deepseek(0.0, false, x)));
    add("deepseek::v3_1::FP8_E4M3_1X128", row, Box::new(|x, _| deepseek(1e-4, true, x)));
    add("deepseek::v3_1::FP8_E4M3_128X128", tile, Box::new(|x, _| deepseek(1e-4, true, x)));
    add("deepgemm::FP8_E4M3_1X128", row, Box::new(|x, _| deepgemm(false, x)));
    add("deepgemm::FP8_E4M3_128X128", tile, Box::new(|x, _| deepgemm(false, x)));
    add("deepgemm::FP8_E4M3_1X128_UE8M0", row, Box::new(|x, _| deepgemm(true, x)));
    add("deepgemm::FP8_E4M3_128X128_UE8M0", tile, Box::new(|x, _| deepgemm(true, x)));
    add("generic::HIF8_TENSOR", tensor, Box::new(|x, _| hif8_tensor(32768.0, x)));
    add("generic::HIF8_TENSOR_TO_15", tensor, Box::new(|x, _| hif8_tensor(15.0, x)));
    add("generic::HIF8_TENSOR_TO_224", tensor, Box::new(|x, _| hif8_tensor(224.0, x)));
    let (te, reference) = (Author::TransformerEngine, Author::Reference);
    for (name, author, bound, metric) in [
        ("transformer_engine::NVFP4_4OVER6_MAE", te, 256.0, 'e'),
        ("transformer_engine::NVFP4_4OVER6_MSE", te, 256.0, 's'),
        ("transformer_engine::NVFP4_4OVER6_448_MAE", te, 448.0, 'e'),
        ("transformer_engine::NVFP4_4OVER6_448_MSE", te, 448.0, 's'),
        ("fouroversix::NVFP4_MAE", reference, 256.0, 'e'),
        ("fouroversix::NVFP4_MSE", reference, 256.0, 's'),
        ("fouroversix::NVFP4_MAX", reference, 256.0, 'm'),
    ] {
        add(
            name,
            (1, 16),
            Box::new(move |x, tensor| four_over_six(author, bound, metric, x, tensor)),
        );
    }
    add("transformer_engine::NVFP4", (1, 16), Box::new(te_nvfp4));
    add("transformer_engine::NVFP4_16X16", (16, 16), Box::new(te_nvfp4));
    add(
        "fouroversix::NVFP4_MSE_16X16",
        (16, 16),
        Box::new(|x, tensor| four_over_six(Author::Reference, 256.0, 's', x, tensor)),
    );
    add(
        "fouroversix::NVFP4_STATIC",
        (1, 16),
        Box::new(|x, tensor| four_over_six_static(6.0, x, tensor)),
    );
    add("fouroversix::NVINT4", (1, 16), Box::new(|x, tensor| four_over_six_static(7.0, x, tensor)));
    all
}

/// A number with exponents from a range.
fn number(random: &mut Random, low: i64, high: i64) -> f32 {
    let word = random.word();
    let exponent = low + (word >> 40) as i64 % (high - low + 1);
    f32::from_bits(
        (word as u32 & 0x8000_0000)
            | ((exponent + 127) as u32) << 23
            | (word >> 8) as u32 & 0x7F_FFFF,
    )
}

/// Rows, columns and numbers.
pub(super) fn inputs() -> Vec<(usize, usize, Vec<f32>)> {
    let oracle = Oracle::open(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden"));
    let golden = oracle.entries.iter().filter(|entry| {
        entry.file.starts_with("block/") && matches!(entry.kind.as_str(), "" | "block_in")
    });
    let mut all = Vec::new();
    for entry in golden {
        let (numbers, cols) = (oracle.floats(&entry.file), entry.shape[1]);
        all.push((entry.shape[0], cols, numbers.clone()));
        // Rows of several blocks, the last of them short.
        let wide = 8 * cols + cols / 2;
        all.push((numbers.len() / wide, wide, numbers[..numbers.len() / wide * wide].to_vec()));
    }
    all.retain(|(rows, ..)| *rows > 0);
    let mut random = Random::new(6);
    let ranges = [(-3, 3), (-12, 4), (-127, -100), (-60, 60), (100, 127), (-127, 127), (-20, -10)];
    for (low, high) in ranges {
        all.push((19, 151, (0..19 * 151).map(|_| number(&mut random, low, high)).collect()));
    }
    all.push((130, 140, (0..130 * 140).map(|_| number(&mut random, -6, 2)).collect()));
    // Multiples of a quarter: ties; with rows of zeros, −0 and f32 subnormals between them.
    let quarters = (0..40 * 33).map(|i| match i / 33 % 8 {
        0 => 0.0,
        1 => -0.0,
        2 => f32::from_bits(random.word() as u32 & 0x8000_FFFF),
        _ => (random.word() % 97) as f32 / 4.0 - 12.0,
    });
    all.push((40, 33, quarters.collect()));
    let special = [f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY];
    let mut wild: Vec<f32> = (0..24 * 200).map(|_| number(&mut random, -8, 8)).collect();
    for i in (0..wild.len()).step_by(331) {
        wild[i] = special[i % 4];
    }
    all.push((24, 200, wild));
    all.extend(edge_blocks(48).into_iter().map(|block| (1, 48, block)));
    all.push((1, 1, vec![0.0]));
    all.push((1, 1, vec![f32::MAX]));
    all.push((1, 2, vec![f32::from_bits(1), -f32::from_bits(1)]));
    all
}

fn check(scheme: &Scheme, rows: usize, cols: usize, x: &[f32]) -> Result<(), String> {
    let (name, (tile_rows, tile_cols), naive) = scheme;
    let spec = preset::by_name(name).unwrap_or_else(|error| panic!("{error}")).spec;
    let tensor = QuantTensor::quantize(&spec, x, &[rows, cols]).expect("a tensor");
    let (view, back) = (tensor.view(), tensor.dequantize());
    let height = if *tile_rows == 0 { rows } else { *tile_rows };
    let width = if *tile_cols == 0 { cols } else { *tile_cols };
    let same = |a: f32, b: f32| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan());
    let mut block = 0;
    for top in (0..rows).step_by(height) {
        for left in (0..cols).step_by(width) {
            let down = top..(top + height).min(rows);
            let places: Vec<usize> = down
                .flat_map(|row| (left..(left + width).min(cols)).map(move |col| row * cols + col))
                .collect();
            let numbers: Vec<f32> = places.iter().map(|&place| x[place]).collect();
            let (scale, codes, values) = naive(&numbers, finite_amax(x));
            let found = view.scale_code(block);
            let fail = |what: String| {
                Err(format!(
                    "{name}, {rows}x{cols}, block {block}, amax {:e}: {what}",
                    fmax(&numbers)
                ))
            };
            if found != scale && !same(f32::from_bits(found), f32::from_bits(scale)) {
                return fail(format!("scale {found:#x}, {scale:#x}"));
            }
            for (i, &place) in places.iter().enumerate() {
                let (code, x) = (view.code(place).expect("an element"), x[place]);
                if code != codes[i] {
                    return fail(format!(
                        "{x:e} ({:#x}): code {code:#x}, {:#x}",
                        x.to_bits(),
                        codes[i]
                    ));
                }
                if !same(back[place], values[i]) {
                    return fail(format!("{x:e}: {:e}, {:e}", back[place], values[i]));
                }
            }
            block += 1;
        }
    }
    Ok(())
}

#[test]
fn presets_equal_their_naive_forms() {
    let inputs = inputs();
    let first = |scheme: &Scheme| {
        inputs.iter().find_map(|(rows, cols, x)| check(scheme, *rows, *cols, x).err())
    };
    let failures: Vec<String> = schemes().iter().filter_map(first).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// The presets that are compared here.
pub(super) fn names() -> Vec<String> {
    schemes().iter().map(|(name, ..)| (*name).to_owned()).collect()
}
