//! Finite scalar quantization (FSQ, arXiv 2309.15505).

use crate::error::Error;
use crate::policy::Convert;
use crate::spec::FormatSpec;
use crate::unary::Unary;
use alloc::vec::Vec;

/// Finite scalar quantization (FSQ, arXiv 2309.15505, 3): each channel of a vector is bounded by a
/// tanh and rounded to one of L levels; a vector's code counts all of them.
///
/// ```text
/// h = (L − 1)(1 + ε)/2      o = ½ for even L, else 0      shift = atanh(o / h)
/// q = round(tanh(z + shift) · h − o)      number q / ⌊L/2⌋      ε = 1/1000
/// ```
///
/// The sign of ε and atanh are those of the implementation `vector-quantize-pytorch`; the authors'
/// own code is said to have `1 − ε` and tan, which differs by less than 10⁻⁵ in the shift. tanh and
/// ln are correctly rounded to f32, so that codes are the same on every machine.
///
/// ```
/// use subhalf::recipe::Fsq;
/// let fsq = Fsq::new(&[8, 5, 5, 5])?;
/// let q = fsq.quantize(&[0.7, -0.3, 0.1, -2.0])?;
/// assert_eq!(q, [2, -1, 0, -2]);
/// assert_eq!((fsq.index(&q)?, fsq.code_count()), (94, 1000));
/// assert_eq!(fsq.numbers(94)?, [0.5, -0.5, 0.0, -1.0]);
/// # Ok::<(), subhalf::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Fsq {
    channels: Vec<Channel>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Channel {
    levels: u32,
    half: f32,
    offset: f32,
    shift: f32,
}

/// A function of an f32, correctly rounded.
fn function(function: Unary, x: f32) -> f32 {
    let spec = FormatSpec::F32;
    spec.decode_f32(spec.unary_with(function, spec.encode_f32(x), &Convert::IEEE, 0).code)
}

impl Fsq {
    /// Makes a quantizer with these numbers of levels, one a channel.
    ///
    /// # Errors
    ///
    /// [`Error::SpecRange`] for fewer than 3 levels (two have no such bound) or more than 4096, and
    /// [`Error::TooLarge`] for more codes than a u32 counts.
    pub fn new(levels: &[u32]) -> Result<Self, Error> {
        let mut count = 1u32;
        for levels in levels {
            if !(3..=4096).contains(levels) {
                let what = "levels of a channel";
                return Err(Error::SpecRange { what, found: (*levels).into(), low: 3, high: 4096 });
            }
            count = count.checked_mul(*levels).ok_or(Error::TooLarge)?;
        }
        let channel = |levels: &u32| {
            let half = (f64::from(levels - 1) * 1.001 / 2.0) as f32;
            let offset = if levels.is_multiple_of(2) { 0.5 } else { 0.0 };
            // atanh(t) = ½ ln((1 + t)/(1 − t)).
            let t = offset / half;
            let shift = 0.5 * function(Unary::Ln, (1.0 + t) / (1.0 - t));
            Channel { levels: *levels, half, offset, shift }
        };
        Ok(Self { channels: levels.iter().map(channel).collect() })
    }

    /// Returns how many codes there are.
    #[must_use]
    pub fn code_count(&self) -> u32 {
        self.channels.iter().map(|channel| channel.levels).product()
    }

    /// Rounds a vector to integer levels, ties to even: from −⌊L/2⌋ on for even L, between ±(L−1)/2
    /// for odd. NaN becomes 0.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] for another number of channels.
    pub fn quantize(&self, z: &[f32]) -> Result<Vec<i32>, Error> {
        Error::check_length("channels", self.channels.len(), z.len())?;
        let level = |(channel, z): (&Channel, &f32)| {
            let bounded = function(Unary::Tanh, z + channel.shift) * channel.half - channel.offset;
            bounded.round_ties_even() as i32
        };
        Ok(self.channels.iter().zip(z).map(level).collect())
    }

    /// Returns the code of integer levels, the first channel counting fastest.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] for another number of channels, [`Error::SpecRange`] for a level that a
    /// channel does not have.
    pub fn index(&self, levels: &[i32]) -> Result<u32, Error> {
        Error::check_length("channels", self.channels.len(), levels.len())?;
        let (mut index, mut basis) = (0, 1u32);
        for (channel, q) in self.channels.iter().zip(levels) {
            let low = -((channel.levels / 2) as i32);
            let place = q.wrapping_sub(low) as u32;
            if place >= channel.levels {
                let (low, high) = (i64::from(low), i64::from(low) + i64::from(channel.levels) - 1);
                return Err(Error::SpecRange { what: "level", found: (*q).into(), low, high });
            }
            index += place * basis;
            basis = basis.wrapping_mul(channel.levels);
        }
        Ok(index)
    }

    /// Returns the numbers of a code, `q / ⌊L/2⌋` each, between −1 and 1.
    ///
    /// # Errors
    ///
    /// [`Error::SpecRange`] for a code that there is not.
    pub fn numbers(&self, index: u32) -> Result<Vec<f32>, Error> {
        let high = i64::from(self.code_count()) - 1;
        if i64::from(index) > high {
            return Err(Error::SpecRange { what: "code", found: index.into(), low: 0, high });
        }
        let mut rest = index;
        let number = |channel: &Channel| {
            let half = (channel.levels / 2) as i32;
            let q = (rest % channel.levels) as i32 - half;
            rest /= channel.levels;
            q as f32 / half as f32
        };
        Ok(self.channels.iter().map(number).collect())
    }
}
