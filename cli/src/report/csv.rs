//! The report as CSV: a row for each measure and tensor as soon as it is measured, then a row for
//! all tensors together.

use super::chosen::Chosen;
use super::measure::{Measured, Stored, Totals, Unread};
use super::output::{About, Form};
use super::weights::Tensor;
use std::io::{self, Write};
use subhalf::preset::Preset;
use subhalf::{ErrorStats, FormatSpec, Sqnr};

const COLUMNS: [&str; 17] = [
    "scheme",
    "bits",
    "part",
    "tensor",
    "elements",
    "stored_bits",
    "sqnr_db",
    "cosine",
    "mse",
    "max_error",
    "mean_error",
    "saturated",
    "flushed",
    "nan",
    "evidence",
    "kind",
    "note",
];

/// Rows of three parts: `left out`, whose last cell says why, then `tensor` and `total`; `left out`
/// among the tensors is one that could not be read. Their kind
/// is `scheme`, or `format` (scaled to its maximum), or `format unscaled`.
pub(crate) struct Csv<W: Write> {
    writer: ::csv::Writer<W>,
}

/// The cells of a row that are not measured.
struct Labels<'a> {
    name: &'a str,
    bits: f64,
    tensor: Option<&'a str>,
    kind: &'a str,
    evidence: &'a str,
}

impl<W: Write> Csv<W> {
    pub(crate) fn new(out: W) -> Self {
        Self { writer: ::csv::Writer::from_writer(out) }
    }

    fn left_out(&mut self, tensor: &str, kind: &str, note: &str) -> io::Result<()> {
        let mut row = [""; COLUMNS.len()];
        (row[2], row[3], row[15], row[16]) = ("left out", tensor, kind, note);
        Ok(self.writer.write_record(row)?)
    }

    fn row(
        &mut self,
        labels: &Labels<'_>,
        errors: &ErrorStats,
        stored_bits: f64,
    ) -> io::Result<()> {
        let ratio = match errors.sqnr_db() {
            Sqnr::Decibels(value) => value.to_string(),
            ratio => ratio.to_string(),
        };
        Ok(self.writer.write_record([
            labels.name,
            &labels.bits.to_string(),
            if labels.tensor.is_some() { "tensor" } else { "total" },
            labels.tensor.unwrap_or_default(),
            &errors.count().to_string(),
            &stored_bits.to_string(),
            &ratio,
            &errors.cosine().map_or(String::new(), |cosine| cosine.to_string()),
            &errors.mean_squared_error().to_string(),
            &errors.max_abs_error().to_string(),
            &errors.mean_abs_error().to_string(),
            &errors.saturated().to_string(),
            &errors.flushed().to_string(),
            &errors.nan().to_string(),
            labels.evidence,
            labels.kind,
            "",
        ])?)
    }

    fn format(
        &mut self,
        spec: &FormatSpec,
        tensor: Option<&str>,
        kind: &str,
        errors: &ErrorStats,
    ) -> io::Result<()> {
        let bits = f64::from(spec.bits());
        self.row(&Labels { name: spec.name(), bits, tensor, kind, evidence: "" }, errors, bits)
    }

    fn scheme(&mut self, preset: &Preset, tensor: Option<&str>, stored: &Stored) -> io::Result<()> {
        let labels = Labels {
            name: preset.name,
            bits: preset.spec.bits_per_element(),
            tensor,
            kind: "scheme",
            evidence: preset.evidence.name(),
        };
        self.row(&labels, &stored.errors, stored.bits_per_element())
    }
}

impl<W: Write> Form for Csv<W> {
    fn begin(&mut self, about: &About<'_>) -> io::Result<()> {
        self.writer.write_record(COLUMNS)?;
        for tensor in about.weights.left_out() {
            let note = format!("{}: {}", tensor.dtype(), tensor.reason());
            self.left_out(tensor.name(), "tensor", &note)?;
        }
        match about.chosen.more() {
            Some(more) => self.left_out("", "formats and schemes", &more),
            None => Ok(()),
        }
    }

    fn tensor(&mut self, chosen: &Chosen, tensor: &Tensor, measured: &Measured) -> io::Result<()> {
        let name = Some(tensor.name.as_str());
        for (spec, errors) in chosen.formats.iter().zip(&measured.formats) {
            self.format(spec, name, "format", &errors.scaled)?;
            self.format(spec, name, "format unscaled", &errors.unscaled)?;
        }
        let mut schemes = chosen.schemes.iter().zip(&measured.schemes);
        schemes.try_for_each(|(preset, stored)| self.scheme(preset, name, stored))
    }

    fn unread(&mut self, unread: &Unread) -> io::Result<()> {
        self.left_out(&unread.name, "tensor", &unread.reason)
    }

    fn end(&mut self, chosen: &Chosen, totals: &Totals) -> io::Result<()> {
        for (spec, errors) in chosen.formats.iter().zip(&totals.formats) {
            self.format(spec, None, "format", &errors.scaled)?;
            self.format(spec, None, "format unscaled", &errors.unscaled)?;
        }
        let mut schemes = totals.by_bits(chosen).into_iter();
        schemes.try_for_each(|(preset, stored)| self.scheme(preset, None, stored))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}
