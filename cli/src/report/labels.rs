//! Where names go beside the points of a picture: near their points, over no other name, no point
//! that has a name, and not over the line.

/// A point in pixels; `y` goes down.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Point {
    pub(crate) x: f64,
    pub(crate) y: f64,
}

/// A rectangle in pixels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Area {
    pub(crate) left: f64,
    pub(crate) top: f64,
    pub(crate) right: f64,
    pub(crate) bottom: f64,
}

impl Area {
    fn overlaps(&self, other: &Self) -> bool {
        self.left < other.right
            && other.left < self.right
            && self.top < other.bottom
            && other.top < self.bottom
    }

    fn within(&self, other: &Self) -> bool {
        self.left >= other.left
            && self.right <= other.right
            && self.top >= other.top
            && self.bottom <= other.bottom
    }

    pub(crate) fn around(at: Point, radius: f64) -> Self {
        Self {
            left: at.x - radius,
            top: at.y - radius,
            right: at.x + radius,
            bottom: at.y + radius,
        }
    }

    /// Whether a straight line has a point inside: it is cut at the four sides in turn.
    fn is_crossed(&self, [from, to]: [Point; 2]) -> bool {
        let (dx, dy) = (to.x - from.x, to.y - from.y);
        let sides = [
            (-dx, from.x - self.left),
            (dx, self.right - from.x),
            (-dy, from.y - self.top),
            (dy, self.bottom - from.y),
        ];
        let (mut first, mut last) = (0.0f64, 1.0f64);
        for (step, room) in sides {
            if step == 0.0 {
                if room < 0.0 {
                    return false;
                }
            } else if step < 0.0 {
                first = first.max(room / step);
            } else {
                last = last.min(room / step);
            }
        }
        first < last
    }
}

/// A name beside its point.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Label {
    /// Which of the points that wanted a name.
    pub(crate) index: usize,
    pub(crate) area: Area,
    /// From the point to the name, if it is not right beside it.
    pub(crate) leader: Option<[Point; 2]>,
}

/// What names keep clear of.
pub(crate) struct Obstacles<'a> {
    /// Of the whole picture.
    pub(crate) room: Area,
    /// Pieces of the line.
    pub(crate) line: &'a [[Point; 2]],
    /// Points without names, which a name had better not cover.
    pub(crate) faint: &'a [Point],
}

/// Height of a name, and its width for each character: names are not measured, as fonts differ.
pub(crate) const HEIGHT: f64 = 14.0;
const CHARACTER: f64 = 6.8;
/// A point with a name.
const RADIUS: f64 = 5.0;
/// Orders that are tried besides those from the sides.
const MIXED: u32 = 40;
/// Names further away have a leader.
const BESIDE: f64 = 9.0;

/// Places names, each as near to its point as the others allow; one without room is left out.
///
/// A name takes the best place that is free when its turn comes. Some orders are tried; the one
/// that leaves out fewest of the first `important` names, then fewest, and then has names nearest
/// to their points, is kept.
pub(crate) fn place(
    named: &[(Point, &str)],
    important: usize,
    obstacles: &Obstacles<'_>,
) -> Vec<Label> {
    let sorted = |key: &dyn Fn(usize) -> f64| {
        let mut order: Vec<usize> = (0..named.len()).collect();
        order.sort_by(|&a, &b| key(a).total_cmp(&key(b)));
        order
    };
    let (x, y) = (|index: usize| named[index].0.x, |index: usize| named[index].0.y);
    // From each side, and mixed in ways that are always the same.
    let mut orders = vec![sorted(&x), sorted(&|index| -x(index)), sorted(&y)];
    orders.extend([sorted(&|index| -y(index)), sorted(&|index| index as f64)]);
    orders.extend((1..MIXED).map(|mix| {
        sorted(&|index| f64::from((index as u32 + 1).wrapping_mul(mix.wrapping_mul(0x9E37_79B9))))
    }));
    let tried = orders.iter().flat_map(|order| {
        let (first, then) = order.iter().partition::<Vec<usize>, _>(|&&index| index < important);
        [order.clone(), [first, then].concat()]
    });
    let tried = tried.map(|order| in_order(&order, named, obstacles));
    let left_out = |labels: &[Label]| {
        let found = labels.iter().filter(|label| label.index < important).count();
        [important - found, named.len() - labels.len()]
    };
    let best = tried.min_by(|(a, a_cost), (b, b_cost)| {
        left_out(a).cmp(&left_out(b)).then(a_cost.total_cmp(b_cost))
    });
    best.map(|(labels, _)| labels).unwrap_or_default()
}

fn in_order(
    order: &[usize],
    named: &[(Point, &str)],
    obstacles: &Obstacles<'_>,
) -> (Vec<Label>, f64) {
    let (mut placed, mut total) = (Vec::new(), 0.0);
    for &index in order {
        let (at, name) = named[index];
        let cost = |label: &Label, distance: f64| {
            let points = obstacles.faint.iter();
            let covered = points.filter(|&&at| label.area.overlaps(&Area::around(at, 2.0)));
            let over_line = label
                .leader
                .is_some_and(|leader| obstacles.line.iter().any(|&piece| cross(leader, piece)));
            distance + 3.0 * covered.count() as f64 + if over_line { 60.0 } else { 0.0 }
        };
        let best = candidates(index, at, name)
            .filter(|(label, _)| is_free(label, named, &placed, obstacles))
            .map(|(label, distance)| (cost(&label, distance), label))
            .min_by(|a, b| a.0.total_cmp(&b.0));
        if let Some((cost, label)) = best {
            placed.push(label);
            total += cost;
        }
    }
    (placed, total)
}

/// Names in a circle around a point, then in larger ones.
fn candidates(index: usize, at: Point, name: &str) -> impl Iterator<Item = (Label, f64)> {
    const DIRECTIONS: u32 = 24;
    const STEP: f64 = 7.0;
    const CIRCLES: u32 = 36;
    let width = name.chars().count() as f64 * CHARACTER;
    (0..CIRCLES).flat_map(move |circle| {
        (0..DIRECTIONS).map(move |direction| {
            // From the right, clockwise.
            let angle = f64::from(direction) / f64::from(DIRECTIONS) * std::f64::consts::TAU;
            let distance = BESIDE + STEP * f64::from(circle);
            let (x, y) = (at.x + distance * angle.cos(), at.y + distance * angle.sin());
            // The name's side towards the point is there.
            let left = x - width * (1.0 - angle.cos()) / 2.0;
            let area =
                Area { left, top: y - HEIGHT / 2.0, right: left + width, bottom: y + HEIGHT / 2.0 };
            let end = Point { x: x.clamp(area.left, area.right), y };
            let leader = (circle > 0).then_some([at, end]);
            // Right beside a point is better than above it.
            let cost = distance + 4.0 * angle.sin().abs();
            (Label { index, area, leader }, cost)
        })
    })
}

fn is_free(
    label: &Label,
    named: &[(Point, &str)],
    placed: &[Label],
    obstacles: &Obstacles<'_>,
) -> bool {
    let Label { index, area, leader } = label;
    let own = named[*index].0;
    let mut others = named.iter().map(|&(at, _)| at).filter(|&at| at != own);
    let covers_point = |at: Point| {
        let around = Area::around(at, RADIUS);
        // Points may lie so near to each other that every leader of the one crosses the other.
        let near = (at.x - own.x).hypot(at.y - own.y) < 3.0 * RADIUS;
        area.overlaps(&around) || (!near && leader.is_some_and(|leader| around.is_crossed(leader)))
    };
    let collides = |other: &Label| {
        area.overlaps(&other.area)
            || leader.is_some_and(|leader| other.area.is_crossed(leader))
            || other.leader.is_some_and(|leader| area.is_crossed(leader))
            || matches!((leader, other.leader), (Some(a), Some(b)) if cross(*a, b))
    };
    area.within(&obstacles.room)
        && !area.overlaps(&Area::around(own, RADIUS))
        && !others.any(covers_point)
        && !placed.iter().any(collides)
        && !obstacles.line.iter().any(|&piece| area.is_crossed(piece))
}

/// Whether two straight lines have a point in common, ends aside.
fn cross([a, b]: [Point; 2], [c, d]: [Point; 2]) -> bool {
    let side = |p: Point, q: Point, r: Point| (q.x - p.x) * (r.y - p.y) - (q.y - p.y) * (r.x - p.x);
    side(a, b, c) * side(a, b, d) < 0.0 && side(c, d, a) * side(c, d, b) < 0.0
}

#[cfg(test)]
mod tests {
    use super::{Area, Obstacles, Point, place};

    #[test]
    fn names_of_crowded_points_do_not_overlap() {
        // 25 points in 180 by 120 pixels: their names cover twice that.
        let names: Vec<String> = (0..25).map(|index| format!("program::FORMAT_{index}")).collect();
        let at = |index: usize| Point {
            x: 400.0 + (index * 67 % 180) as f64,
            y: 300.0 + (index * 43 % 120) as f64,
        };
        let named: Vec<(Point, &str)> =
            names.iter().enumerate().map(|(index, name)| (at(index), name.as_str())).collect();
        let line = [[Point { x: 0.0, y: 500.0 }, Point { x: 900.0, y: 250.0 }]];
        let room = Area { left: 0.0, top: 0.0, right: 900.0, bottom: 600.0 };
        let labels = place(&named, 25, &Obstacles { room, line: &line, faint: &[] });
        assert!(labels.len() > 20, "{}", labels.len());
        for (index, label) in labels.iter().enumerate() {
            assert!(label.area.within(&room) && !label.area.is_crossed(line[0]));
            assert!(labels[..index].iter().all(|other| !other.area.overlaps(&label.area)));
        }
    }

    #[test]
    fn a_line_crosses_what_it_goes_through() {
        let area = Area { left: 10.0, top: 10.0, right: 20.0, bottom: 20.0 };
        let line = |x, y, to_x, to_y| [Point { x, y }, Point { x: to_x, y: to_y }];
        assert!(area.is_crossed(line(0.0, 0.0, 30.0, 30.0)));
        assert!(area.is_crossed(line(15.0, 12.0, 16.0, 13.0)), "inside");
        assert!(!area.is_crossed(line(0.0, 0.0, 9.0, 30.0)));
        assert!(!area.is_crossed(line(0.0, 0.0, 8.0, 8.0)), "ends before");
        assert!(!area.is_crossed(line(0.0, 15.0, 9.0, 15.0)));
    }
}
