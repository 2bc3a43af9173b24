//! Where two schemes disagree: how many scales and codes, and the first of them with their inputs.

use super::measure::flattened;
use super::pieces::quantizer;
use super::table::{Side, Table, tail};
use super::weights::{Values, Weights, one_line};
use crate::failure::Failure;
use std::io::Write;
use subhalf::preset::Preset;
use subhalf::{BlockStats, ErrorStats, Exec, FormatSpec, QuantTensor, QuantView, TensorScale};

/// Differences that are shown of each kind: the first of each tensor, and of all.
const SHOWN_OF_TENSOR: usize = 3;
const SHOWN: usize = 12;
const LONGEST_NAME: usize = 22;

/// Counts of one tensor, or of all.
#[derive(Clone, Copy, Default)]
struct Counts {
    blocks: usize,
    scales: usize,
    /// Scales that differ of blocks of nothing but zeros.
    zero_blocks: usize,
    elements: usize,
    codes: usize,
    /// Codes that differ in the sign of a zero only.
    zeros: usize,
    values: usize,
}

impl Counts {
    fn plus(self, other: Self) -> Self {
        Self {
            blocks: self.blocks + other.blocks,
            scales: self.scales + other.scales,
            zero_blocks: self.zero_blocks + other.zero_blocks,
            elements: self.elements + other.elements,
            codes: self.codes + other.codes,
            zeros: self.zeros + other.zeros,
            values: self.values + other.values,
        }
    }
}

/// The first differences, as rows of tables: those of zeros apart, as they hide the others.
#[derive(Default)]
struct First {
    scales: Vec<[String; 7]>,
    zero_blocks: Vec<[String; 7]>,
    codes: Vec<[String; 7]>,
    zeros: Vec<[String; 7]>,
}

impl First {
    fn append(&mut self, next: Self) {
        self.scales.extend(next.scales);
        self.zero_blocks.extend(next.zero_blocks);
        self.codes.extend(next.codes);
        self.zeros.extend(next.zeros);
    }
}

/// Quantizes every tensor in both schemes and writes what differs.
pub(crate) fn write(
    pair: [&'static Preset; 2],
    weights: &Weights,
    flatten: bool,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let [a, b] = pair.map(|preset| &preset.spec);
    let scaled = [a, b].iter().any(|spec| !matches!(spec.tensor_scale, TensorScale::None));
    if a.element != b.element || a.extent != b.extent {
        let [a, b] = pair.map(|preset| {
            format!("{} in {:?} ({})", preset.spec.element, preset.spec.extent, preset.name)
        });
        return Err(Failure::Incomparable(a, b));
    }
    let columns = [
        "blocks",
        "scales",
        "of zeros",
        "elements",
        "codes",
        "sign of 0",
        "values",
        "A dB",
        "B dB",
    ];
    let mut table = Table::new(
        [("tensor", Side::Left)].into_iter().chain(columns.map(|heading| (heading, Side::Right))),
    );
    let mut first = First::default();
    let (mut all, mut errors) = (Counts::default(), [ErrorStats::new(), ErrorStats::new()]);
    let mut tensor_scales =
        Table::new([("tensor", Side::Left), ("A", Side::Right), ("B", Side::Right)]);
    for index in 0..weights.len() {
        let mut tensor = weights.read(index)?;
        if flatten {
            flattened(&mut tensor.shape);
        }
        let name = tail(&one_line(&tensor.name), LONGEST_NAME);
        let x = tensor.values.to_f32();
        let quantized = |preset| quantizer(preset).quantize(&x, &tensor.shape);
        let stored = [quantized(pair[0])?, quantized(pair[1])?];
        let [a, b] = [stored[0].view(), stored[1].view()];
        let (counts, shown) = compare(&name, &x, a, b);
        first.append(shown);
        let measured = [stats(&stored[0], &tensor.values)?, stats(&stored[1], &tensor.values)?];
        table.row(row(name.clone(), counts, [&measured[0], &measured[1]]));
        tensor_scales.row([name, number(a.tensor_scale(0)), number(b.tensor_scale(0))]);
        all = all.plus(counts);
        errors.iter_mut().zip(&measured).for_each(|(total, one)| total.merge(one));
    }
    table.row(row("total".to_owned(), all, [&errors[0], &errors[1]]));

    for (letter, preset) in ["A", "B"].into_iter().zip(pair) {
        writeln!(out, "{letter}: {}, {}; scale {}", preset.name, preset.source, preset.rule)?;
    }
    for tensor in weights.left_out() {
        let (name, dtype, reason) = (one_line(tensor.name()), tensor.dtype(), tensor.reason());
        writeln!(out, "Left out: {name} ({dtype}: {reason})")?;
    }
    writeln!(out)?;
    let title = "How many scales differ (of blocks of zeros alone), how many codes (in a zero's sign alone), how many values";
    table.write(title, out)?;
    if scaled {
        tensor_scales.write("Tensor scales, each in its scheme's convention", out)?;
    }
    let title = "The first scales that differ, with the largest magnitude of their block";
    listed(["tensor", "block", "amax"], first.scales, first.zero_blocks)
        .map_or(Ok(()), |table| table.write(title, out))?;
    let title = "The first elements whose codes differ, and what they come back as";
    listed(["tensor", "element", "x"], first.codes, first.zeros)
        .map_or(Ok(()), |table| table.write(title, out))?;
    Ok(())
}

/// The errors of a tensor, from the numbers that the file has.
fn stats(stored: &QuantTensor, reference: &Values) -> Result<ErrorStats, subhalf::Error> {
    let (view, exec) = (stored.view(), Exec::default());
    let stats = match reference {
        Values::F16(x) => view.stats(x, exec),
        Values::Bf16(x) => view.stats(x, exec),
        Values::F32(x) => view.stats(x, exec),
        Values::F64(x) => view.stats(x, exec),
    };
    stats.map(|stats| stats.errors().clone())
}

/// Differences that are not of zeros, and if there is room then those; `None` without any.
fn listed(
    [tensor, place, input]: [&str; 3],
    rows: Vec<[String; 7]>,
    zeros: Vec<[String; 7]>,
) -> Option<Table> {
    let numbers = [place, input, "A", "A is", "B", "B is"].map(|heading| (heading, Side::Right));
    let mut table = Table::new([(tensor, Side::Left)].into_iter().chain(numbers));
    let shown: Vec<_> = rows.into_iter().chain(zeros).take(SHOWN).collect();
    let any = !shown.is_empty();
    shown.into_iter().for_each(|row| table.row(row));
    any.then_some(table)
}

fn row(name: String, counts: Counts, errors: [&ErrorStats; 2]) -> impl Iterator<Item = String> {
    let Counts { blocks, scales, zero_blocks, elements, codes, zeros, values } = counts;
    let numbers = [blocks, scales, zero_blocks, elements, codes, zeros, values]
        .map(|count| count.to_string());
    [name].into_iter().chain(numbers).chain(errors.map(|errors| errors.sqnr_db().to_string()))
}

fn compare(name: &str, x: &[f32], a: QuantView<'_>, b: QuantView<'_>) -> (Counts, First) {
    let mut first = First::default();
    let mut counts = Counts { blocks: a.blocks(), elements: x.len(), ..Counts::default() };
    let one_format = a.spec().scale == b.spec().scale;
    for block in 0..a.blocks() {
        let codes = [a.scale_code(block), b.scale_code(block)];
        let scales = [a.block_scale(block), b.block_scale(block)];
        if if one_format { codes[0] == codes[1] } else { same(scales[0], scales[1]) } {
            continue;
        }
        counts.scales += 1;
        let inputs =
            a.region(block).into_iter().flat_map(|region| region.indices()).map(|index| x[index]);
        let zeros = inputs.clone().all(|x| x == 0.0);
        let amax = BlockStats::of(inputs).amax;
        let formats = [a.spec().scale, b.spec().scale];
        let code =
            |side: usize| formats[side].map_or("-".to_owned(), |format| hex(codes[side], &format));
        counts.zero_blocks += usize::from(zeros);
        keep(if zeros { &mut first.zero_blocks } else { &mut first.scales }, || {
            [
                name.to_owned(),
                block.to_string(),
                number(amax),
                code(0),
                number(scales[0]),
                code(1),
                number(scales[1]),
            ]
        });
    }
    let element = &a.spec().element;
    let restored = [a.dequantize(), b.dequantize()];
    for (index, &x) in x.iter().enumerate() {
        let back = [restored[0][index], restored[1][index]];
        counts.values += usize::from(!same(back[0], back[1]));
        let (Some(left), Some(right)) = (a.code(index), b.code(index)) else { continue };
        if left == right {
            continue;
        }
        counts.codes += 1;
        let zero = element.decode(left).is_zero() && element.decode(right).is_zero();
        counts.zeros += usize::from(zero);
        keep(if zero { &mut first.zeros } else { &mut first.codes }, || {
            let (left, right) = (hex(left, element), hex(right, element));
            [
                name.to_owned(),
                index.to_string(),
                number(x),
                left,
                number(back[0]),
                right,
                number(back[1]),
            ]
        });
    }
    (counts, first)
}

/// Adds a row while there is room.
fn keep(rows: &mut Vec<[String; 7]>, row: impl FnOnce() -> [String; 7]) {
    if rows.len() < SHOWN_OF_TENSOR {
        rows.push(row());
    }
}

/// Equal as numbers, or both NaN.
fn same(a: f32, b: f32) -> bool {
    a == b || (a.is_nan() && b.is_nan())
}

/// Shortest digits that give the number back.
fn number(x: f32) -> String {
    format!("{x:?}")
}

fn hex(code: u32, format: &FormatSpec) -> String {
    format!("{code:#0width$x}", width = 2 + format.bits().div_ceil(4) as usize)
}
