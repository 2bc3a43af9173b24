//! [`Fixed`]: a fixed-point number wide enough for sums of products of any three f32s.

use crate::codec::Unpacked;

const LIMBS: usize = 16;
/// The exponent of the last bit: below the product of the three smallest f32s, 2^-447.
pub(super) const LAST: i32 = -512;

/// An exact sum. NaN and infinities are kept beside it: an infinity outweighs every number, two
/// opposite ones and NaN make NaN.
#[derive(Clone, Debug)]
pub(crate) struct Fixed {
    /// Two's complement, lowest first.
    limbs: [u64; LIMBS],
    infinite: [bool; 2],
    nan: bool,
}

impl Fixed {
    pub(crate) const ZERO: Self = Self { limbs: [0; LIMBS], infinite: [false; 2], nan: false };

    /// Adds `±significand · 2^exponent`; the last bit is not below 2^-512, the number below 2^400.
    pub(crate) fn add_scaled(&mut self, negative: bool, significand: u128, exponent: i32) {
        let position = (exponent - LAST) as usize;
        let (limb, shift) = (position / 64, position % 64);
        let (low, high) = (significand as u64, (significand >> 64) as u64);
        let over = |x: u64| if shift == 0 { 0 } else { x >> (64 - shift) };
        let words = [low << shift, high << shift | over(low), over(high)];
        let mut carry = false;
        for (i, to) in self.limbs[limb..].iter_mut().enumerate() {
            let word = words.get(i).copied().unwrap_or(0);
            let (once, first) =
                if negative { to.overflowing_sub(word) } else { to.overflowing_add(word) };
            let (twice, second) = if negative {
                once.overflowing_sub(carry.into())
            } else {
                once.overflowing_add(carry.into())
            };
            (*to, carry) = (twice, first || second);
            if i >= words.len() && !carry {
                break;
            }
        }
    }

    /// Adds a number.
    pub(crate) fn add(&mut self, x: Unpacked) {
        if x.is_nan() {
            self.nan = true;
        } else if x.is_infinite() {
            self.infinite[usize::from(x.is_negative())] = true;
        } else if !x.is_zero() {
            // Its last bit set is the one that has to be in range.
            let spare = x.significand().trailing_zeros();
            let exponent = x.exponent() + spare as i32;
            self.add_scaled(x.is_negative(), (x.significand() >> spare).into(), exponent);
        }
    }

    /// Whether an infinity of a sign was added.
    pub(crate) const fn has_infinity(&self, negative: bool) -> bool {
        self.infinite[negative as usize]
    }

    /// Takes another finite sum off.
    pub(crate) fn subtract(&mut self, other: &Self) {
        let mut borrow = false;
        for (to, word) in self.limbs.iter_mut().zip(other.limbs) {
            let (once, first) = to.overflowing_sub(word);
            let (twice, second) = once.overflowing_sub(borrow.into());
            (*to, borrow) = (twice, first || second);
        }
    }

    /// Clears all bits of the magnitude below `2^lsb`.
    pub(crate) fn truncate_to(&mut self, lsb: i32) {
        let negative = self.limbs[LIMBS - 1] >> 63 == 1;
        if negative {
            self.negate();
        }
        // The bits of all limbs below the first that stays, and some of that one's.
        let below = (i64::from(lsb) - i64::from(LAST)).clamp(0, 64 * LIMBS as i64) as usize;
        self.limbs[..below / 64].fill(0);
        if let Some(limb) = self.limbs.get_mut(below / 64) {
            *limb = *limb >> (below % 64) << (below % 64);
        }
        if negative {
            self.negate();
        }
    }

    /// The other sign.
    fn negate(&mut self) {
        let mut carry = true;
        for limb in &mut self.limbs {
            let (sum, over) = (!*limb).overflowing_add(carry.into());
            (*limb, carry) = (sum, over);
        }
    }

    /// The sum, with 63 leading bits and a sticky last one if it is longer: every rounding to fewer
    /// bits comes out as from the exact value. A sum of zero is +0.
    pub(crate) fn value(&self) -> Unpacked {
        match (self.nan, self.infinite) {
            (true, _) | (_, [true, true]) => return Unpacked::NAN,
            (_, [true, false]) => return Unpacked::infinity(false),
            (_, [false, true]) => return Unpacked::infinity(true),
            _ => {}
        }
        let negative = self.limbs[LIMBS - 1] >> 63 == 1;
        let mut magnitude = self.clone();
        if negative {
            magnitude.negate();
        }
        let limbs = magnitude.limbs;
        let Some(top) = limbs.iter().rposition(|&limb| limb != 0) else { return Unpacked::ZERO };
        let below = if top > 0 { limbs[top - 1] } else { 0 };
        let zeros = limbs[top].leading_zeros();
        let wide = (u128::from(limbs[top]) << 64 | u128::from(below)) << zeros;
        let lost = wide as u64 != 0 || limbs[..top.saturating_sub(1)].iter().any(|&limb| limb != 0);
        let exponent = 64 * top as i32 + LAST - zeros as i32;
        Unpacked::new(negative, (wide >> 64) as u64 | u64::from(lost), exponent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add_product(sum: &mut Fixed, a: f32, b: f32) {
        sum.add(crate::arith::product(Unpacked::from_f32(a), Unpacked::from_f32(b)));
    }

    #[test]
    fn sums_are_exact_over_the_whole_range() {
        let mut sum = Fixed::ZERO;
        let (big, small) = (f32::MAX, f32::from_bits(1));
        add_product(&mut sum, big, big);
        add_product(&mut sum, small, -small);
        assert_eq!(sum.value().significand() & 1, 1, "sticky");
        add_product(&mut sum, -big, big);
        assert_eq!(sum.value(), Unpacked::new(true, 1, -298));
        add_product(&mut sum, small, small);
        assert!(sum.value().is_zero() && !sum.value().is_negative());
        sum.add_scaled(true, u128::MAX, -500);
        sum.add_scaled(false, u128::MAX - 5, -500);
        assert_eq!(sum.value(), Unpacked::new(true, 5, -500));
        sum.add(Unpacked::infinity(true));
        assert!(sum.value().is_infinite());
        add_product(&mut sum, f32::INFINITY, 0.0);
        assert!(sum.value().is_nan());
    }
}
