//! Bits per weight against SQNR as an SVG: one point a scheme, its name beside it.

use crate::schemes::Scheme;
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use std::ops::Range;
use subhalf::Sqnr;

type Failure = DrawingAreaErrorKind<std::io::Error>;

/// Points further apart in bits than this are in panels of their own, so that names find room between them.
const PANEL_GAP: f64 = 0.75;
const ROW: i32 = 14;
const NAME_SIZE: i32 = 11;
/// Of a letter at that size, with some room: names are not measured, as fonts differ.
const LETTER: f64 = 6.6;
const POINTS_WIDTH: i32 = 220;
const LEADER: i32 = 24;
const TOP: i32 = 50;
const LEFT: i32 = 60;
const BOTTOM: i32 = 60;

struct Point<'a> {
    name: &'a str,
    bits: f64,
    decibels: f64,
    color: RGBColor,
}

/// The picture as text. Schemes whose ratio is not a number of decibels are named below it.
pub(crate) fn svg(title: &str, schemes: &[Scheme]) -> Result<String, Failure> {
    let (points, left_out) = points(schemes);
    let panels = panels(&points);
    let longest = points.iter().map(|point| point.name.chars().count()).max().unwrap_or(0);
    let names_width = (longest as f64 * LETTER) as i32 + 20;
    let panel_width = POINTS_WIDTH + LEADER + names_width;
    let most = panels.iter().map(|panel| panel.len()).max().unwrap_or(0);
    let height = (most as i32 * ROW).max(420);
    let size = (LEFT + panels.len().max(1) as i32 * panel_width, TOP + height + BOTTOM);

    let mut text = String::new();
    {
        let root = SVGBackend::with_string(&mut text, (size.0 as u32, size.1 as u32)).into_drawing_area();
        root.fill(&WHITE)?;
        write(&root, title, (LEFT, 14), 15, &BLACK)?;
        write(&root, "SQNR in dB over bits per weight as stored, scales included", (LEFT, 32), 12, &BLACK)?;
        if !left_out.is_empty() {
            write(&root, &format!("Without a ratio: {}", left_out.join(", ")), (LEFT, size.1 - 10), NAME_SIZE, &BLACK)?;
        }
        let all: Vec<f64> = points.iter().map(|point| point.decibels).collect();
        for (index, panel) in panels.iter().enumerate() {
            let left = LEFT + index as i32 * panel_width;
            draw(&root, panel, widened(&all, 0.04), left, height)?;
        }
        root.present()?;
    }
    Ok(text)
}

/// One color for each module of presets.
fn points(schemes: &[Scheme]) -> (Vec<Point<'_>>, Vec<&str>) {
    let (mut modules, mut points, mut left_out) = (Vec::new(), Vec::new(), Vec::new());
    for scheme in schemes {
        let name = scheme.preset.name;
        let module = name.split("::").next().unwrap_or_default();
        if !modules.contains(&module) {
            modules.push(module);
        }
        let index = modules.iter().position(|&other| other == module).unwrap_or(0);
        match scheme.total().sqnr_db() {
            Sqnr::Decibels(decibels) if decibels.is_finite() => {
                let (red, green, blue) = Palette99::pick(index).to_rgba().rgb();
                // Darker, as thin letters on white need it.
                let color = RGBColor(red / 4 * 3, green / 4 * 3, blue / 4 * 3);
                points.push(Point { name, bits: scheme.stored_bits(), decibels, color });
            }
            _ => left_out.push(name),
        }
    }
    (points, left_out)
}

/// Cuts points that are sorted by bits.
fn panels<'a, 'b>(points: &'b [Point<'a>]) -> Vec<&'b [Point<'a>]> {
    points.chunk_by(|a, b| b.bits - a.bits <= PANEL_GAP).collect()
}

/// The range of some numbers, and this part of it more on both sides.
fn widened(numbers: &[f64], part: f64) -> Range<f64> {
    let (low, high) = numbers.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &x| (low.min(x), high.max(x)));
    let margin = ((high - low) * part).max(0.25);
    low - margin..high + margin
}

fn draw(
    root: &DrawingArea<SVGBackend<'_>, Shift>,
    panel: &[Point<'_>],
    decibels: Range<f64>,
    left: i32,
    height: i32,
) -> Result<(), Failure> {
    let area = root.clone().shrink((left - LEFT, TOP), (LEFT + POINTS_WIDTH, height + BOTTOM / 2));
    let bits: Vec<f64> = panel.iter().map(|point| point.bits).collect();
    let mut chart = ChartBuilder::on(&area)
        .set_label_area_size(LabelAreaPosition::Left, 40)
        .set_label_area_size(LabelAreaPosition::Bottom, BOTTOM / 2)
        .margin_left(LEFT - 40)
        .build_cartesian_2d(widened(&bits, 0.08), decibels)?;
    let format = |x: &f64| format!("{}", (x * 100.0).round() / 100.0);
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .x_labels(5)
        .x_label_formatter(&format)
        .y_label_formatter(&format)
        .draw()?;

    let mut placed: Vec<(&Point<'_>, (i32, i32))> =
        panel.iter().map(|point| (point, chart.backend_coord(&(point.bits, point.decibels)))).collect();
    placed.sort_by_key(|&(_, (x, y))| (y, -x));
    let wanted: Vec<f64> = placed.iter().map(|&(_, (_, y))| f64::from(y)).collect();
    let rows = spread(&wanted, f64::from(ROW), f64::from(TOP + ROW / 2), f64::from(TOP + height - ROW / 2));
    let names = left + POINTS_WIDTH + LEADER;
    for (&(point, at), row) in placed.iter().zip(rows) {
        let row = row.round() as i32;
        let leader = vec![at, (names - LEADER / 2, row), (names - 3, row)];
        root.draw(&PathElement::new(leader, point.color.mix(0.35)))?;
        write(root, point.name, (names, row), NAME_SIZE, &point.color)?;
    }
    // Points last, so that no line is drawn over them.
    for (point, at) in placed {
        root.draw(&Circle::new(at, 3, point.color.filled()))?;
    }
    Ok(())
}

fn write(
    root: &DrawingArea<SVGBackend<'_>, Shift>,
    text: &str,
    at: (i32, i32),
    size: i32,
    color: &RGBColor,
) -> Result<(), Failure> {
    let style = ("sans-serif", size).into_font().color(color).pos(Pos::new(HPos::Left, VPos::Center));
    root.draw(&Text::new(text.to_owned(), at, style))
}

/// Positions at least `gap` apart between `low` and `high`, in the order of the wanted ones and, by squares, as near to them as that allows.
fn spread(wanted: &[f64], gap: f64, low: f64, high: f64) -> Vec<f64> {
    // Less their places in the row, positions need only not fall; runs that would are pooled at their mean.
    let mut pools: Vec<(f64, usize)> = Vec::new();
    for (index, &position) in wanted.iter().enumerate() {
        let mut pool = (position - index as f64 * gap, 1);
        while let Some(&(mean, count)) = pools.last().filter(|(mean, _)| *mean > pool.0) {
            pools.pop();
            let members = count + pool.1;
            pool = ((mean * count as f64 + pool.0 * pool.1 as f64) / members as f64, members);
        }
        pools.push(pool);
    }
    let last = high - wanted.len().saturating_sub(1) as f64 * gap;
    let starts = pools.iter().flat_map(|&(mean, count)| std::iter::repeat_n(mean.min(last).max(low), count));
    starts.enumerate().map(|(index, start)| start + index as f64 * gap).collect()
}
