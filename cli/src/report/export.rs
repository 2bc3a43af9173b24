//! The errors of the schemes for other programs: JSON and CSV.

use super::schemes::{Scheme, per_element};
use super::weights::Weights;
use serde_json::{Map, Value, json};
use std::io::{self, Write};
use subhalf::{ErrorStats, Sqnr, TensorStats, preset::Evidence};

/// One object: the file, its tensors, and of each scheme the total and the tensors in the same
/// order.
pub(crate) fn json(
    title: &str,
    weights: &Weights,
    schemes: &[Scheme],
    out: &mut impl Write,
) -> io::Result<()> {
    let tensors = weights
        .tensors
        .iter()
        .map(|tensor| json!({ "name": tensor.name, "shape": tensor.shape, "elements": tensor.values.len() }))
        .collect::<Vec<_>>();
    let left_out: Vec<&str> = weights.left_out.iter().map(|(name, _)| name.as_str()).collect();
    let schemes: Vec<Value> = schemes.iter().map(scheme).collect();
    let report =
        json!({ "weights": title, "tensors": tensors, "left_out": left_out, "schemes": schemes });
    writeln!(out, "{report:#}")
}

fn scheme(scheme: &Scheme) -> Value {
    let preset = scheme.preset;
    let tensors = scheme.tensors.iter().map(|stored| {
        let errors = stored.stats.errors();
        let mut object = measures(errors, per_element(stored.bits, errors.count()));
        object.insert("worst_block".to_owned(), worst(&stored.stats));
        Value::Object(object)
    });
    let tensors: Vec<Value> = tensors.collect();
    let mut total = measures(&scheme.total(), scheme.stored_bits());
    let histogram = |counters: fn(&TensorStats) -> &[u64]| {
        counts(scheme.tensors.iter().map(|stored| counters(&stored.stats)))
    };
    total.insert("codes".to_owned(), histogram(TensorStats::codes));
    total.insert("scales".to_owned(), histogram(TensorStats::scales));
    json!({
        "name": preset.name,
        "source": preset.source,
        "rule": preset.rule,
        "evidence": evidence(preset.evidence),
        "bits": preset.spec.bits_per_element(),
        "total": total,
        "tensors": tensors,
    })
}

fn evidence(evidence: Evidence) -> &'static str {
    match evidence {
        Evidence::Checked => "checked",
        Evidence::FormulaOnly => "formula only",
    }
}

/// A ratio that is exact or undefined is null, as JSON has no infinity.
fn measures(errors: &ErrorStats, stored_bits: f64) -> Map<String, Value> {
    let ratio = match errors.sqnr_db() {
        Sqnr::Decibels(value) => json!(value),
        Sqnr::Exact | Sqnr::Undefined => Value::Null,
    };
    let measures = [
        ("elements", json!(errors.count())),
        ("stored_bits", json!(stored_bits)),
        ("sqnr_db", ratio),
        ("exact", json!(errors.sqnr_db() == Sqnr::Exact)),
        ("cosine", json!(errors.cosine())),
        ("mse", json!(errors.mean_squared_error())),
        ("max_error", json!(errors.max_abs_error())),
        ("mean_error", json!(errors.mean_abs_error())),
        ("saturated", json!(errors.saturated())),
        ("flushed", json!(errors.flushed())),
        ("nan", json!(errors.nan())),
    ];
    measures.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn worst(stats: &TensorStats) -> Value {
    let Some(worst) = stats.worst() else { return Value::Null };
    let range = |range: &std::ops::Range<usize>| json!([range.start, range.end]);
    let (rows, cols) = (range(&worst.region.rows), range(&worst.region.cols));
    json!({ "block": worst.index, "rows": rows, "cols": cols, "scale": worst.scale, "noise": worst.noise })
}

/// The counters of all tensors added up; those that are zero are left out.
fn counts<'a>(tensors: impl Iterator<Item = &'a [u64]>) -> Value {
    let mut sums: Vec<u64> = Vec::new();
    for counters in tensors {
        sums.resize(sums.len().max(counters.len()), 0);
        sums.iter_mut().zip(counters).for_each(|(sum, count)| *sum += count);
    }
    let counted = sums.into_iter().enumerate().filter(|&(_, count)| count > 0);
    Value::Object(counted.map(|(code, count)| (code.to_string(), json!(count))).collect())
}

const COLUMNS: [&str; 15] = [
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
];

/// A row for each scheme and tensor (part `tensor`), and one for all of them (part `total`).
pub(crate) fn csv(weights: &Weights, schemes: &[Scheme], out: &mut impl Write) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(COLUMNS)?;
    for scheme in schemes {
        let mut row = |part: &str, tensor: &str, errors: &ErrorStats, stored_bits: f64| {
            let ratio = match errors.sqnr_db() {
                Sqnr::Decibels(value) => value.to_string(),
                ratio => ratio.to_string(),
            };
            writer.write_record([
                scheme.preset.name,
                &scheme.preset.spec.bits_per_element().to_string(),
                part,
                tensor,
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
                evidence(scheme.preset.evidence),
            ])
        };
        row("total", "", &scheme.total(), scheme.stored_bits())?;
        for (tensor, stored) in weights.tensors.iter().zip(&scheme.tensors) {
            let errors = stored.stats.errors();
            row("tensor", &tensor.name, errors, per_element(stored.bits, errors.count()))?;
        }
    }
    writer.flush()
}
