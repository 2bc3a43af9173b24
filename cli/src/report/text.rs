//! The report as text: a row for each tensor as soon as it is measured, then tables of all tensors
//! together.

use super::chosen::{Chosen, unsigned};
use super::formats::{self, Scaling};
use super::measure::{Measured, Stored, Totals, Unread, decibels};
use super::output::{About, Form};
use super::table::{Side, Table, digits, tail};
use super::weights::{Tensor, one_line};
use std::io::{self, Write};
use subhalf::preset::Preset;
use subhalf::{ErrorStats, FormatSpec, Sqnr};

/// Characters of a line.
const WIDTH: usize = 110;
/// A ratio and the space before it: ` 123.45`, and a space more.
const RATIO: usize = 8;
/// Ratios in a row of a tensor.
const COLUMNS: usize = 6;
const LONGEST_SHAPE: usize = 20;
const LONGEST_SCHEME: usize = 46;

/// The schemes that get a column first, then the formats where no schemes are measured.
const FIRST_SCHEMES: [&str; COLUMNS] = [
    "ocp::MXFP8_E4M3",
    "ocp::MXFP6_E2M3",
    "ocp::MXFP4",
    "transformer_engine::NVFP4",
    "ggml::Q8_0",
    "bitsandbytes::NF4",
];
const FIRST_FORMATS: [FormatSpec; COLUMNS] = [
    FormatSpec::BF16,
    FormatSpec::F8E4M3,
    FormatSpec::F8E5M2,
    FormatSpec::HIF8,
    FormatSpec::INT8,
    FormatSpec::F4E2M1,
];

/// The report as text.
pub(crate) struct Text<W> {
    out: W,
    /// Of a file: its tensors get rows. The weights without a file are one tensor.
    from_file: bool,
    /// Indices of the formats or schemes that have a column.
    columns: Vec<usize>,
    /// Widths of names and shapes.
    widths: [usize; 2],
}

impl<W: Write> Text<W> {
    pub(crate) fn new(out: W, from_file: bool) -> Self {
        Self { out, from_file, columns: Vec::new(), widths: [0; 2] }
    }

    /// What was not measured, and how to have it measured.
    fn left_out(&mut self, about: &About<'_>) -> io::Result<()> {
        for tensor in about.weights.left_out() {
            let (name, dtype, reason) = (one_line(tensor.name()), tensor.dtype(), tensor.reason());
            writeln!(self.out, "Left out: {name} ({dtype}: {reason})")?;
        }
        if let Some(more) = about.chosen.more() {
            writeln!(self.out, "Left out: {more}.")?;
        }
        if !about.chosen.formats.is_empty() {
            let names: Vec<&str> = unsigned().map(FormatSpec::name).collect();
            let names = names.join(", ");
            writeln!(self.out, "Left out, as weights have a sign: {names}.")?;
        }
        Ok(())
    }

    /// Letters of the columns, and the headings of the rows of tensors.
    fn headings(&mut self, about: &About<'_>) -> io::Result<()> {
        let chosen = about.chosen;
        let (names, what): (Vec<&str>, _) = if chosen.schemes.is_empty() {
            (chosen.formats.iter().map(FormatSpec::name).collect(), "formats")
        } else {
            (chosen.schemes.iter().map(|preset| preset.name).collect(), "schemes")
        };
        self.columns = columns(&names);
        let (shown, all) = (self.columns.len(), names.len());
        write!(self.out, "SQNR in dB by tensor")?;
        if shown < all {
            write!(self.out, ", for {shown} of {all} {what}; --csv and --json have all measures")?;
        } else if !chosen.schemes.is_empty() && !chosen.formats.is_empty() {
            write!(self.out, "; --csv and --json have that of the formats")?;
        }
        writeln!(self.out)?;
        for (&index, letter) in self.columns.iter().zip('a'..) {
            writeln!(self.out, "  {letter}  {}", names[index])?;
        }
        let entries = || about.weights.entries();
        let shape = entries().map(|entry| shape(entry.shape()).chars().count()).max();
        let elements = about.weights.elements().to_string().len();
        let shape = shape.unwrap_or(0).clamp("shape".len().max(elements), LONGEST_SHAPE);
        let room = WIDTH - RATIO * self.columns.len() - 2 - shape;
        let name = entries().map(|entry| one_line(entry.name()).chars().count()).max();
        self.widths = [name.unwrap_or(0).clamp("tensor".len(), room), shape];
        let letters: Vec<String> =
            ('a'..).take(self.columns.len()).map(|letter| letter.to_string()).collect();
        self.row("tensor", "shape", letters.into_iter())?;
        let width = self.widths[0] + 2 + self.widths[1] + RATIO * self.columns.len();
        writeln!(self.out, "{}", "-".repeat(width))
    }

    fn row(
        &mut self,
        name: &str,
        shape: &str,
        cells: impl Iterator<Item = String>,
    ) -> io::Result<()> {
        let [name_width, shape_width] = self.widths;
        let (name, shape) = (tail(name, name_width), tail(shape, shape_width));
        write!(self.out, "{name:<name_width$}  {shape:>shape_width$}")?;
        for cell in cells {
            write!(self.out, "{cell:>RATIO$}")?;
        }
        writeln!(self.out)
    }

    /// The ratios of a row, given that of the format or scheme with an index.
    fn ratios(&self, ratio: impl Fn(usize) -> Sqnr) -> Vec<String> {
        self.columns.iter().map(|&index| ratio(index).to_string()).collect()
    }
}

impl<W: Write> Form for Text<W> {
    fn begin(&mut self, about: &About<'_>) -> io::Result<()> {
        let About { title, weights, chosen } = about;
        if !self.from_file && !chosen.formats.is_empty() {
            formats::limits().write("Formats", &mut self.out)?;
        }
        writeln!(self.out, "Weights: {}", one_line(title))?;
        if self.from_file {
            let (tensors, elements) = (weights.len(), weights.elements());
            writeln!(self.out, "{tensors} tensors, {elements} elements")?;
            for (scheme, count) in weights.schemes() {
                writeln!(self.out, "Read as the weights that they stand for: {count} of {scheme}")?;
            }
        }
        self.left_out(about)?;
        writeln!(self.out)?;
        if self.from_file { self.headings(about) } else { Ok(()) }
    }

    fn tensor(&mut self, chosen: &Chosen, tensor: &Tensor, measured: &Measured) -> io::Result<()> {
        if !self.from_file {
            return Ok(());
        }
        let ratios = if chosen.schemes.is_empty() {
            self.ratios(|index| measured.formats[index].scaled.sqnr_db())
        } else {
            self.ratios(|index| measured.schemes[index].errors.sqnr_db())
        };
        self.row(&one_line(&tensor.name), &shape(&tensor.shape), ratios.into_iter())
    }

    fn unread(&mut self, unread: &Unread) -> io::Result<()> {
        let Unread { name, reason } = unread;
        writeln!(self.out, "Not read: {} ({})", one_line(name), one_line(reason))
    }

    fn end(&mut self, chosen: &Chosen, totals: &Totals) -> io::Result<()> {
        let all = totals.formats.first().map(|errors| &errors.unscaled);
        let all = all.or(totals.schemes.first().map(|stored| &stored.errors));
        if self.from_file {
            let ratios = if chosen.schemes.is_empty() {
                self.ratios(|index| totals.formats[index].scaled.sqnr_db())
            } else {
                self.ratios(|index| totals.schemes[index].errors.sqnr_db())
            };
            let elements = all.map_or(0, ErrorStats::count).to_string();
            self.row("total", &elements, ratios.into_iter())?;
            writeln!(self.out)?;
        }
        let (nan, infinite) =
            all.map_or((0, 0), |all| (all.nan_references(), all.infinite_references()));
        if nan + infinite > 0 {
            writeln!(
                self.out,
                "Not in the sums: {nan} elements that are NaN and {infinite} that are infinite.\n"
            )?;
        }
        if !chosen.formats.is_empty() {
            writeln!(self.out, "Each format under its default policy. SQNR in dB, sums in f64.\n")?;
            formats::errors(&chosen.formats, &totals.formats, Scaling::ToMaximum)
                .write("Error, each tensor scaled to the format's maximum", &mut self.out)?;
            formats::errors(&chosen.formats, &totals.formats, Scaling::None)
                .write("Error, unscaled", &mut self.out)?;
        }
        if !chosen.schemes.is_empty() {
            let notes = [
                "Block-scaled schemes, blocks along the last axis; f64 weights are rounded to f32 first.",
                "bits: the scheme's, with its share of scales; stored: in these shapes, with all scales and whole bytes a row.",
                "*: no scheme above has as high a ratio. saturated: beyond what the block can express.",
            ];
            writeln!(self.out, "{}\n", notes.join("\n"))?;
            schemes(&totals.by_bits(chosen)).write("Schemes, all tensors", &mut self.out)?;
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// The first of these names that deserve a column, and then others as far as there is room; in the
/// order of the names.
fn columns(names: &[&str]) -> Vec<usize> {
    let formats = FIRST_FORMATS.iter().map(FormatSpec::name);
    let first: Vec<&str> = FIRST_SCHEMES.into_iter().chain(formats).collect();
    let (preferred, others): (Vec<usize>, Vec<usize>) =
        (0..names.len()).partition(|&index| first.contains(&names[index]));
    let mut columns: Vec<usize> = preferred.into_iter().chain(others).take(COLUMNS).collect();
    columns.sort_unstable();
    columns
}

fn shape(axes: &[usize]) -> String {
    let axes: Vec<String> = axes.iter().map(usize::to_string).collect();
    if axes.is_empty() { "scalar".to_owned() } else { axes.join("x") }
}

fn schemes(schemes: &[(&Preset, &Stored)]) -> Table {
    let columns = ["bits", "stored", "SQNR dB", "max error", "saturated", "flushed", "NaN"];
    let columns = columns.map(|heading| (heading, Side::Right));
    let mut table =
        Table::new([("", Side::Left), ("scheme", Side::Left)].into_iter().chain(columns));
    let mut best = f64::NEG_INFINITY;
    for (preset, total) in schemes {
        let errors = &total.errors;
        let ratio = decibels(errors.sqnr_db());
        table.row([
            if ratio > best { "*" } else { "" }.to_owned(),
            tail(preset.name, LONGEST_SCHEME),
            format!("{:.2}", preset.spec.bits_per_element()),
            format!("{:.2}", total.bits_per_element()),
            errors.sqnr_db().to_string(),
            digits(errors.max_abs_error()),
            errors.saturated().to_string(),
            errors.flushed().to_string(),
            errors.nan().to_string(),
        ]);
        best = best.max(ratio);
    }
    table
}
