//! The report as JSON: one object, each tensor a line of it as soon as it is measured.

use super::chosen::{Chosen, unsigned};
use super::measure::{FormatErrors, Measured, Stored, Totals, Unread};
use super::output::{About, Form};
use super::pieces::Worst;
use super::weights::Tensor;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use std::io::{self, Write};
use std::mem;
use subhalf::{ErrorStats, FormatSpec, Sqnr};

/// The members in their order: `weights`, `left_out`, `tensors` with the errors of each, `unread`
/// with the weights that could not be read, then `formats` and `schemes` with the totals.
pub(crate) struct Json<W> {
    out: W,
    tensors: usize,
    unread: Vec<Value>,
}

impl<W: Write> Json<W> {
    pub(crate) fn new(out: W) -> Self {
        Self { out, tensors: 0, unread: Vec::new() }
    }

    /// A member that is a list, an element a line.
    fn list(&mut self, name: &str, elements: &[impl Serialize]) -> io::Result<()> {
        write!(self.out, ",\n\"{name}\": [")?;
        for (index, element) in elements.iter().enumerate() {
            write!(self.out, "{}\n  ", if index == 0 { "" } else { "," })?;
            serde_json::to_writer(&mut self.out, element)?;
        }
        write!(self.out, "\n]")
    }
}

impl<W: Write> Form for Json<W> {
    fn begin(&mut self, about: &About<'_>) -> io::Result<()> {
        let chosen = about.chosen;
        let tensors = about.weights.left_out().iter().map(|tensor| {
            json!({ "name": tensor.name(), "dtype": tensor.dtype(), "reason": tensor.reason() })
        });
        let names = |formats: &mut dyn Iterator<Item = &'static FormatSpec>| -> Vec<&str> {
            formats.map(FormatSpec::name).collect()
        };
        let left_out = json!({
            "tensors": tensors.collect::<Vec<_>>(),
            "formats": names(&mut chosen.other_formats()),
            "schemes": chosen.other_schemes().map(|preset| preset.name).collect::<Vec<_>>(),
            "more": chosen.more(),
            "formats_without_sign": names(&mut unsigned()),
        });
        write!(self.out, "{{\n\"weights\": {},\n\"left_out\": ", json!(about.title))?;
        serde_json::to_writer(&mut self.out, &left_out)?;
        write!(self.out, ",\n\"tensors\": [")
    }

    fn tensor(&mut self, chosen: &Chosen, tensor: &Tensor, measured: &Measured) -> io::Result<()> {
        write!(self.out, "{}\n  ", if self.tensors == 0 { "" } else { "," })?;
        self.tensors += 1;
        let line = TensorLine {
            name: &tensor.name,
            shape: &tensor.shape,
            elements: tensor.values.len(),
            formats: FormatErrorsOf(&chosen.formats, &measured.formats),
            schemes: SchemeErrorsOf(chosen, &measured.schemes),
        };
        Ok(serde_json::to_writer(&mut self.out, &line)?)
    }

    fn unread(&mut self, unread: &Unread) -> io::Result<()> {
        self.unread.push(json!({ "name": unread.name, "reason": unread.reason }));
        Ok(())
    }

    fn end(&mut self, chosen: &Chosen, totals: &Totals) -> io::Result<()> {
        write!(self.out, "\n]")?;
        let unread = mem::take(&mut self.unread);
        self.list("unread", &unread)?;
        let formats: Vec<FormatLine<'_>> = chosen
            .formats
            .iter()
            .zip(&totals.formats)
            .map(|(spec, errors)| FormatLine {
                name: spec.name(),
                bits: spec.bits(),
                total: FormatMeasures::of(errors),
            })
            .collect();
        self.list("formats", &formats)?;
        // By the bits they take and then the best first, as in the table.
        let schemes: Vec<SchemeLine<'_>> = totals
            .by_bits(chosen)
            .into_iter()
            .map(|(preset, total)| SchemeLine {
                name: preset.name,
                source: preset.source,
                rule: preset.rule,
                evidence: preset.evidence.name(),
                bits: preset.spec.bits_per_element(),
                total: Total {
                    elements: total.errors.count(),
                    measures: SchemeMeasures::of(total),
                    codes: Counts(&total.histograms.codes),
                    scales: Counts(&total.histograms.scales),
                },
            })
            .collect();
        self.list("schemes", &schemes)?;
        writeln!(self.out, "\n}}")
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[derive(Serialize)]
struct TensorLine<'a> {
    name: &'a str,
    shape: &'a [usize],
    elements: usize,
    formats: FormatErrorsOf<'a>,
    schemes: SchemeErrorsOf<'a>,
}

#[derive(Serialize)]
struct FormatLine<'a> {
    name: &'a str,
    bits: u32,
    total: FormatMeasures,
}

#[derive(Serialize)]
struct SchemeLine<'a> {
    name: &'a str,
    source: &'a str,
    rule: &'a str,
    evidence: &'a str,
    bits: f64,
    total: Total<'a>,
}

#[derive(Serialize)]
struct Total<'a> {
    elements: u64,
    #[serde(flatten)]
    measures: SchemeMeasures,
    codes: Counts<'a>,
    scales: Counts<'a>,
}

/// A ratio that is exact or undefined is null, as JSON has no infinity.
#[derive(Serialize)]
struct Measures {
    sqnr_db: Option<f64>,
    exact: bool,
    cosine: Option<f64>,
    mse: f64,
    max_error: f64,
    mean_error: f64,
    saturated: u64,
    flushed: u64,
    nan: u64,
}

impl Measures {
    fn of(errors: &ErrorStats) -> Self {
        let ratio = errors.sqnr_db();
        Self {
            sqnr_db: match ratio {
                Sqnr::Decibels(value) => Some(value),
                Sqnr::Exact | Sqnr::Undefined => None,
            },
            exact: ratio == Sqnr::Exact,
            cosine: errors.cosine(),
            mse: errors.mean_squared_error(),
            max_error: errors.max_abs_error(),
            mean_error: errors.mean_abs_error(),
            saturated: errors.saturated(),
            flushed: errors.flushed(),
            nan: errors.nan(),
        }
    }
}

#[derive(Serialize)]
struct FormatMeasures {
    scaled: Measures,
    unscaled: Measures,
}

impl FormatMeasures {
    fn of(errors: &FormatErrors) -> Self {
        let FormatErrors { scaled, unscaled } = errors;
        Self { scaled: Measures::of(scaled), unscaled: Measures::of(unscaled) }
    }
}

#[derive(Serialize)]
struct SchemeMeasures {
    stored_bits: f64,
    #[serde(flatten)]
    errors: Measures,
    #[serde(skip_serializing_if = "Option::is_none")]
    worst_block: Option<WorstBlock>,
}

impl SchemeMeasures {
    fn of(stored: &Stored) -> Self {
        Self {
            stored_bits: stored.bits_per_element(),
            errors: Measures::of(&stored.errors),
            worst_block: stored.worst.as_ref().map(WorstBlock::of),
        }
    }
}

/// The block with the largest squared errors: its index, its place and its scale.
#[derive(Serialize)]
struct WorstBlock {
    block: usize,
    rows: [usize; 2],
    cols: [usize; 2],
    scale: f32,
    noise: f64,
}

impl WorstBlock {
    fn of(worst: &Worst) -> Self {
        let Worst { block, ref rows, ref cols, scale, noise } = *worst;
        let (rows, cols) = ([rows.start, rows.end], [cols.start, cols.end]);
        Self { block, rows, cols, scale, noise }
    }
}

/// Errors by the names of the formats.
struct FormatErrorsOf<'a>(&'a [FormatSpec], &'a [FormatErrors]);

impl Serialize for FormatErrorsOf<'_> {
    fn serialize<S: Serializer>(&self, json: S) -> Result<S::Ok, S::Error> {
        let errors = self.1.iter().map(FormatMeasures::of);
        json.collect_map(self.0.iter().map(FormatSpec::name).zip(errors))
    }
}

/// Errors by the names of the schemes.
struct SchemeErrorsOf<'a>(&'a Chosen, &'a [Stored]);

impl Serialize for SchemeErrorsOf<'_> {
    fn serialize<S: Serializer>(&self, json: S) -> Result<S::Ok, S::Error> {
        let errors = self.1.iter().map(SchemeMeasures::of);
        json.collect_map(self.0.schemes.iter().map(|preset| preset.name).zip(errors))
    }
}

/// Counters by their index; those that are zero are left out.
struct Counts<'a>(&'a [u64]);

impl Serialize for Counts<'_> {
    fn serialize<S: Serializer>(&self, json: S) -> Result<S::Ok, S::Error> {
        json.collect_map(self.0.iter().enumerate().filter(|&(_, &count)| count > 0))
    }
}
