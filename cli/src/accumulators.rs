//! What the sum costs: the error of an FP8 product under each accumulator against the exact sum,
//! for K from 128 to 65,536.
//!
//! `subhalf accumulators` prints the table; with a file name it draws it too.

use crate::failure::{Failure, to_file};
use clap::Args;
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use std::error::Error;
use std::io::Write;
use std::ops::Range;
use std::path::PathBuf;
use subhalf::{
    Accumulator, Chain, Dither, FormatSpec, KSchedule, Matmul, Operand, Round, Stochastic,
    philox4x32_10, unit,
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

/// An accumulator of the table.
struct Row {
    name: &'static str,
    accumulator: Accumulator,
    color: RGBColor,
    /// The format that its operands are stored in; the numbers are the same.
    format: FormatSpec,
}

/// Rows of the table that a chart of their own shows.
type Group = (&'static str, Vec<Row>);

const COLORS: [RGBColor; 8] = [
    RGBColor(0xA0, 0x1C, 0x2E),
    RGBColor(0x8A, 0x4B, 0x00),
    RGBColor(0x6A, 0x1B, 0x8A),
    RGBColor(0x1B, 0x4F, 0x9C),
    RGBColor(0x00, 0x69, 0x6E),
    RGBColor(0x1E, 0x6B, 0x3A),
    RGBColor(0x9C, 0x27, 0x6B),
    RGBColor(0x20, 0x20, 0x20),
];

fn chains() -> Vec<(&'static str, FormatSpec, Accumulator)> {
    let (f16, bf16) = (
        Chain::rounded(FormatSpec::F16, Round::NearestEven),
        Chain::rounded(FormatSpec::BF16, Round::NearestEven),
    );
    let e8m13 = Chain::rounded(FormatSpec::E8M13, Round::TowardZero);
    let stochastic = Round::stochastic(Stochastic::B, 16).expect("1 to 32 bits");
    let chunked = |inner| Accumulator::chunked(128, inner, Chain::F32);
    [
        ("BF16", Accumulator::chain(bf16)),
        ("BF16, stochastic", Accumulator::rounded(FormatSpec::BF16, stochastic)),
        ("BF16 by 128 into F32", chunked(bf16)),
        ("FP16", Accumulator::chain(f16)),
        ("E8M13 toward zero", Accumulator::chain(e8m13)),
        ("FP16 by 128 into F32", chunked(f16)),
        ("E8M13 by 128 into F32", chunked(e8m13)),
        ("F32", Accumulator::F32),
    ]
    .map(|(name, accumulator)| (name, FormatSpec::F8E4M3, accumulator))
    .into()
}

/// The FP8 units of GPUs. `DeepGEMM`'s promotion has the bits of CUTLASS's where blocks have no
/// scales.
fn units() -> Result<Vec<(&'static str, FormatSpec, Accumulator)>, subhalf::Error> {
    let e4m3 = FormatSpec::F8E4M3;
    let nvidia = [
        ("Hopper wgmma", unit::hopper::WGMMA_FP8, KSchedule::InOrder),
        ("Hopper wgmma, promoted", unit::hopper::WGMMA_FP8, KSchedule::CUTLASS_FP8),
        ("Hopper mma.sync", unit::hopper::MMA_SYNC_FP8, KSchedule::InOrder),
        ("Ada", unit::ada::QMMA_FP8, KSchedule::InOrder),
        ("Blackwell", unit::blackwell::F8F6F4, KSchedule::InOrder),
    ];
    let mut units = Vec::new();
    for (name, unit, schedule) in nvidia {
        units.push((name, e4m3, Accumulator::unit(unit.spec(e4m3, e4m3)?, schedule)));
    }
    // CDNA3 has other codes for FP8, which stand for all numbers up to 240.
    let fnuz = FormatSpec::F8E4M3FNUZ;
    let cdna3 = unit::amd::CDNA3_FP8.spec(fnuz, fnuz)?;
    units.push(("CDNA3 (MI300)", fnuz, Accumulator::unit(cdna3, KSchedule::InOrder)));
    units.push(("F32, one chain", e4m3, Accumulator::F32));
    Ok(units)
}

fn groups() -> Result<[Group; 2], subhalf::Error> {
    let rows = |list: Vec<(&'static str, FormatSpec, Accumulator)>| {
        let rows = list.into_iter().zip(COLORS);
        rows.map(|((name, format, accumulator), color)| Row { name, accumulator, color, format })
            .collect()
    };
    Ok([
        ("chains that are rounded at every product", rows(chains())),
        ("matrix units of GPUs", rows(units()?)),
    ])
}

/// About normal, with a mean of an eighth: sums grow, as those of trained networks do. Numbers of
/// E4M3 in another format that has them.
fn inputs(side: u32, count: usize, format: &FormatSpec) -> Vec<u8> {
    let number = |i: usize| {
        let words = philox4x32_10([i as u32, side, 0, 0], [6, 0]);
        let sum: f64 = words.iter().map(|word| f64::from(*word) / 2f64.powi(32) - 0.5).sum();
        let e4m3 = FormatSpec::F8E4M3;
        let code = e4m3.encode_f64(sum * 3f64.sqrt() + 0.125);
        format.encode_f32(e4m3.decode_f32(code)) as u8
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
    let groups = groups()?;
    let rows = || groups.iter().flat_map(|(_, rows)| rows);
    let mut table = vec![Vec::new(); rows().count()];
    for depth in DEPTHS {
        let product = |format: &FormatSpec, accumulator| -> Result<Vec<f64>, subhalf::Error> {
            let [a, b] = [0, 1].map(|side| inputs(side, SIDE * depth, format));
            let a = Operand::codes(format, &a, &[SIDE, depth])?;
            let b = Operand::codes(format, &b, &[SIDE, depth])?;
            let mut sums = vec![0f64; SIDE * SIDE];
            Matmul::new()
                .accumulator(accumulator)
                .dither(Dither::new(1))
                .multiply_into(a, b, &mut sums)?;
            Ok(sums)
        };
        let exact = product(&FormatSpec::F8E4M3, Accumulator::Exact)?;
        for (row, errors) in rows().zip(&mut table) {
            errors.push(error(&product(&row.format, row.accumulator)?, &exact));
        }
    }
    writeln!(
        out,
        "E4M3 x E4M3, relative error (root mean square of {} sums) against the exact sum\n",
        SIDE * SIDE
    )?;
    writeln!(out, "| accumulator |{}", DEPTHS.map(|depth| format!(" K = {depth} |")).concat())?;
    writeln!(out, "|---|{}", "---|".repeat(DEPTHS.len()))?;
    for (row, errors) in rows().zip(&table) {
        writeln!(
            out,
            "| {} |{}",
            row.name,
            errors.iter().map(|error| format!(" {error:.1e} |")).collect::<String>()
        )?;
    }
    if let Some(path) = &arguments.picture {
        let picture = draw(&groups, &table).map_err(|error| Failure::Draw(error.to_string()))?;
        to_file(path, &picture)?;
    }
    Ok(())
}

/// Draws the charts of all groups, one below the other, with the same axes.
fn draw(groups: &[Group], table: &[Vec<f64>]) -> Result<String, Box<dyn Error>> {
    const WIDTH: u32 = 1000;
    const HEIGHT: u32 = 520;
    const HEAD: u32 = 64;
    let mut text = String::new();
    {
        let size = (WIDTH, HEAD + HEIGHT * groups.len() as u32);
        let root = SVGBackend::with_string(&mut text, size).into_drawing_area();
        root.fill(&WHITE)?;
        let (head, charts) = root.split_vertically(HEAD);
        head.draw(&Text::new(
            "Error of an E4M3 product against the exact sum, by accumulator",
            (60, 22),
            font(22, &BLACK),
        ))?;
        head.draw(&Text::new(
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
        let mut rest = table;
        for ((name, rows), area) in groups.iter().zip(charts.split_evenly((groups.len(), 1))) {
            area.draw(&Text::new(*name, (60, 20), font(18, &BLACK)))?;
            let (own, others) = rest.split_at(rows.len());
            rest = others;
            chart(&area, rows, own, least..largest)?;
        }
        root.present()?;
    }
    Ok(text)
}

fn font(size: i32, color: &RGBColor) -> TextStyle<'_> {
    ("sans-serif", size).into_font().color(color).pos(Pos::new(HPos::Left, VPos::Center))
}

/// Draws the lines of a group, with their names to the right of the ends.
fn chart(
    area: &DrawingArea<SVGBackend<'_>, Shift>,
    rows: &[Row],
    table: &[Vec<f64>],
    errors: Range<f64>,
) -> Result<(), Box<dyn Error>> {
    let (first, last) = (DEPTHS[0] as f64, DEPTHS[DEPTHS.len() - 1] as f64);
    let mut chart = ChartBuilder::on(area)
        .margin_top(36)
        .margin_right(230)
        .margin_bottom(10)
        .margin_left(10)
        .x_label_area_size(40)
        .y_label_area_size(60)
        .build_cartesian_2d((first..last).log_scale().base(2.0), errors.log_scale())?;
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
        chart.draw_series([PathElement::new(points.clone(), row.color.stroke_width(2))])?;
        chart.draw_series(points.iter().map(|point| Circle::new(*point, 3, row.color.filled())))?;
        let (x, y) = chart.backend_coord(last);
        // Coordinates of the whole picture, as of this part of it.
        let (left, top) = area.get_base_pixel();
        ends.push((x - left, y - top, row));
    }
    ends.sort_by_key(|(_, y, _)| *y);
    let mut free = 0;
    for (x, y, Row { name, color, .. }) in ends {
        let place = y.max(free);
        free = place + 20;
        area.draw(&PathElement::new([(x + 4, y), (x + 16, place)], *color))?;
        area.draw(&Text::new(*name, (x + 20, place), font(17, color)))?;
    }
    Ok(())
}
