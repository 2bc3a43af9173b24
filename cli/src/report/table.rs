//! Plain text tables with aligned columns.

use std::io::{self, Write};

/// Which side of a column the cells touch.
#[derive(Clone, Copy)]
pub(crate) enum Side {
    Left,
    Right,
}

/// Headings and rows, each as long as the headings.
pub(crate) struct Table {
    sides: Vec<Side>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new<'a>(columns: impl IntoIterator<Item = (&'a str, Side)>) -> Self {
        let (headings, sides) =
            columns.into_iter().map(|(heading, side)| (heading.to_owned(), side)).unzip();
        Self { sides, rows: vec![headings] }
    }

    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Writes the title, the headings, a rule and the rows.
    pub(crate) fn write(&self, title: &str, out: &mut impl Write) -> io::Result<()> {
        let width_of = |column: usize| {
            self.rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.sides.len()).map(width_of).collect();
        writeln!(out, "{title}")?;
        for (index, row) in self.rows.iter().enumerate() {
            let cells =
                row.iter().zip(&widths).zip(&self.sides).map(|((cell, &width), side)| match side {
                    Side::Left => format!("{cell:<width$}"),
                    Side::Right => format!("{cell:>width$}"),
                });
            writeln!(out, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
            if index == 0 {
                writeln!(
                    out,
                    "{}",
                    "-".repeat(widths.iter().sum::<usize>() + 2 * (widths.len() - 1))
                )?;
            }
        }
        writeln!(out)
    }
}

/// A limit of a format: in full if it is short, as a power of two if it is one, else with five
/// digits.
pub(crate) fn number(x: f64) -> String {
    let full = x.to_string();
    let is_power = x.is_normal() && x.to_bits().trailing_zeros() >= 52;
    if full.len() <= 7 {
        full
    } else if is_power {
        let sign = if x < 0.0 { "-" } else { "" };
        format!("{sign}2^{}", (x.abs().to_bits() >> 52) as i64 - 1023)
    } else {
        digits(x)
    }
}

/// A measured number with five digits.
pub(crate) fn digits(x: f64) -> String {
    let scientific = format!("{x:.4e}");
    match scientific.split_once('e').and_then(|(_, exponent)| exponent.parse::<i32>().ok()) {
        _ if x == 0.0 => "0".to_owned(),
        Some(exponent @ -4..=4) => format!("{x:.*}", (4 - exponent) as usize),
        _ => scientific,
    }
}

/// The end of a name that is too long: the end tells more than the beginning.
pub(crate) fn tail(name: &str, longest: usize) -> String {
    let surplus = name.chars().count().saturating_sub(longest);
    if surplus == 0 {
        name.to_owned()
    } else {
        "…".chars().chain(name.chars().skip(surplus + 1)).collect()
    }
}
