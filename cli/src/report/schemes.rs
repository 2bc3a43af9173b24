//! What storing tensors in each block-scaled scheme costs: measured, and as tables.

use super::table::{Side, Table, digits, tail};
use super::weights::{Tensor, Values, one_line};
use indicatif::ProgressBar;
use std::borrow::Cow;
use std::io::{self, Write};
use subhalf::preset::Preset;
use subhalf::{Dither, ErrorStats, Exec, QuantTensor, Quantizer, Sqnr, TensorScale, TensorStats};

/// A scheme, and what each tensor costs in it.
pub(crate) struct Scheme {
    pub(crate) preset: &'static Preset,
    pub(crate) tensors: Vec<Stored>,
}

/// One tensor in one scheme.
pub(crate) struct Stored {
    pub(crate) stats: TensorStats,
    /// Bits of codes, scales, offsets and the tensor scale.
    pub(crate) bits: usize,
}

impl Scheme {
    /// All tensors together: the ratio of a total is the sum of all signal over the sum of all
    /// noise.
    pub(crate) fn total(&self) -> ErrorStats {
        let mut total = ErrorStats::new();
        self.tensors.iter().for_each(|stored| total.merge(stored.stats.errors()));
        total
    }

    /// Bits that an element takes, with everything that is stored beside it.
    pub(crate) fn stored_bits(&self) -> f64 {
        let bits: usize = self.tensors.iter().map(|stored| stored.bits).sum();
        per_element(bits, self.total().count())
    }
}

/// Bits per element; 0 of nothing.
pub(crate) fn per_element(bits: usize, elements: u64) -> f64 {
    if elements == 0 { 0.0 } else { bits as f64 / elements as f64 }
}

/// The first axis by all others; a tensor without elements, whose others may have no product,
/// stays.
pub(crate) fn flatten(shape: &mut Vec<usize>) {
    if let [first, others @ ..] = shape.as_slice()
        && others.len() > 1
        && let Some(cols) = others.iter().try_fold(1usize, |cols, &axis| cols.checked_mul(axis))
    {
        *shape = vec![*first, cols];
    }
}

/// The elements as they are quantized. An f64 is rounded to f32 first, but its error is counted
/// from the f64.
pub(crate) fn narrowed(values: &Values) -> Cow<'_, [f32]> {
    match values {
        Values::F32(values) => Cow::Borrowed(values),
        Values::F64(values) => Cow::Owned(values.iter().map(|&x| x as f32).collect()),
    }
}

/// Quantizes with scales from the data; random words, for schemes that want them, are always the
/// same.
pub(crate) fn quantized(preset: &Preset, tensor: &Tensor) -> Result<QuantTensor, subhalf::Error> {
    Quantizer::new(&preset.spec)
        .dither(Dither::new(0))
        .quantize(&narrowed(&tensor.values), &tensor.shape)
}

pub(crate) fn stats(
    quantized: &QuantTensor,
    reference: &Values,
) -> Result<TensorStats, subhalf::Error> {
    match reference {
        Values::F32(values) => quantized.view().stats(values, Exec::default()),
        Values::F64(values) => quantized.view().stats(values, Exec::default()),
    }
}

/// Every tensor in every scheme, by the bits they take and then the best first. Slow ones show how
/// far they are on a terminal.
pub(crate) fn measure(
    presets: &[&'static Preset],
    tensors: &[Tensor],
) -> Result<Vec<Scheme>, subhalf::Error> {
    let elements: usize = tensors.iter().map(|tensor| tensor.values.len()).sum();
    let progress = ProgressBar::new((presets.len() * elements) as u64);
    let mut schemes = Vec::new();
    for &preset in presets {
        let mut scheme = Scheme { preset, tensors: Vec::new() };
        for tensor in tensors {
            let quantized = quantized(preset, tensor)?;
            let bytes =
                quantized.codes().len() + quantized.scales().len() + quantized.offsets().len();
            let shared = if matches!(preset.spec.tensor_scale, TensorScale::None) { 0 } else { 32 };
            scheme.tensors.push(Stored {
                stats: stats(&quantized, &tensor.values)?,
                bits: 8 * bytes + shared,
            });
            progress.inc(tensor.values.len() as u64);
        }
        schemes.push(scheme);
    }
    progress.finish_and_clear();
    let key = |scheme: &Scheme| (scheme.stored_bits(), -decibels(scheme.total().sqnr_db()));
    schemes.sort_by(|a, b| {
        let ((a_bits, a_loss), (b_bits, b_loss)) = (key(a), key(b));
        a_bits.total_cmp(&b_bits).then(a_loss.total_cmp(&b_loss))
    });
    Ok(schemes)
}

/// A ratio as a number that sorts: exact is infinite, and what is undefined is worst.
pub(crate) fn decibels(ratio: Sqnr) -> f64 {
    match ratio {
        Sqnr::Exact => f64::INFINITY,
        Sqnr::Decibels(value) => value,
        Sqnr::Undefined => f64::NEG_INFINITY,
    }
}

/// The tables: all tensors together, and each of several.
pub(crate) fn write(
    schemes: &[Scheme],
    tensors: &[Tensor],
    out: &mut impl Write,
) -> io::Result<()> {
    writeln!(
        out,
        "Block-scaled schemes, blocks along the last axis; f64 weights are rounded to f32 first."
    )?;
    writeln!(
        out,
        "bits: the scheme's, with its share of scales; stored: in these shapes, with all scales and whole bytes a row."
    )?;
    writeln!(
        out,
        "*: no scheme above has as high a ratio. saturated: beyond what the block can express."
    )?;
    writeln!(out)?;
    total(schemes).write("Schemes, all tensors", out)?;
    if tensors.len() > 1 {
        legend(tensors).write("Tensors", out)?;
        for first in (0..tensors.len()).step_by(TENSORS_A_TABLE) {
            let last = (first + TENSORS_A_TABLE).min(tensors.len());
            let title = format!("SQNR in dB by tensor, {} to {}", first + 1, last);
            by_tensor(schemes, first..last).write(&title, out)?;
        }
    }
    Ok(())
}

const LONGEST_NAME: usize = 46;
/// So that lines stay below 110 characters.
const TENSORS_A_TABLE: usize = 7;

fn total(schemes: &[Scheme]) -> Table {
    let columns = ["bits", "stored", "SQNR dB", "max error", "saturated", "flushed", "NaN"];
    let columns = columns.map(|heading| (heading, Side::Right));
    let mut table =
        Table::new([("", Side::Left), ("scheme", Side::Left)].into_iter().chain(columns));
    let mut best = f64::NEG_INFINITY;
    for scheme in schemes {
        let total = scheme.total();
        let ratio = decibels(total.sqnr_db());
        table.row([
            if ratio > best { "*" } else { "" }.to_owned(),
            tail(scheme.preset.name, LONGEST_NAME),
            format!("{:.2}", scheme.preset.spec.bits_per_element()),
            format!("{:.2}", scheme.stored_bits()),
            total.sqnr_db().to_string(),
            digits(total.max_abs_error()),
            total.saturated().to_string(),
            total.flushed().to_string(),
            total.nan().to_string(),
        ]);
        best = best.max(ratio);
    }
    table
}

fn legend(tensors: &[Tensor]) -> Table {
    let mut table = Table::new([
        ("", Side::Right),
        ("tensor", Side::Left),
        ("shape", Side::Left),
        ("elements", Side::Right),
    ]);
    for (number, tensor) in (1..).zip(tensors) {
        let axes: Vec<String> = tensor.shape.iter().map(usize::to_string).collect();
        let name = tail(&one_line(&tensor.name), LONGEST_NAME);
        table.row([format!("{number}"), name, axes.join("x"), tensor.values.len().to_string()]);
    }
    table
}

fn by_tensor(schemes: &[Scheme], range: std::ops::Range<usize>) -> Table {
    let numbers: Vec<String> = range.clone().map(|index| (index + 1).to_string()).collect();
    let columns = numbers.iter().map(|number| (number.as_str(), Side::Right));
    let mut table = Table::new([("scheme", Side::Left)].into_iter().chain(columns));
    for scheme in schemes {
        let ratios = scheme.tensors[range.clone()]
            .iter()
            .map(|stored| stored.stats.errors().sqnr_db().to_string());
        table.row([tail(scheme.preset.name, LONGEST_NAME)].into_iter().chain(ratios));
    }
    table
}
