//! The formats one by one: their table, and what storing a tensor in each of them costs.

use super::table::{Side, Table, digits, number, tail};
use super::weights::{Tensor, Values, Weights, one_line};
use std::io::{self, Write};
use subhalf::{Dither, ErrorStats, Exec, FormatSpec, amax_scale, storage_error};

/// The formats of the table with one row a tensor.
const SELECTED: [FormatSpec; 8] = [
    FormatSpec::BF16,
    FormatSpec::F16,
    FormatSpec::F8E4M3,
    FormatSpec::F8E5M2,
    FormatSpec::HIF8,
    FormatSpec::INT8,
    FormatSpec::F6E2M3,
    FormatSpec::F4E2M1,
];

/// What each tensor costs in each format that has a sign.
pub(crate) struct Formats {
    formats: Vec<FormatSpec>,
    unsigned: Vec<FormatSpec>,
    measured: Vec<Vec<Row>>,
}

impl Formats {
    pub(crate) fn measure(tensors: &[Tensor]) -> Result<Self, subhalf::Error> {
        let (formats, unsigned): (Vec<FormatSpec>, Vec<_>) =
            FormatSpec::ALL.iter().partition(|spec| spec.is_signed());
        let measured =
            formats.iter().map(|spec| measure(spec, tensors)).collect::<Result<_, _>>()?;
        Ok(Self { formats, unsigned, measured })
    }

    /// Everything; one row a tensor only of a file.
    pub(crate) fn write(
        &self,
        title: &str,
        weights: &Weights,
        from_file: bool,
        out: &mut impl Write,
    ) -> io::Result<()> {
        let Self { formats, unsigned, measured } = self;
        limits().write("Formats", out)?;
        writeln!(out, "{}", one_line(&format!("Weights: {title}")))?;
        if from_file {
            let elements: usize = weights.tensors.iter().map(|tensor| tensor.values.len()).sum();
            writeln!(out, "{} tensors, {elements} elements", weights.tensors.len())?;
        }
        for (name, dtype) in &weights.left_out {
            writeln!(out, "Left out: {} ({dtype}, not weights)", one_line(name))?;
        }
        writeln!(out, "Each format under its default policy. SQNR in dB, sums in f64.")?;
        writeln!(out, "Left out, as weights have a sign: {}.", names(unsigned))?;
        let not_finite =
            measured.first().map(|rows| total(rows, Scaling::None)).unwrap_or_default();
        if not_finite.nan_references() + not_finite.infinite_references() > 0 {
            let (nan, infinite) = (not_finite.nan_references(), not_finite.infinite_references());
            writeln!(
                out,
                "Not in the sums: {nan} elements that are NaN and {infinite} that are infinite."
            )?;
        }
        writeln!(out)?;
        if from_file {
            by_tensor(&weights.tensors, formats, measured)
                .write("SQNR by tensor, each scaled to the format's maximum", out)?;
        }
        errors(formats, measured, Scaling::ToMaximum)
            .write("Error, each tensor scaled to the format's maximum", out)?;
        errors(formats, measured, Scaling::None).write("Error, unscaled", out)
    }
}

#[derive(Clone, Copy)]
enum Scaling {
    ToMaximum,
    None,
}

/// The errors of one tensor in one format.
struct Row {
    scaled: ErrorStats,
    unscaled: ErrorStats,
}

impl Row {
    fn with(&self, scaling: Scaling) -> &ErrorStats {
        match scaling {
            Scaling::ToMaximum => &self.scaled,
            Scaling::None => &self.unscaled,
        }
    }
}

fn measure(spec: &FormatSpec, tensors: &[Tensor]) -> Result<Vec<Row>, subhalf::Error> {
    fn row<T: Copy + Sync + Into<f64>>(
        spec: &FormatSpec,
        src: &[T],
    ) -> Result<Row, subhalf::Error> {
        let stored = |scale| {
            storage_error(spec, src, scale, &spec.default_convert(), Dither::NONE, Exec::default())
        };
        Ok(Row { scaled: stored(amax_scale(spec, src, Exec::default()))?, unscaled: stored(1.0)? })
    }
    let rows = tensors.iter().map(|tensor| match &tensor.values {
        Values::F32(values) => row(spec, values),
        Values::F64(values) => row(spec, values),
    });
    rows.collect()
}

/// All tensors together: the ratio of a total is the sum of all signal over the sum of all noise.
fn total(rows: &[Row], scaling: Scaling) -> ErrorStats {
    let mut total = ErrorStats::new();
    rows.iter().for_each(|row| total.merge(row.with(scaling)));
    total
}

fn limits() -> Table {
    use Side::{Left, Right};
    let columns = [
        ("format", Left),
        ("bits", Right),
        ("max", Right),
        ("min", Right),
        ("min normal", Right),
        ("smallest", Right),
    ];
    let mut table = Table::new(columns.into_iter().chain([("epsilon", Right), ("specials", Left)]));
    for spec in FormatSpec::ALL {
        let info = spec.finfo();
        let optional = |value: Option<f64>| value.map_or("-".to_owned(), number);
        let specials = [
            (info.infinity, "inf"),
            (info.nan, "NaN"),
            (info.negative_zero, "-0"),
            (!info.zero, "no 0"),
        ];
        let specials: Vec<&str> =
            specials.iter().filter(|(has, _)| *has).map(|(_, special)| *special).collect();
        table.row([
            info.name.to_string(),
            info.bits.to_string(),
            number(info.max),
            number(info.min),
            optional(info.min_normal),
            optional(Some(info.smallest_positive).filter(|&value| value > 0.0)), // INT1 has none
            optional(info.epsilon),
            specials.join(", "),
        ]);
    }
    table
}

/// One row a tensor, and the total.
fn by_tensor(tensors: &[Tensor], formats: &[FormatSpec], measured: &[Vec<Row>]) -> Table {
    const LONGEST_NAME: usize = 32;
    let columns = SELECTED.iter().map(|spec| (spec.name(), Side::Right));
    let mut table =
        Table::new([("tensor", Side::Left), ("elements", Side::Right)].into_iter().chain(columns));
    let rows_of =
        |spec| formats.iter().zip(measured).find(|(other, _)| *other == spec).map(|(_, rows)| rows);
    let selected: Vec<&Vec<Row>> = SELECTED.iter().filter_map(rows_of).collect();
    for (index, tensor) in tensors.iter().enumerate() {
        let name = tail(&one_line(&tensor.name), LONGEST_NAME);
        let ratios = selected.iter().map(|rows| rows[index].scaled.sqnr_db().to_string());
        table.row([name, tensor.values.len().to_string()].into_iter().chain(ratios));
    }
    let elements: usize = tensors.iter().map(|tensor| tensor.values.len()).sum();
    let ratios = selected.iter().map(|rows| total(rows, Scaling::ToMaximum).sqnr_db().to_string());
    table.row(["total".to_owned(), elements.to_string()].into_iter().chain(ratios));
    table
}

/// One row a format, over all tensors.
fn errors(formats: &[FormatSpec], measured: &[Vec<Row>], scaling: Scaling) -> Table {
    let columns = ["SQNR dB", "max error", "mean error", "saturated", "flushed", "NaN"]
        .map(|heading| (heading, Side::Right));
    let mut table = Table::new([("format", Side::Left)].into_iter().chain(columns));
    for (spec, rows) in formats.iter().zip(measured) {
        let stats = total(rows, scaling);
        table.row([
            spec.name().to_owned(),
            stats.sqnr_db().to_string(),
            digits(stats.max_abs_error()),
            digits(stats.mean_abs_error()),
            stats.saturated().to_string(),
            stats.flushed().to_string(),
            stats.nan().to_string(),
        ]);
    }
    table
}

/// Names separated by commas.
fn names(formats: &[FormatSpec]) -> String {
    formats.iter().map(FormatSpec::name).collect::<Vec<_>>().join(", ")
}
