//! Bits per weight against SQNR as an SVG: one point a scheme, its name beside it.

use super::schemes::{Scheme, decibels};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use std::ops::Range;

type Failure = DrawingAreaErrorKind<std::io::Error>;
type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// Points further apart in bits than this are in panels of their own, so that names find room
/// between them.
const PANEL_GAP: f64 = 0.45;
/// Of a row of panels.
const WIDEST: i32 = 1200;
const LEAST_HEIGHT: i32 = 160;
const ROW: i32 = 14;
/// The library makes letters a fifth smaller than asked for.
const NAME_SIZE: i32 = 14;
/// Of a letter at that size, with some room: names are not measured, as fonts differ.
const LETTER: f64 = 7.1;
const LEADER: i32 = 24;
const TOP: i32 = 50;
const LEFT: i32 = 60;
/// Below a panel: its axis, and with the room before the next row.
const AXIS: i32 = 24;
const BOTTOM: i32 = 48;

struct Point<'a> {
    name: &'a str,
    bits: f64,
    decibels: f64,
    color: RGBColor,
}

/// Dark, as thin letters on white have to be.
const COLORS: [RGBColor; 10] = [
    RGBColor(0xA0, 0x1C, 0x2E),
    RGBColor(0x1B, 0x4F, 0x9C),
    RGBColor(0x1E, 0x6B, 0x3A),
    RGBColor(0x8A, 0x4B, 0x00),
    RGBColor(0x6A, 0x1B, 0x8A),
    RGBColor(0x00, 0x69, 0x6E),
    RGBColor(0x9C, 0x27, 0x6B),
    RGBColor(0x4A, 0x4A, 0x4A),
    RGBColor(0x5F, 0x60, 0x00),
    RGBColor(0x3B, 0x3B, 0xB5),
];

/// Points near each other in bits, with their names to the right.
struct Panel<'a> {
    points: &'a [Point<'a>],
    /// Of axis and points; names begin a leader to the right.
    points_width: i32,
    width: i32,
}

/// The picture as text. Schemes whose ratio is not a number of decibels are counted below it.
pub(crate) fn svg(title: &str, schemes: &[Scheme]) -> Result<String, Failure> {
    let points = points(schemes);
    let panels: Vec<Panel<'_>> =
        points.chunk_by(|a, b| b.bits - a.bits <= PANEL_GAP).map(Panel::new).collect();
    let rows = rows(&panels);
    let row_height = |row: &[Panel<'_>]| {
        row.iter().map(|panel| panel.points.len() as i32 * ROW).max().unwrap_or(0).max(LEAST_HEIGHT)
    };
    let width =
        rows.iter().map(|row| row.iter().map(|panel| panel.width).sum()).fold(500, i32::max);
    let height = TOP + rows.iter().map(|row| row_height(row) + BOTTOM).sum::<i32>() + BOTTOM / 2;

    let mut text = String::new();
    {
        let root =
            SVGBackend::with_string(&mut text, (width as u32, height as u32)).into_drawing_area();
        root.fill(&WHITE)?;
        write(&root, title, (LEFT, 16), 18, &BLACK)?;
        write(
            &root,
            "SQNR in dB over bits per weight as stored, scales included; each panel with axes of its own",
            (LEFT, 34),
            12,
            &BLACK,
        )?;
        if points.len() < schemes.len() {
            let note = format!(
                "Not drawn: {} schemes that are exact or made NaN",
                schemes.len() - points.len()
            );
            write(&root, &note, (LEFT, height - 14), NAME_SIZE, &BLACK)?;
        }
        let mut top = TOP;
        for row in rows {
            let (mut left, height) = (0, row_height(row));
            for panel in row {
                panel.draw(&root, (left, top), height)?;
                left += panel.width;
            }
            top += height + BOTTOM;
        }
        root.present()?;
    }
    Ok(text)
}

/// Breaks a row of panels where it would become too wide.
fn rows<'a, 'b>(mut panels: &'b [Panel<'a>]) -> Vec<&'b [Panel<'a>]> {
    let mut rows = Vec::new();
    while !panels.is_empty() {
        let widths = panels.iter().scan(0, |sum, panel| {
            *sum += panel.width;
            Some(*sum)
        });
        let fitting = widths.take_while(|&width| width <= WIDEST).count().max(1);
        let (row, rest) = panels.split_at(fitting);
        rows.push(row);
        panels = rest;
    }
    rows
}

/// One color for each module of presets.
fn points(schemes: &[Scheme]) -> Vec<Point<'_>> {
    let (mut modules, mut points) = (Vec::new(), Vec::new());
    for scheme in schemes {
        let name = scheme.preset.name;
        let module = name.split("::").next().unwrap_or_default();
        if !modules.contains(&module) {
            modules.push(module);
        }
        let index = modules.iter().position(|&other| other == module).unwrap_or(0);
        let decibels = decibels(scheme.total().sqnr_db());
        if decibels.is_finite() {
            points.push(Point {
                name,
                bits: scheme.stored_bits(),
                decibels,
                color: COLORS[index % COLORS.len()],
            });
        }
    }
    points
}

/// The range of some numbers, and on both sides this part of it more, or at least so much.
fn widened(numbers: impl Iterator<Item = f64>, part: f64, least: f64) -> Range<f64> {
    let (low, high) = numbers
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)));
    let margin = ((high - low) * part).max(least);
    low - margin..high + margin
}

impl<'a> Panel<'a> {
    fn new(points: &'a [Point<'a>]) -> Self {
        let range = points.last().map_or(0.0, |last| last.bits)
            - points.first().map_or(0.0, |first| first.bits);
        let points_width = LEFT + (60.0 + 120.0 * range).min(300.0) as i32;
        let longest = points.iter().map(|point| point.name.chars().count()).max().unwrap_or(0);
        Self {
            points,
            points_width,
            width: points_width + LEADER + (longest as f64 * LETTER) as i32 + ROW,
        }
    }

    fn draw(&self, root: &Area<'_>, (left, top): (i32, i32), height: i32) -> Result<(), Failure> {
        let area = root.clone().shrink((left, top), (self.points_width, height + AXIS));
        let bits = widened(self.points.iter().map(|point| point.bits), 0.08, 0.1);
        let decibels = widened(self.points.iter().map(|point| point.decibels), 0.04, 1.0);
        let mut chart = ChartBuilder::on(&area)
            .set_label_area_size(LabelAreaPosition::Left, LEFT / 2)
            .set_label_area_size(LabelAreaPosition::Bottom, AXIS)
            .margin_left(LEFT / 2)
            .build_cartesian_2d(bits, decibels)?;
        let format = |x: &f64| ((x * 100.0).round() / 100.0).to_string();
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(BLACK.mix(0.12))
            .x_labels((self.points_width - LEFT) as usize / 40)
            .label_style(("sans-serif", NAME_SIZE))
            .x_label_formatter(&format)
            .y_label_formatter(&format)
            .draw()?;

        let place =
            |point: &'a Point<'a>| (point, chart.backend_coord(&(point.bits, point.decibels)));
        let mut placed: Vec<(&Point<'_>, (i32, i32))> = self.points.iter().map(place).collect();
        placed.sort_by_key(|&(_, (x, y))| (y, -x));
        let wanted: Vec<f64> = placed.iter().map(|&(_, (_, y))| f64::from(y)).collect();
        let rows = spread(
            &wanted,
            f64::from(ROW),
            f64::from(top + ROW / 2),
            f64::from(top + height - ROW / 2),
        );
        let names = left + self.points_width + LEADER;
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
}

fn write(
    root: &Area<'_>,
    text: &str,
    at: (i32, i32),
    size: i32,
    color: &RGBColor,
) -> Result<(), Failure> {
    let style =
        ("sans-serif", size).into_font().color(color).pos(Pos::new(HPos::Left, VPos::Center));
    root.draw(&Text::new(text.to_owned(), at, style))
}

/// Positions at least `gap` apart between `low` and `high`, in the order of the wanted ones and, by
/// squares, as near to them as that allows.
fn spread(wanted: &[f64], gap: f64, low: f64, high: f64) -> Vec<f64> {
    // Less their places in the row, positions need only not fall; runs that would are pooled at
    // their mean.
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
    let starts =
        pools.iter().flat_map(|&(mean, count)| std::iter::repeat_n(mean.min(last).max(low), count));
    starts.enumerate().map(|(index, start)| start + index as f64 * gap).collect()
}
