//! Additive vector codebooks (AQLM, arXiv 2401.06118) and a step of PV-Tuning (arXiv 2405.14852).

use super::{all_finite, columns};
use crate::error::Error;
use crate::random::Dither;
use alloc::vec;
use alloc::vec::Vec;

/// A matrix whose runs of `group` weights of a row are sums of vectors, one from each of `K`
/// codebooks, times a scale of the row: `w = s · Σ_k C_k[code_k]` (AQLM, arXiv 2401.06118).
#[derive(Clone, Debug, PartialEq)]
pub struct AdditiveCodebooks {
    cols: usize,
    group: usize,
    /// Vectors of a codebook.
    entries: usize,
    /// Codebooks one behind the other, `entries · group` numbers each.
    codebooks: Vec<f64>,
    /// Scales of the rows.
    scales: Vec<f64>,
    /// `K` codes for each group, groups row by row.
    codes: Vec<u16>,
}

impl AdditiveCodebooks {
    /// Makes a matrix from its parts.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] for codebooks, codes or columns that do not go together, [`Error::Stored`]
    /// for a code that no codebook has.
    pub fn from_parts(
        cols: usize,
        group: usize,
        entries: usize,
        codebooks: Vec<f64>,
        scales: Vec<f64>,
        codes: Vec<u16>,
    ) -> Result<Self, Error> {
        let groups = columns("columns in groups", cols, group)?;
        let book = entries.saturating_mul(group).max(1);
        let count = columns("codebook numbers", codebooks.len(), book)?;
        Error::check_length("codes", scales.len() * groups * count, codes.len())?;
        if let Some(index) = codes.iter().position(|code| usize::from(*code) >= entries) {
            let (what, expected) = ("code", "an entry of the codebook");
            return Err(Error::Stored { what, index, expected, found: codes[index].into() });
        }
        Ok(Self { cols, group, entries, codebooks, scales, codes })
    }

    /// Returns the codebooks one behind the other, vector by vector.
    #[must_use]
    pub fn codebooks(&self) -> &[f64] {
        &self.codebooks
    }

    /// Returns the codes, one for each codebook of each group, groups row by row.
    #[must_use]
    pub fn codes(&self) -> &[u16] {
        &self.codes
    }

    /// Returns how many codebooks there are.
    fn books(&self) -> usize {
        self.codebooks.len() / (self.entries * self.group).max(1)
    }

    /// Returns a vector of a codebook.
    fn vector(&self, book: usize, code: u16) -> &[f64] {
        let start = (book * self.entries + usize::from(code)) * self.group;
        &self.codebooks[start..start + self.group]
    }

    /// Returns the sum of the vectors of a group, but for the codebook `without`.
    fn sum(&self, group: usize, without: Option<usize>) -> Vec<f64> {
        let mut sum = vec![0.0; self.group];
        for book in (0..self.books()).filter(|book| Some(*book) != without) {
            let vector = self.vector(book, self.codes[group * self.books() + book]);
            sum.iter_mut().zip(vector).for_each(|(sum, x)| *sum += x);
        }
        sum
    }

    /// Returns the weights, row-major.
    ///
    /// ```
    /// use subhalf::recipe::AdditiveCodebooks;
    /// let mut books = vec![0.0; 2 * 4 * 8];
    /// for i in 0..8 {
    ///     books[2 * 8 + i] = i as f64 / 10.0; // vector 2 of the first
    ///     books[(4 + 3) * 8 + i] = -0.05; // vector 3 of the second
    /// }
    /// let w = AdditiveCodebooks::from_parts(8, 8, 4, books, vec![2.0], vec![2, 3])?.decode();
    /// let expected = [-0.1, 0.1, 0.3, 0.5, 0.7, 0.9, 1.1, 1.3];
    /// assert!(w.iter().zip(expected).all(|(w, x)| (f64::from(*w) - x).abs() < 1e-7));
    /// # Ok::<(), subhalf::Error>(())
    /// ```
    #[must_use]
    pub fn decode(&self) -> Vec<f32> {
        let groups = self.cols / self.group.max(1);
        (0..self.scales.len() * groups)
            .flat_map(|group| {
                let scale = self.scales[group / groups];
                self.sum(group, None).into_iter().map(move |x| (scale * x) as f32)
            })
            .collect()
    }

    /// Returns `Σ (w − s · Σ_k C_k)²`, in f64.
    #[must_use]
    pub fn error(&self, w: &[f32]) -> f64 {
        let groups = self.cols / self.group.max(1);
        w.chunks(self.group.max(1)).enumerate().fold(0.0, |total, (group, part)| {
            let scale = self.scales[group / groups];
            let sum = self.sum(group, None);
            part.iter().zip(sum).fold(total, |total, (w, x)| {
                let error = f64::from(*w) - scale * x;
                total + error * error
            })
        })
    }

    /// Fits codebooks to a matrix: scales are the Euclidean norms of the rows, codebooks come one
    /// after the other by k-means of what those before leave (residual k-means, as AQLM starts),
    /// then `rounds` times [`pv_step`](Self::pv_step) towards the matrix itself.
    ///
    /// k-means starts from groups that `seed` draws, and takes `rounds` steps. AQLM searches its
    /// first codes by beams and weighs errors by `X · Xᵀ`; this fit does neither.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] if `w` has no such rows, or rows no such groups; [`Error::SpecRange`] for
    /// `book_bits` outside of 1 to 16; [`Error::Given`] for a weight that is not finite.
    pub fn fit(
        w: &[f32],
        rows: usize,
        group: usize,
        books: usize,
        book_bits: u8,
        rounds: usize,
        seed: u64,
    ) -> Result<Self, Error> {
        let cols = columns("weights", w.len(), rows)?;
        columns("columns in groups", cols, group)?;
        all_finite("weight", w)?;
        if !(1..=16).contains(&book_bits) {
            let what = "bits of a codebook";
            return Err(Error::SpecRange { what, found: book_bits.into(), low: 1, high: 16 });
        }
        let norm = |row: &[f32]| {
            let square = row.iter().fold(0.0, |sum, x| sum + f64::from(*x) * f64::from(*x));
            if square > 0.0 { square.sqrt() } else { 1.0 }
        };
        let scales: Vec<f64> = w.chunks(cols.max(1)).map(norm).collect();
        let groups = w.len() / group;
        let entries = 1 << book_bits;
        let mut fitted = Self {
            cols,
            group,
            entries,
            codebooks: vec![0.0; books * entries * group],
            scales,
            codes: vec![0; groups * books],
        };
        let draw = Dither::new(seed);
        for book in 0..books {
            for entry in 0..entries {
                // A group each, drawn with replacement.
                let word = draw.word((book * entries + entry) as u64, 32);
                let at = ((u64::from(word) * groups as u64) >> 32) as usize;
                let target = fitted.left(w, at, book);
                let start = (book * entries + entry) * group;
                fitted.codebooks[start..start + group].copy_from_slice(&target);
            }
            for _ in 0..=rounds {
                fitted.assign(w, book);
                fitted.move_vectors(w, book);
            }
        }
        for _ in 0..rounds {
            fitted.pv_step(w)?;
        }
        Ok(fitted)
    }

    /// Returns what the vector of a codebook is to be for a group, the others as they are.
    fn left(&self, w: &[f32], group: usize, book: usize) -> Vec<f64> {
        let groups = self.cols / self.group;
        let scale = self.scales[group / groups];
        let others = self.sum(group, Some(book));
        let part = &w[group * self.group..(group + 1) * self.group];
        part.iter().zip(others).map(|(w, x)| f64::from(*w) / scale - x).collect()
    }

    /// Gives each group the vector of a codebook that is nearest to what the others leave.
    fn assign(&mut self, w: &[f32], book: usize) {
        let books = self.books();
        for group in 0..self.codes.len() / books {
            let target = self.left(w, group, book);
            let distance = |code: usize| {
                let vector = self.vector(book, code as u16);
                target.iter().zip(vector).fold(0.0, |sum, (t, x)| sum + (t - x) * (t - x))
            };
            let (mut best, mut least) = (self.codes[group * books + book], f64::INFINITY);
            for code in 0..self.entries {
                let distance = distance(code);
                if distance < least {
                    (best, least) = (code as u16, distance);
                }
            }
            self.codes[group * books + book] = best;
        }
    }

    /// Moves the vectors of a codebook to the means of what the others leave, weighed by the
    /// squares of the scales: the least squares for fixed codes.
    fn move_vectors(&mut self, w: &[f32], book: usize) {
        let (books, groups) = (self.books(), self.cols / self.group);
        let mut sums = vec![0.0; self.entries * self.group];
        let mut weights = vec![0.0; self.entries];
        for group in 0..self.codes.len() / books {
            let weight = self.scales[group / groups] * self.scales[group / groups];
            let code = usize::from(self.codes[group * books + book]);
            weights[code] += weight;
            let to = &mut sums[code * self.group..(code + 1) * self.group];
            let target = self.left(w, group, book);
            to.iter_mut().zip(target).for_each(|(sum, x)| *sum += weight * x);
        }
        let start = book * self.entries * self.group;
        let vectors = &mut self.codebooks[start..start + self.entries * self.group];
        for ((vector, sum), weight) in
            vectors.chunks_mut(self.group).zip(sums.chunks(self.group)).zip(weights)
        {
            // A vector that no group has stays.
            if weight > 0.0 {
                vector.iter_mut().zip(sum).for_each(|(x, sum)| *x = sum / weight);
            }
        }
    }

    /// Makes one step of PV-Tuning (arXiv 2405.14852, algorithm 1) towards `target`, codebook by
    /// codebook: P, the codes that are nearest to it with all vectors fixed; V, the least squares
    /// of the vectors with all codes fixed. [`error`](Self::error) never rises.
    ///
    /// In the paper `target` is the matrix after one step of an optimizer of the model's loss, and
    /// P is limited to the groups that it moved most; here all groups may change.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] for another number of weights.
    pub fn pv_step(&mut self, target: &[f32]) -> Result<(), Error> {
        Error::check_length("target weights", self.scales.len() * self.cols, target.len())?;
        for book in 0..self.books() {
            self.assign(target, book);
            self.move_vectors(target, book);
        }
        Ok(())
    }
}
