//! Tables of formats: their limits, and what storing weights in each of them costs.

use super::measure::FormatErrors;
use super::table::{Side, Table, digits, number};
use subhalf::{ErrorStats, FormatSpec};

/// How numbers are brought to a format.
#[derive(Clone, Copy)]
pub(crate) enum Scaling {
    /// Each tensor so that its largest magnitude is the format's largest number.
    ToMaximum,
    None,
}

/// Largest and smallest numbers and specials of every format.
pub(crate) fn limits() -> Table {
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

/// One row a format, over all tensors.
pub(crate) fn errors(formats: &[FormatSpec], totals: &[FormatErrors], scaling: Scaling) -> Table {
    let columns = ["SQNR dB", "max error", "mean error", "saturated", "flushed", "NaN"]
        .map(|heading| (heading, Side::Right));
    let mut table = Table::new([("format", Side::Left)].into_iter().chain(columns));
    for (spec, total) in formats.iter().zip(totals) {
        let stats: &ErrorStats = match scaling {
            Scaling::ToMaximum => &total.scaled,
            Scaling::None => &total.unscaled,
        };
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
