//! k-means of weighted numbers on a line.

use alloc::vec::Vec;

/// Moves centroids to the weighted means of the numbers nearest to them, again and again until none
/// changes, 300 times at most, and returns them in ascending order.
///
/// A number between two centroids belongs to the lower one up to the midpoint, included. A centroid
/// with no number, or with numbers of weight 0 alone, stays where it is. The weighted squared error
/// `Σ w · (x − c)²` falls with every step, so the result is never worse than the start; it is a
/// local minimum (Lloyd's algorithm). Weights are not below 0; numbers that are not finite do not
/// count. Sums are f64 over the sorted numbers.
///
/// ```
/// use subhalf::recipe::weighted_kmeans;
/// let (numbers, weights) = ([4.2, 5.0, 5.6, 11.0], [0.1, 2.0, 0.4, 1.0]);
/// let centroids = weighted_kmeans(&numbers, &weights, &[5.0, 10.0]);
/// assert!((centroids[0] - 5.064).abs() < 1e-9 && centroids[1] == 11.0);
/// ```
#[must_use]
pub fn weighted_kmeans(numbers: &[f64], weights: &[f64], start: &[f64]) -> Vec<f64> {
    let mut order: Vec<(f64, f64)> = numbers
        .iter()
        .zip(weights)
        .filter(|(x, w)| x.is_finite() && w.is_finite())
        .map(|(x, w)| (*x, *w))
        .collect();
    order.sort_by(|a, b| a.0.total_cmp(&b.0));
    // Sums of the numbers before each position: a cluster is a range of them.
    let (mut weight, mut moment) = (0.0, 0.0);
    let mut before = Vec::with_capacity(order.len() + 1);
    before.push((0.0, 0.0));
    for (x, w) in &order {
        weight += w;
        moment += w * x;
        before.push((weight, moment));
    }
    let mut centroids = start.to_vec();
    centroids.sort_by(f64::total_cmp);
    for _ in 0..300 {
        let mut first = 0;
        let next: Vec<f64> = (0..centroids.len())
            .map(|k| {
                let end = match centroids.get(k + 1) {
                    Some(above) => {
                        let midpoint = 0.5 * (centroids[k] + above);
                        order.partition_point(|(x, _)| *x <= midpoint)
                    }
                    None => order.len(),
                };
                let (w, m) = (before[end].0 - before[first].0, before[end].1 - before[first].1);
                first = end;
                if w > 0.0 { m / w } else { centroids[k] }
            })
            .collect();
        if next == centroids {
            break;
        }
        centroids = next;
    }
    centroids
}
