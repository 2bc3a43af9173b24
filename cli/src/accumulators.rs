//! What the sum costs: the error of an FP8 product under each accumulator against the exact sum,
//! for K from 128 to 65,536.
//!
//! `subhalf accumulators` prints the table; with a file name it draws it too.

use crate::failure::Failure;
use clap::Args;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use std::error::Error;
use std::io::Write;
use std::path::PathBuf;
use subhalf::{
    Accumulator, Chain, Dither, FormatSpec, Matmul, Operand, Round, Stochastic, philox4x32_10,
};

/// The error of an FP8 product under each accumulator against the exact sum.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// Where a picture (SVG) is drawn to.
    picture: Option<PathBuf>,
}

/// Rows of both sides.
const SIDE: usize = 16;
const DEPTHS: [usize; 10] = [128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536];

/// A name, how sums are made, and a color.
type Row = (&'static str, Accumulator, RGBColor);

fn accumulators() -> Vec<Row> {
    let (f16, bf16) = (
        Chain::rounded(FormatSpec::F16, Round::NearestEven),
        Chain::rounded(FormatSpec::BF16, Round::NearestEven),
    );
    let e8m13 = Chain::rounded(FormatSpec::E8M13, Round::TowardZero);
    let stochastic = Round::stochastic(Stochastic::B, 16).expect("1 to 32 bits");
    let chunked = |inner| Accumulator::chunked(128, inner, Chain::F32);
    vec![
        ("BF16", Accumulator::chain(bf16), RGBColor(0xA0, 0x1C, 0x2E)),
        (
            "BF16, stochastic",
            Accumulator::rounded(FormatSpec::BF16, stochastic),
            RGBColor(0x8A, 0x4B, 0x00),
        ),
        ("BF16 by 128 into F32", chunked(bf16), RGBColor(0x6A, 0x1B, 0x8A)),
        ("FP16", Accumulator::chain(f16), RGBColor(0x1B, 0x4F, 0x9C)),
        ("E8M13 toward zero", Accumulator::chain(e8m13), RGBColor(0x00, 0x69, 0x6E)),
        ("FP16 by 128 into F32", chunked(f16), RGBColor(0x1E, 0x6B, 0x3A)),
        ("E8M13 by 128 into F32", chunked(e8m13), RGBColor(0x9C, 0x27, 0x6B)),
        ("F32", Accumulator::F32, RGBColor(0x20, 0x20, 0x20)),
    ]
}

/// About normal, with a mean of an eighth: sums grow, as those of trained networks do.
fn inputs(side: u32, count: usize) -> Vec<u8> {
    let number = |i: usize| {
        let words = philox4x32_10([i as u32, side, 0, 0], [6, 0]);
        let sum: f64 = words.iter().map(|word| f64::from(*word) / 2f64.powi(32) - 0.5).sum();
        FormatSpec::F8E4M3.encode_f64(sum * 3f64.sqrt() + 0.125) as u8
    };
    (0..count).map(number).collect()
}

/// The root mean square of the errors over that of the exact sums.
fn error(sums: &[f64], exact: &[f64]) -> f64 {
    let square = |terms: &mut dyn Iterator<Item = f64>| terms.map(|x| x * x).sum::<f64>();
    (square(&mut sums.iter().zip(exact).map(|(x, y)| x - y)) / square(&mut exact.iter().copied()))
        .sqrt()
}

pub(crate) fn write(arguments: &Arguments, out: &mut impl Write) -> Result<(), Failure> {
    let spec = FormatSpec::F8E4M3;
    let rows = accumulators();
    let mut table = vec![Vec::new(); rows.len()];
    for depth in DEPTHS {
        let (a, b) = (inputs(0, SIDE * depth), inputs(1, SIDE * depth));
        let (a, b) = (
            Operand::codes(&spec, &a, &[SIDE, depth])?,
            Operand::codes(&spec, &b, &[SIDE, depth])?,
        );
        let product = |accumulator| -> Result<Vec<f64>, subhalf::Error> {
            let mut sums = vec![0f64; SIDE * SIDE];
            Matmul::new()
                .accumulator(accumulator)
                .dither(Dither::new(1))
                .multiply_into(a, b, &mut sums)?;
            Ok(sums)
        };
        let exact = product(Accumulator::Exact)?;
        for ((_, accumulator, _), errors) in rows.iter().zip(&mut table) {
            errors.push(error(&product(*accumulator)?, &exact));
        }
    }
    writeln!(
        out,
        "E4M3 x E4M3, relative error (root mean square of {} sums) against the exact sum\n",
        SIDE * SIDE
    )?;
    writeln!(out, "| accumulator |{}", DEPTHS.map(|depth| format!(" K = {depth} |")).concat())?;
    writeln!(out, "|---|{}", "---|".repeat(DEPTHS.len()))?;
    for ((name, ..), errors) in rows.iter().zip(&table) {
        writeln!(
            out,
            "| {name} |{}",
            errors.iter().map(|error| format!(" {error:.1e} |")).collect::<String>()
        )?;
    }
    if let Some(path) = &arguments.picture {
        let picture = draw(&rows, &table).map_err(|error| Failure::Draw(error.to_string()))?;
        std::fs::write(path, picture)
            .map_err(|error| Failure::File(path.display().to_string(), error))?;
    }
    Ok(())
}

fn draw(rows: &[Row], table: &[Vec<f64>]) -> Result<String, Box<dyn Error>> {
    const SIZE: (u32, u32) = (1000, 620);
    let mut text = String::new();
    {
        let root = SVGBackend::with_string(&mut text, SIZE).into_drawing_area();
        root.fill(&WHITE)?;
        let font = |size: i32, color: &RGBColor| {
            ("sans-serif", size).into_font().color(color).pos(Pos::new(HPos::Left, VPos::Center))
        };
        root.draw(&Text::new(
            "Error of an E4M3 product against the exact sum, by accumulator",
            (60, 22),
            font(22, &BLACK),
        ))?;
        root.draw(&Text::new(
            "root mean square of 256 sums, relative; K products each, both axes logarithmic",
            (60, 46),
            font(15, &BLACK),
        ))?;
        let largest = table.iter().flatten().fold(0f64, |largest, error| largest.max(*error)) * 1.6;
        let least = table
            .iter()
            .flatten()
            .filter(|error| **error > 0.0)
            .fold(f64::MAX, |least, error| least.min(*error))
            / 1.6;
        let (first, last) = (DEPTHS[0] as f64, DEPTHS[DEPTHS.len() - 1] as f64);
        // Names stand to the right of the lines' ends.
        let mut chart = ChartBuilder::on(&root)
            .margin_top(64)
            .margin_right(230)
            .margin_bottom(10)
            .margin_left(10)
            .x_label_area_size(40)
            .y_label_area_size(60)
            .build_cartesian_2d(
                (first..last).log_scale().base(2.0),
                (least..largest).log_scale(),
            )?;
        chart
            .configure_mesh()
            .light_line_style(WHITE)
            .bold_line_style(RGBColor(0xDD, 0xDD, 0xDD))
            .x_labels(DEPTHS.len())
            .y_labels(8)
            .x_label_formatter(&|depth| format!("{depth:.0}"))
            .y_label_formatter(&|error| format!("{error:.0e}"))
            .label_style(("sans-serif", 15).into_font())
            .draw()?;
        let mut ends: Vec<(i32, i32, &Row)> = Vec::new();
        for (row, errors) in rows.iter().zip(table) {
            let points: Vec<(f64, f64)> =
                DEPTHS.iter().map(|depth| *depth as f64).zip(errors.iter().copied()).collect();
            // No error has no place on a logarithmic axis.
            let points: Vec<_> = points.into_iter().filter(|(_, error)| *error > 0.0).collect();
            let Some(last) = points.last() else { continue };
            chart.draw_series([PathElement::new(points.clone(), row.2.stroke_width(2))])?;
            chart.draw_series(points.iter().map(|point| Circle::new(*point, 3, row.2.filled())))?;
            let (x, y) = chart.backend_coord(last);
            ends.push((x, y, row));
        }
        ends.sort_by_key(|(_, y, _)| *y);
        let mut free = 0;
        for (x, y, (name, _, color)) in ends {
            let place = y.max(free);
            free = place + 20;
            root.draw(&PathElement::new([(x + 4, y), (x + 16, place)], *color))?;
            root.draw(&Text::new(*name, (x + 20, place), font(17, color)))?;
        }
        root.present()?;
    }
    Ok(text)
}
