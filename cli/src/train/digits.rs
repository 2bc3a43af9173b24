//! The 1,797 handwritten digits of 8×8 pixels, packed into the program (`assets/README.md`).

/// A bit for each pixel that is not 0, 8 bytes; a nibble, 1 less than the pixel, for each of those,
/// the first in the lower half of its byte; the digit. One image after the other.
const PACKED: &[u8] = include_bytes!("../../assets/digits.bin");

/// Pixels of an image.
pub(super) const PIXELS: usize = 64;
/// Images to train on, in order: 15 batches of 96. The rest are to test with.
pub(super) const TRAINING: usize = 1440;

/// Images, and the digit that each shows.
pub(super) struct Digits {
    /// Pixels with a mean of about 0 and a variance of about 1.
    pub(super) pixels: Vec<f32>,
    pub(super) labels: Vec<u8>,
}

impl Digits {
    /// Unpacks all images.
    pub(super) fn read() -> Self {
        let mut digits = Self { pixels: Vec::new(), labels: Vec::new() };
        let mut rest = PACKED;
        while let Some((mask, tail)) = rest.split_first_chunk() {
            let mask = u64::from_le_bytes(*mask);
            let (nibbles, tail) = tail.split_at((mask.count_ones() as usize).div_ceil(2));
            let mut counts = nibbles.iter().flat_map(|byte| [byte & 15, byte >> 4]);
            for i in 0..PIXELS {
                let pixel = if mask >> i & 1 == 0 { 0 } else { counts.next().map_or(0, |x| x + 1) };
                // The mean of all pixels is 4.9, their deviation 6.0.
                digits.pixels.push((f32::from(pixel) - 5.0) / 6.0);
            }
            digits.labels.push(tail[0]);
            rest = &tail[1..];
        }
        digits
    }

    /// The images of a range and their labels.
    pub(super) fn range(&self, range: std::ops::Range<usize>) -> (&[f32], &[u8]) {
        (&self.pixels[range.start * PIXELS..range.end * PIXELS], &self.labels[range])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What scikit-learn's copy has: 1,797 images, their pixels' sum, and images of each digit.
    #[test]
    fn digits_are_those_of_scikit_learn() {
        let digits = Digits::read();
        assert_eq!(digits.labels.len(), 1797);
        let sum: f32 = digits.pixels.iter().map(|x| (x * 6.0 + 5.0).round()).sum();
        assert_eq!(sum, 561_718.0);
        let count = |digit| digits.labels.iter().filter(|label| **label == digit).count();
        let counts: Vec<usize> = (0..10).map(count).collect();
        assert_eq!(counts, [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]);
        // The first image, a zero: its third row of pixels.
        let row: Vec<f32> = digits.pixels[16..24].iter().map(|x| (x * 6.0 + 5.0).round()).collect();
        assert_eq!(row, [0.0, 3.0, 15.0, 2.0, 0.0, 11.0, 8.0, 0.0]);
    }
}
