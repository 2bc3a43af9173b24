//! The roundings: when a number between two neighbours moves to the upper one. `codec` finds the
//! neighbours.

use crate::error::Error;
use crate::naming::{is_same, names_of, nearest_name};
use core::fmt::{Display, Formatter};
use core::str::FromStr;

/// How a number that lies between two neighbouring representable values is rounded.
///
/// "Even" and "odd" are said of the code of the neighbour nearer to zero: even if its last bit is 0
/// (IEEE P3109's *CodeIsEven*, which extends IEEE 754's rule to formats without mantissa bits). In
/// a codebook, where codes need not be in order, it is even if an even number of entries are
/// smaller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Round {
    /// To the nearest value, ties to the even code. IEEE 754 roundTiesToEven, `rn`.
    NearestEven,
    /// To the nearest value, ties away from zero. IEEE 754 roundTiesToAway, `rna`, Ascend
    /// `CAST_ROUND`.
    NearestAway,
    /// To the nearest value, ties toward zero (the element rounding of ggml's MXFP4).
    NearestTowardZero,
    /// To the nearest value, ties toward plus infinity (what CUDA and `ml_dtypes` do into E8M0).
    NearestUp,
    /// Toward zero. `rz`.
    TowardZero,
    /// Away from zero.
    AwayFromZero,
    /// Toward plus infinity. `rp`.
    Up,
    /// Toward minus infinity. `rm`.
    Down,
    /// To the neighbour with the odd code, unless the number is representable. P3109 ToOdd, the
    /// first step of innocuous double rounding.
    ToOdd,
    /// Up or down at random, in proportion to the discarded fraction of a unit.
    Stochastic {
        /// How the fraction is compared with the random number.
        kind: Stochastic,
        /// How many low bits of the random word are used: 1 to 32.
        bits: u8,
    },
}

/// The three stochastic roundings of IEEE P3109 (Interim Report v4.0). With ν the discarded
/// fraction of a unit in `[0, 1)` and R an N-bit random integer, the magnitude is rounded up if the
/// condition holds. A representable number never moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stochastic {
    /// `floor(ν·2^N) + R ≥ 2^N`: add and truncate. Biased toward zero by up to `2^-N` of a unit.
    /// `cvt.rs` in PTX.
    A,
    /// `floor(ν·2^(N+1)) + (2R + 1) ≥ 2^(N+1)`: the fraction is truncated to N + 1 bits, and R
    /// counts half a step more.
    B,
    /// `round_half_even(ν·2^N) + R ≥ 2^N`: the fraction is rounded instead of truncated.
    C,
}

impl Round {
    /// Every rounding that takes no random bits.
    pub const DETERMINISTIC: [Self; 9] = [
        Self::NearestEven,
        Self::NearestAway,
        Self::NearestTowardZero,
        Self::NearestUp,
        Self::TowardZero,
        Self::AwayFromZero,
        Self::Up,
        Self::Down,
        Self::ToOdd,
    ];

    /// A stochastic rounding, checked.
    ///
    /// ```
    /// use subhalf::{Round, Stochastic};
    /// assert!(Round::stochastic(Stochastic::A, 8).is_ok());
    /// assert!(Round::stochastic(Stochastic::A, 33).is_err());
    /// ```
    ///
    /// # Errors
    /// [`Error::RandomBits`] unless `bits` is in `1..=32`.
    pub const fn stochastic(kind: Stochastic, bits: u8) -> Result<Self, Error> {
        let round = Self::Stochastic { kind, bits };
        match round.validate() {
            Ok(()) => Ok(round),
            Err(error) => Err(error),
        }
    }

    /// Refuses a stochastic rounding whose bit count no word can serve. Bulk calls ask this at the
    /// door; a scalar call given such a rounding uses the nearest count that exists.
    pub(crate) const fn validate(self) -> Result<(), Error> {
        match self {
            Self::Stochastic { bits: found, .. } if found < 1 || found > 32 => {
                Err(Error::RandomBits { found })
            }
            _ => Ok(()),
        }
    }

    /// Whether a magnitude between its neighbours moves to the upper one. `odd` says whether the
    /// lower neighbour's code is odd; `fraction` and `sticky` are those of
    /// [`Split`](crate::bits::Split).
    pub(crate) const fn moves_up(
        self,
        negative: bool,
        odd: bool,
        fraction: u64,
        sticky: bool,
        random: u32,
    ) -> bool {
        const HALF: u64 = 1 << 63;
        if fraction == 0 && !sticky {
            return false;
        }
        let above_half = fraction > HALF || (fraction == HALF && sticky);
        let tie = fraction == HALF && !sticky;
        match self {
            Self::NearestEven => above_half || (tie && odd),
            Self::NearestAway => above_half || tie,
            Self::NearestTowardZero => above_half,
            Self::NearestUp => above_half || (tie && !negative),
            Self::TowardZero => false,
            Self::AwayFromZero => true,
            Self::Up => !negative,
            Self::Down => negative,
            Self::ToOdd => !odd,
            Self::Stochastic { kind, bits } => {
                let bits = if bits < 1 {
                    1
                } else if bits > 32 {
                    32
                } else {
                    bits as u32
                };
                let random = random as u64 & crate::bits::low_mask(bits);
                let kept = fraction >> (64 - bits);
                match kind {
                    Stochastic::A => kept + random >= 1 << bits,
                    Stochastic::B => (fraction >> (63 - bits)) + 2 * random + 1 >= 2 << bits,
                    Stochastic::C => {
                        let rest = fraction << bits;
                        let up = rest > HALF || (rest == HALF && (sticky || kept & 1 == 1));
                        kept + up as u64 + random >= 1 << bits
                    }
                }
            }
        }
    }

    /// Whether a finite number beyond the largest value may become infinite under the
    /// direction-dependent rule of IEEE 754 (7.4), given the parity of the largest finite code.
    pub(crate) const fn overflows_to_infinity(self, negative: bool, max_is_odd: bool) -> bool {
        match self {
            Self::TowardZero => false,
            Self::Up => !negative,
            Self::Down => negative,
            Self::ToOdd => !max_is_odd,
            _ => true,
        }
    }
}

names_of! { Stochastic, "stochastic rounding":
    A "stochastic-a",
    B "stochastic-b",
    C "stochastic-c",
}

impl Round {
    /// Names of the roundings of [`DETERMINISTIC`](Self::DETERMINISTIC), in its order.
    const NAMES: [&'static str; 9] = [
        "nearest-even",
        "nearest-away",
        "nearest-toward-zero",
        "nearest-up",
        "toward-zero",
        "away-from-zero",
        "up",
        "down",
        "to-odd",
    ];
}

/// Writes the variant in small letters: `nearest-even`; a stochastic rounding with its random bits:
/// `stochastic-a:8`.
///
/// ```
/// use subhalf::{Round, Stochastic};
/// let text = Round::DETERMINISTIC.map(|round| round.to_string());
/// assert_eq!(text[..5].join(" "), "nearest-even nearest-away nearest-toward-zero nearest-up toward-zero");
/// assert_eq!(text[5..].join(" "), "away-from-zero up down to-odd");
/// assert_eq!(Round::stochastic(Stochastic::A, 8)?.to_string(), "stochastic-a:8");
/// # Ok::<(), subhalf::Error>(())
/// ```
impl Display for Round {
    fn fmt(&self, f: &mut Formatter<'_>) -> core::fmt::Result {
        if let Self::Stochastic { kind, bits } = self {
            return write!(f, "{kind}:{bits}");
        }
        let place = Self::DETERMINISTIC.iter().position(|round| round == self);
        f.pad(place.map_or("", |place| Self::NAMES[place]))
    }
}

/// Reads what `Display` writes, whatever its case; `-`, `_` and blanks do not count.
///
/// ```
/// use subhalf::{Round, Stochastic};
/// assert_eq!("TowardZero".parse(), Ok(Round::TowardZero));
/// assert_eq!("stochastic-b:16".parse(), Round::stochastic(Stochastic::B, 16));
/// assert!("stochastic-b:64".parse::<Round>().is_err());
/// let error = "toward-even".parse::<Round>().unwrap_err().to_string();
/// assert!(error.ends_with("found \"toward-even\"; the nearest is toward-zero"), "{error}");
/// ```
impl FromStr for Round {
    type Err = Error;

    fn from_str(word: &str) -> Result<Self, Error> {
        if let Some(place) = Self::NAMES.iter().position(|name| is_same(name, word)) {
            return Ok(Self::DETERMINISTIC[place]);
        }
        let stochastic = word.split_once(':').and_then(|(kind, bits)| {
            let kind = Stochastic::ALL.into_iter().find(|known| is_same(known.name(), kind))?;
            Some((kind, bits.trim().parse().ok()?))
        });
        if let Some((kind, bits)) = stochastic {
            return Self::stochastic(kind, bits);
        }
        let names = Self::NAMES.into_iter().chain(["stochastic-a:8"]);
        Err(Error::unknown_name(
            "rounding",
            "Round, such as nearest-even or stochastic-a:8",
            word,
            nearest_name(word, names),
        ))
    }
}
