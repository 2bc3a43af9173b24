//! Charts of curves whose names stand to the right of their ends.

use plotters::coord::Shift;
use plotters::coord::ranged1d::{AsRangedCoord, ValueFormatter};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use std::error::Error;
use std::ops::Range;

/// Colors that are told apart on white, as many as a chart has curves at most.
pub(crate) const COLORS: [RGBColor; 10] = [
    RGBColor(0x20, 0x20, 0x20),
    RGBColor(0x7A, 0x7A, 0x7A),
    RGBColor(0x1B, 0x4F, 0x9C),
    RGBColor(0x00, 0x8A, 0x9A),
    RGBColor(0x1E, 0x6B, 0x3A),
    RGBColor(0x6F, 0xA8, 0x1E),
    RGBColor(0xB8, 0x7A, 0x00),
    RGBColor(0xA0, 0x1C, 0x2E),
    RGBColor(0x6A, 0x1B, 0x8A),
    RGBColor(0xC4, 0x3D, 0x96),
];

/// Pixels between names.
const LINE: i32 = 19;
/// Pixels below a chart's curves: numbers and name of the axis.
const FOOT: i32 = 46;

/// A curve and its name.
pub(crate) struct Curve {
    pub(crate) name: String,
    pub(crate) points: Vec<(f64, f64)>,
}

/// What a chart says beside its curves.
pub(crate) struct Words<'a> {
    pub(crate) title: &'a str,
    /// What the horizontal axis counts, in whole numbers.
    pub(crate) across: &'a str,
    /// A number of the vertical axis.
    pub(crate) label: &'a dyn Fn(&f64) -> String,
}

/// Text that begins at its place and is centred on its line.
pub(crate) fn font(size: i32, color: &RGBColor) -> TextStyle<'_> {
    ("sans-serif", size).into_font().color(color).pos(Pos::new(HPos::Left, VPos::Center))
}

/// The least and the largest number of curves.
pub(crate) fn extent(curves: &[Curve]) -> (f64, f64) {
    let numbers = || curves.iter().flat_map(|curve| &curve.points).map(|(_, y)| *y);
    (numbers().fold(f64::INFINITY, f64::min), numbers().fold(f64::NEG_INFINITY, f64::max))
}

/// Draws curves, each in the color of its place.
pub(crate) fn chart<A>(
    area: &DrawingArea<SVGBackend<'_>, Shift>,
    words: &Words<'_>,
    curves: &[Curve],
    across: Range<f64>,
    upward: A,
) -> Result<(), Box<dyn Error>>
where
    A: AsRangedCoord<Value = f64>,
    A::CoordDescType: ValueFormatter<f64>,
{
    area.draw(&Text::new(words.title, (60, 14), font(16, &BLACK)))?;
    let mut chart = ChartBuilder::on(area)
        .margin_top(30)
        .margin_right(250)
        .margin_bottom(6)
        .margin_left(6)
        .x_label_area_size(40)
        .y_label_area_size(60)
        .build_cartesian_2d(across, upward)?;
    chart
        .configure_mesh()
        .light_line_style(WHITE)
        .bold_line_style(RGBColor(0xDD, 0xDD, 0xDD))
        .x_labels(10)
        .x_desc(words.across)
        .x_label_formatter(&|x| format!("{x:.0}"))
        .y_label_formatter(words.label)
        .label_style(("sans-serif", 14).into_font())
        .draw()?;
    let mut ends = Vec::new();
    for (curve, color) in curves.iter().zip(COLORS) {
        chart.draw_series([PathElement::new(curve.points.clone(), color.stroke_width(2))])?;
        let Some(last) = curve.points.last() else { continue };
        let (x, y) = chart.backend_coord(last);
        // Coordinates of the whole picture, as of this part of it.
        let (left, top) = area.get_base_pixel();
        ends.push((x - left, y - top, &curve.name, color));
    }
    ends.sort_by_key(|(_, y, ..)| *y);
    // Names move down to keep their distance; those that have left the chart come up again.
    let mut places: Vec<i32> = Vec::new();
    for (_, y, ..) in &ends {
        places.push(places.last().map_or(*y, |above| (*y).max(above + LINE)));
    }
    let mut limit = area.dim_in_pixel().1 as i32 - FOOT;
    for place in places.iter_mut().rev() {
        *place = (*place).min(limit);
        limit = *place - LINE;
    }
    for ((x, y, name, color), place) in ends.into_iter().zip(places) {
        area.draw(&PathElement::new([(x + 4, y), (x + 16, place)], color))?;
        area.draw(&Text::new(name.as_str(), (x + 20, place), font(15, &color)))?;
    }
    Ok(())
}
