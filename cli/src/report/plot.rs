//! Bits per weight against SQNR as an SVG of one panel: a point for each scheme, a line through the
//! best ones, and names for these and for some others.

use super::chosen::{Chosen, DEFAULT_SCHEMES, is_default};
use super::labels::{self, Area, HEIGHT, Label, Obstacles, Point};
use super::measure::{Totals, decibels};
use crate::failure::escaped;
use std::fmt::Write;
use std::ops::Range;

const WIDTH: f64 = 1000.0;
const ROOM: Area = Area { left: 64.0, top: 84.0, right: WIDTH - 16.0, bottom: 704.0 };
const TOTAL_HEIGHT: f64 = 780.0;
/// As many names as a person reads.
const NAMES: usize = 25;

/// A scheme in the picture.
struct Dot<'a> {
    name: &'a str,
    bits: f64,
    decibels: f64,
    at: Point,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// None that stores as many bits or fewer has a higher ratio.
    Front,
    /// Another with a name.
    Named,
    Faint,
}

/// An axis: its numbers, and the pixels of both ends.
struct Axis {
    numbers: Range<f64>,
    pixels: [f64; 2],
}

impl Axis {
    /// With some room on both sides of the numbers: at least so much before and behind them.
    fn new(
        numbers: impl Iterator<Item = f64> + Clone,
        [least, more]: [f64; 2],
        pixels: [f64; 2],
    ) -> Self {
        let low = numbers.clone().fold(f64::INFINITY, f64::min);
        let high = numbers.fold(f64::NEG_INFINITY, f64::max);
        // Without any points the axis has to begin somewhere.
        let (low, high) = if low <= high { (low, high) } else { (0.0, 1.0) };
        let part = (high - low) * 0.06;
        Self { numbers: low - part.max(least)..high + part.max(more), pixels }
    }

    fn place(&self, x: f64) -> f64 {
        let part = (x - self.numbers.start) / (self.numbers.end - self.numbers.start);
        self.pixels[0] + part * (self.pixels[1] - self.pixels[0])
    }

    /// Round numbers, ten or fewer.
    fn ticks(&self) -> impl Iterator<Item = f64> {
        let range = self.numbers.end - self.numbers.start;
        let power = 10f64.powf((range / 10.0).log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|digit| digit * power);
        let step = step.into_iter().find(|step| range / step <= 10.0).unwrap_or(10.0 * power);
        let (first, last) = (self.numbers.start / step, self.numbers.end / step);
        (first.ceil() as i64..=last.floor() as i64).map(move |index| index as f64 * step)
    }
}

/// The picture as text. Schemes whose ratio is not a number of decibels are counted below it.
pub(crate) fn svg(title: &str, chosen: &Chosen, totals: &Totals) -> String {
    let schemes = totals.by_bits(chosen);
    let mut dots: Vec<Dot<'_>> = Vec::new();
    for (preset, total) in &schemes {
        let (bits, decibels) = (total.bits_per_element(), decibels(total.errors.sqnr_db()));
        if decibels.is_finite() {
            let at = Point { x: 0.0, y: 0.0 };
            dots.push(Dot { name: preset.name, bits, decibels, at, kind: Kind::Faint });
        }
    }
    let drawn = dots.len();
    let shown = widest(&dots);
    dots.retain(|dot| dot.bits <= shown);
    let bits = Axis::new(dots.iter().map(|dot| dot.bits), [0.8, 0.3], [ROOM.left, ROOM.right]);
    let ratio = Axis::new(dots.iter().map(|dot| dot.decibels), [1.0, 1.0], [ROOM.bottom, ROOM.top]);
    for dot in &mut dots {
        dot.at = Point { x: bits.place(dot.bits), y: ratio.place(dot.decibels) };
    }
    choose(&mut dots);

    let front: Vec<Point> =
        dots.iter().filter(|dot| dot.kind == Kind::Front).map(|dot| dot.at).collect();
    let line: Vec<[Point; 2]> = front.windows(2).map(|ends| [ends[0], ends[1]]).collect();
    let faint: Vec<Point> =
        dots.iter().filter(|dot| dot.kind == Kind::Faint).map(|dot| dot.at).collect();
    let mut named: Vec<&Dot<'_>> = dots.iter().filter(|dot| dot.kind == Kind::Front).collect();
    named.extend(dots.iter().filter(|dot| dot.kind == Kind::Named));
    let names: Vec<(Point, &str)> = named.iter().map(|dot| (dot.at, dot.name)).collect();
    let labels =
        labels::place(&names, front.len(), &Obstacles { room: ROOM, line: &line, faint: &faint });

    let mut svg = Svg::new(title);
    svg.axes(&bits, &ratio);
    svg.points(&dots, Kind::Faint, "faint", 2.5);
    svg.line(&front);
    labels.iter().filter_map(|label| label.leader).for_each(|leader| svg.leader(leader));
    svg.points(&dots, Kind::Named, "named", 3.5);
    svg.points(&dots, Kind::Front, "front", 4.5);
    labels.iter().for_each(|label| svg.name(label, named[label.index]));
    svg.notes(dots.len() - labels.len(), drawn - dots.len(), schemes.len() - drawn);
    svg.text + "</svg>\n"
}

/// The most bits that the picture reaches to: a little beyond the best ratio. Few schemes take more
/// and none is better; they would make the others crowd.
fn widest(dots: &[Dot<'_>]) -> f64 {
    let best = dots
        .iter()
        .max_by(|a, b| a.decibels.total_cmp(&b.decibels).then(b.bits.total_cmp(&a.bits)));
    best.map_or(0.0, |best| 1.1 * best.bits)
}

/// Finds the front and the names. Of schemes at the same place the one of the default set has the
/// name, or the first.
fn choose(dots: &mut [Dot<'_>]) {
    let same = |a: &Dot<'_>, b: &Dot<'_>| a.bits == b.bits && a.decibels == b.decibels;
    let mut best = f64::NEG_INFINITY;
    for index in 0..dots.len() {
        if dots[index].decibels <= best {
            continue;
        }
        best = dots[index].decibels;
        let count = dots[index..].iter().take_while(|dot| same(dot, &dots[index])).count();
        let equal = index..index + count;
        let usual = equal.clone().find(|&index| is_default(dots[index].name));
        dots[usual.unwrap_or(index)].kind = Kind::Front;
    }
    let mut left = NAMES.saturating_sub(dots.iter().filter(|dot| dot.kind == Kind::Front).count());
    let is_front = |dots: &[Dot<'_>], index: usize| {
        dots.iter().any(|dot| dot.kind != Kind::Faint && same(dot, &dots[index]))
    };
    // Those that are known best, then whatever else there is, if there is little.
    let few = dots.len() <= NAMES;
    let usual =
        DEFAULT_SCHEMES.iter().filter_map(|name| dots.iter().position(|dot| dot.name == *name));
    let others = (0..dots.len()).filter(|_| few);
    for index in usual.chain(others).collect::<Vec<_>>() {
        if left > 0 && !is_front(dots, index) {
            dots[index].kind = Kind::Named;
            left -= 1;
        }
    }
}

/// The text of a picture.
struct Svg {
    text: String,
}

impl Svg {
    fn new(title: &str) -> Self {
        let title = escape(&escaped(title, 80));
        let text = format!(
            r##"<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{TOTAL_HEIGHT}" viewBox="0 0 {WIDTH} {TOTAL_HEIGHT}" font-family="Helvetica, Arial, sans-serif" font-size="11">
<style>
.grid {{ stroke: #e4e4e4; stroke-width: 1 }}
.faint {{ fill: #8c97a3; fill-opacity: 0.45 }}
.named {{ fill: #1b4f9c }}
.front {{ fill: #b3261e }}
.line {{ fill: none; stroke: #b3261e; stroke-width: 1.5; stroke-opacity: 0.6 }}
.leader {{ stroke: #9a9a9a; stroke-width: 0.75 }}
text.named {{ fill: #1b3a6b }}
text.front {{ fill: #8f1a14 }}
.axis {{ fill: #333333; font-size: 12px }}
</style>
<rect width="100%" height="100%" fill="white"/>
<text x="{left}" y="26" font-size="18" fill="#111111">{title}</text>
<text x="{left}" y="46" class="axis">What storing the weights costs, a point for each scheme. Red: no scheme that takes as many bits or fewer has a higher</text>
<text x="{left}" y="62" class="axis">ratio of signal to quantization noise (SQNR). Blue: some others that are common. Grey: the rest.</text>
"##,
            left = ROOM.left,
        );
        Self { text }
    }

    /// Adds a line of text. Writing to a string cannot fail.
    fn add(&mut self, line: std::fmt::Arguments<'_>) {
        let _ = self.text.write_fmt(line);
        self.text.push('\n');
    }

    fn axes(&mut self, bits: &Axis, ratio: &Axis) {
        let Area { left, top, right, bottom } = ROOM;
        for tick in bits.ticks() {
            let x = bits.place(tick);
            self.add(format_args!(
                r#"<line class="grid" x1="{x:.1}" x2="{x:.1}" y1="{top}" y2="{bottom}"/>"#
            ));
            let (y, tick) = (bottom + 18.0, short(tick));
            self.add(format_args!(
                r#"<text class="axis" x="{x:.1}" y="{y}" text-anchor="middle">{tick}</text>"#
            ));
        }
        for tick in ratio.ticks() {
            let y = ratio.place(tick);
            self.add(format_args!(
                r#"<line class="grid" x1="{left}" x2="{right}" y1="{y:.1}" y2="{y:.1}"/>"#
            ));
            let (x, y, tick) = (left - 8.0, y + 4.0, short(tick));
            self.add(format_args!(
                r#"<text class="axis" x="{x}" y="{y:.1}" text-anchor="end">{tick}</text>"#
            ));
        }
        let (x, y) = (f64::midpoint(left, right), bottom + 38.0);
        self.add(format_args!(
            r#"<text class="axis" x="{x}" y="{y}" text-anchor="middle">bits per weight as stored, scales included</text>"#
        ));
        let y = f64::midpoint(top, bottom);
        self.add(format_args!(
            r#"<text class="axis" transform="translate(20 {y}) rotate(-90)" text-anchor="middle">SQNR in dB</text>"#
        ));
    }

    fn points(&mut self, dots: &[Dot<'_>], kind: Kind, class: &str, radius: f64) {
        for dot in dots.iter().filter(|dot| dot.kind == kind) {
            let (Point { x, y }, name) = (dot.at, escape(dot.name));
            // The name shows where a mouse rests on the point.
            self.add(format_args!(
                r#"<circle class="{class}" cx="{x:.1}" cy="{y:.1}" r="{radius}"><title>{name}: {:.2} bits, {:.2} dB</title></circle>"#,
                dot.bits, dot.decibels
            ));
        }
    }

    fn line(&mut self, front: &[Point]) {
        let points: Vec<String> =
            front.iter().map(|point| format!("{:.1},{:.1}", point.x, point.y)).collect();
        self.add(format_args!(r#"<polyline class="line" points="{}"/>"#, points.join(" ")));
    }

    fn leader(&mut self, [from, to]: [Point; 2]) {
        self.add(format_args!(
            r#"<line class="leader" x1="{:.1}" y1="{:.1}" x2="{:.1}" y2="{:.1}"/>"#,
            from.x, from.y, to.x, to.y
        ));
    }

    fn name(&mut self, label: &Label, dot: &Dot<'_>) {
        let class = if dot.kind == Kind::Front { "front" } else { "named" };
        let (area, name) = (label.area, escape(dot.name));
        // On the side of its point, so that a narrower font leaves no gap there.
        let (x, anchor) = if dot.at.x <= area.left {
            (area.left, "start")
        } else if dot.at.x >= area.right {
            (area.right, "end")
        } else {
            (f64::midpoint(area.left, area.right), "middle")
        };
        let y = area.bottom - HEIGHT * 0.27;
        self.add(format_args!(
            r#"<text class="{class}" x="{x:.1}" y="{y:.1}" text-anchor="{anchor}">{name}</text>"#
        ));
    }

    /// How many schemes have no name or no place.
    fn notes(&mut self, without_name: usize, beyond: usize, without_ratio: usize) {
        let mut notes = Vec::new();
        if without_name > 0 {
            notes.push(format!("{without_name} points without a name (--csv and --json have all)"));
        }
        if beyond + without_ratio > 0 {
            notes.push(format!(
                "not drawn: {beyond} schemes that take more bits and are worse, {without_ratio} that are exact or made NaN"
            ));
        }
        let (x, y) = (ROOM.right, TOTAL_HEIGHT - 14.0);
        self.add(format_args!(
            r#"<text class="axis" x="{x}" y="{y}" text-anchor="end">{}</text>"#,
            notes.join("; ")
        ));
    }
}

fn short(x: f64) -> String {
    ((x * 1e6).round() / 1e6).to_string()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
