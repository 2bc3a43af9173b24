//! A row of a sweep, as a line of CSV, and a picture of some.

use crate::failure::Failure;
use clap::Args;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use std::error::Error;
use std::fmt;
use std::fs;
use std::path::PathBuf;

/// What was measured of one choice.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) axis: String,
    /// Weights, activations, cache, sums.
    pub(crate) names: [String; 4],
    /// Bits that a weight takes.
    pub(crate) bits: f64,
    pub(crate) windows: usize,
    pub(crate) perplexity: f64,
    /// Over the perplexity of the model as shipped, and the 95 % interval of that.
    pub(crate) ratio: f64,
    pub(crate) interval: [f64; 2],
    pub(crate) divergence: f64,
    pub(crate) agreement: f64,
    pub(crate) seconds: f64,
}

impl Row {
    pub(crate) const HEADER: &str = "axis,weights,activations,kv,accumulator,bits,windows,\
        perplexity,ratio,low,high,kl,top1,seconds";

    /// Reads a line that [`Display`](fmt::Display) wrote.
    fn parse(line: &str) -> Option<Self> {
        let fields: Vec<&str> = line.split(',').collect();
        let [axis, weights, activations, cache, sums, numbers @ ..] = &*fields else { return None };
        let numbers: Vec<f64> = numbers.iter().map(|x| x.parse().ok()).collect::<Option<_>>()?;
        let [bits, windows, perplexity, ratio, low, high, divergence, agreement, seconds] =
            *numbers
        else {
            return None;
        };
        Some(Self {
            axis: (*axis).to_owned(),
            names: [weights, activations, cache, sums].map(|name| (*name).to_owned()),
            bits,
            windows: windows as usize,
            perplexity,
            ratio,
            interval: [low, high],
            divergence,
            agreement,
            seconds,
        })
    }

    /// What the axis varies.
    fn name(&self) -> &str {
        match &*self.axis {
            "activations" => &self.names[1],
            "kv" => &self.names[2],
            "accumulators" => &self.names[3],
            _ => &self.names[0],
        }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { axis, names, bits, windows, perplexity, ratio, seconds, .. } = self;
        let ([low, high], names) = (self.interval, names.join(","));
        write!(
            f,
            "{axis},{names},{bits:.3},{windows},{perplexity:.3},{ratio:.4},{low:.4},{high:.4}"
        )?;
        write!(f, ",{:.5},{:.4},{seconds:.1}", self.divergence, self.agreement)
    }
}

/// Draws rows of `sweep`: divergence from the model as shipped, on a logarithmic axis.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// What `sweep` wrote.
    #[arg(value_name = "ROWS.csv")]
    rows: PathBuf,
    /// Where the picture is written to.
    #[arg(value_name = "OUT.svg")]
    out: PathBuf,
    /// The axis to draw: weights, activations, kv, w4a4 or accumulators.
    #[arg(long)]
    axis: String,
}

pub(crate) fn draw(arguments: &Arguments) -> Result<(), Failure> {
    let Arguments { rows, out, axis } = arguments;
    let text = fs::read_to_string(rows).map_err(|error| Failure::file(rows, error))?;
    let mut found = Vec::new();
    for (place, line) in text.lines().enumerate().filter(|(_, line)| *line != Row::HEADER) {
        let what = || format!("{}, line {}", rows.display(), place + 1);
        found.push(Row::parse(line).ok_or_else(|| Failure::unfit(what(), Row::HEADER, line))?);
    }
    found.retain(|row| row.axis == *axis && row.divergence > 0.0);
    if found.is_empty() {
        return Err(Failure::unfit("rows of the axis", "at least one with a divergence", axis));
    }
    found.sort_by(|a, b| a.divergence.total_cmp(&b.divergence));
    let picture = picture(&found, axis).map_err(|error| Failure::Draw(error.to_string()))?;
    fs::write(out, picture).map_err(|error| Failure::file(out, error))
}

/// A line for each row: its name, a dot at its divergence, its perplexity behind the dot.
fn picture(rows: &[Row], axis: &str) -> Result<String, Box<dyn Error>> {
    const LINE: i32 = 22;
    const DOT: RGBColor = RGBColor(0x1B, 0x4F, 0x9C);
    let size = (920, 90 + LINE as u32 * rows.len() as u32 + 46);
    let mut text = String::new();
    {
        let root = SVGBackend::with_string(&mut text, size).into_drawing_area();
        root.fill(&WHITE)?;
        let left = Pos::new(HPos::Left, VPos::Center);
        let font = |size: i32| ("sans-serif", size).into_font().color(&BLACK).pos(left);
        let title = format!("SmolLM2-135M, {axis}: divergence from the model as shipped");
        root.draw(&Text::new(title, (20, 22), font(20)))?;
        let windows = rows[0].windows;
        let note = format!(
            "KL divergence in nats a token, logarithmic; behind each dot perplexity over that as \
             shipped and its 95 % interval; {windows} windows of text"
        );
        root.draw(&Text::new(note, (20, 46), font(13)))?;
        // Whole decades, so that the axis has a tick at both ends.
        let [least, largest] = [rows[0].divergence / 1.2, rows[rows.len() - 1].divergence * 1.2];
        let least = 10f64.powf(least.log10().floor()) * (1.0 - 1e-9);
        let largest = 10f64.powf(largest.log10().ceil()) * (1.0 + 1e-9);
        let mut chart = ChartBuilder::on(&root)
            .margin_top(70)
            .margin_left(240)
            .margin_right(190)
            .margin_bottom(6)
            .x_label_area_size(34)
            .build_cartesian_2d((least..largest).log_scale(), -0.5..rows.len() as f64 - 0.5)?;
        chart
            .configure_mesh()
            .disable_y_mesh()
            .light_line_style(WHITE)
            .bold_line_style(RGBColor(0xDD, 0xDD, 0xDD))
            .x_label_formatter(&|x| format!("{x:.0e}"))
            .label_style(("sans-serif", 13).into_font())
            .draw()?;
        for (place, row) in rows.iter().rev().enumerate() {
            let (x, y) = chart.backend_coord(&(row.divergence, place as f64));
            root.draw(&Text::new(row.name(), (20, y), font(14)))?;
            root.draw(&Circle::new((x, y), 4, DOT.filled()))?;
            let ([low, high], ratio) = (row.interval, row.ratio);
            let label = format!("{ratio:.3} ({low:.3} to {high:.3})");
            root.draw(&Text::new(label, (x + 10, y), font(13)))?;
        }
        root.present()?;
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::Row;

    #[test]
    fn a_row_is_read_as_it_was_written() {
        let line = "kv,as-shipped,as-shipped,F8E4M3,default,5.000,16,50.600,1.0005,0.9990,1.0021,\
            0.00123,0.9800,60.5";
        let row = Row::parse(line).unwrap();
        assert_eq!((row.name(), row.interval), ("F8E4M3", [0.999, 1.0021]));
        assert_eq!(row.to_string(), line);
        assert_eq!(Row::HEADER.split(',').count(), line.split(',').count());
        assert!(Row::parse(Row::HEADER).is_none());
        assert!(Row::parse("kv,a,b,c,d,1,2").is_none());
    }
}
