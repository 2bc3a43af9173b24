//! Numbers with a proven error bound: what correct rounding of transcendental functions rests on.
//! It owns the four operations, square roots, exponentials, logarithms and the normal distribution;
//! what the functions are for is in the module above.

use crate::codec::Unpacked;

/// An exponent beyond every format (whose exponents stay below 2^18).
pub(super) const FAR: i64 = 1 << 20;

/// A number known to lie in `±(significand ± error) · 2^exponent`, in units of the last of `64·N`
/// bits.
///
/// Every operation bounds the error of its result by those of its operands and what it cuts off
/// itself, so an expression needs no analysis of its own: where digits cancel, the bound grows. A
/// bound that no longer fits 64 bits says nothing any more, and stays that.
#[derive(Clone, Copy)]
pub(crate) struct Ball<const N: usize> {
    negative: bool,
    /// Low limb first; the top bit is set, unless the number is zero.
    significand: [u64; N],
    exponent: i64,
    error: u64,
}

const UNKNOWN: u64 = u64::MAX;

impl<const N: usize> Ball<N> {
    const BITS: i64 = 64 * N as i64;
    pub(crate) const ZERO: Self =
        Self { negative: false, significand: [0; N], exponent: 0, error: 0 };

    pub(crate) fn integer(value: u64) -> Self {
        Self::dyadic(false, value, 0)
    }

    /// `±significand · 2^exponent`, exactly.
    pub(super) fn dyadic(negative: bool, significand: u64, exponent: i64) -> Self {
        if significand == 0 {
            return Self::ZERO;
        }
        let (shift, mut limbs) = (significand.leading_zeros(), [0; N]);
        limbs[N - 1] = significand << shift;
        Self {
            negative,
            significand: limbs,
            exponent: exponent - i64::from(shift) - (Self::BITS - 64),
            error: 0,
        }
    }

    fn is_zero(&self) -> bool {
        self.significand[N - 1] == 0
    }

    fn top(&self) -> u64 {
        self.significand[N - 1]
    }

    pub(crate) fn negate(self) -> Self {
        Self { negative: !self.negative, ..self }
    }

    /// Times a power of two.
    pub(crate) fn scale(self, exponent: i64) -> Self {
        if self.is_zero() { self } else { Self { exponent: self.exponent + exponent, ..self } }
    }

    /// This number with an error larger by twice what `by` can be.
    fn widen(self, by: &Self) -> Self {
        let shift = by.exponent + Self::BITS + 1 - self.exponent;
        let more = match shift {
            _ if by.error == UNKNOWN => UNKNOWN,
            _ if by.is_zero() => 0,
            ..=0 => 1,
            1..=62 => 1 << shift,
            _ => UNKNOWN,
        };
        Self { error: self.error.saturating_add(more), ..self }
    }

    /// Everything between two nearly equal numbers.
    pub(crate) fn hull(&self, other: &Self) -> Self {
        let (big, small) =
            if self.exponent >= other.exponent { (self, other) } else { (other, self) };
        let (moved, _) = shift_right(&small.significand, (big.exponent - small.exponent) as u64);
        let mut apart = [0; N];
        if subtract(&big.significand, &moved, &mut apart) {
            subtract(&moved, &big.significand, &mut apart);
        }
        let near = big.negative == small.negative && apart[1..].iter().all(|&limb| limb == 0);
        // One for what was shifted out. The smaller one's error counts less in the other's units.
        let error =
            big.error.saturating_add(small.error).saturating_add(apart[0]).saturating_add(1);
        Self { error: if near { error } else { UNKNOWN }, ..*big }
    }

    pub(crate) fn add(&self, other: &Self) -> Self {
        if self.is_zero() {
            return other.doubted(self.error);
        }
        if other.is_zero() {
            return self.doubted(other.error);
        }
        let (big, small) =
            if self.exponent >= other.exponent { (self, other) } else { (other, self) };
        let distance = (big.exponent - small.exponent) as u64;
        let (moved, lost) = shift_right(&small.significand, distance);
        let moved_error = if distance < 64 {
            (small.error >> distance) + u64::from(distance > 0 && small.error > 0)
        } else {
            1
        };
        let moved_error = if small.error == UNKNOWN { UNKNOWN } else { moved_error };
        let error = big.error.saturating_add(moved_error).saturating_add(u64::from(lost));
        let (mut limbs, mut negative, mut exponent) = ([0; N], big.negative, big.exponent);
        if big.negative == small.negative {
            let carry = add(&big.significand, &moved, &mut limbs);
            if carry {
                let (halved, lost) = shift_right(&limbs, 1);
                limbs = halved;
                limbs[N - 1] |= 1 << 63;
                exponent += 1;
                let error =
                    if error == UNKNOWN { UNKNOWN } else { error / 2 + 1 + u64::from(lost) };
                return Self { negative, significand: limbs, exponent, error };
            }
        } else if subtract(&big.significand, &moved, &mut limbs) {
            // With equal exponents the second number may be the larger one.
            subtract(&moved, &big.significand, &mut limbs);
            negative = !negative;
        }
        Self { negative, significand: limbs, exponent, error }.normalized()
    }

    pub(super) fn sub(&self, other: &Self) -> Self {
        self.add(&other.negate())
    }

    fn doubted(&self, error: u64) -> Self {
        // A zero with an error lost its scale: nothing is known.
        if error == 0 { *self } else { Self { error: UNKNOWN, ..*self } }
    }

    /// With the top bit set.
    fn normalized(self) -> Self {
        let Some(top) = self.significand.iter().rposition(|&limb| limb != 0) else {
            return Self { error: if self.error == 0 { 0 } else { UNKNOWN }, ..Self::ZERO };
        };
        let shift = 64 * (N - 1 - top) as u64 + u64::from(self.significand[top].leading_zeros());
        let error = if self.error == 0 || shift == 0 {
            self.error
        } else if shift >= u64::from(self.error.leading_zeros()) {
            UNKNOWN
        } else {
            self.error << shift
        };
        Self {
            significand: shift_left(&self.significand, shift),
            exponent: self.exponent - shift as i64,
            error,
            ..self
        }
    }

    pub(crate) fn mul(&self, other: &Self) -> Self {
        if self.is_zero() || other.is_zero() {
            let unknown = self.error == UNKNOWN || other.error == UNKNOWN;
            return Self::ZERO.doubted(if unknown { UNKNOWN } else { 0 });
        }
        // The low and the high half of the product.
        let mut halves = [[0; N]; 2];
        for (i, &a) in self.significand.iter().enumerate() {
            let mut carry = 0;
            for (j, &b) in other.significand.iter().enumerate() {
                let place = &mut halves[(i + j) / N][(i + j) % N];
                let sum = u128::from(a) * u128::from(b) + u128::from(*place) + carry;
                *place = sum as u64;
                carry = sum >> 64;
            }
            halves[1][i] = carry as u64;
        }
        let doubling = halves[1][N - 1] >> 63 == 0;
        let mut limbs = halves[1];
        if doubling {
            limbs = shift_left(&limbs, 1);
            limbs[0] |= halves[0][N - 1] >> 63;
        }
        // |ab - a'b'| <= a'·error_b + b'·error_a + error_a·error_b, over 2^BITS; one for what is
        // cut off, two for the last term (below 2^124 of 2^128 or more) and the rounding of the
        // first two.
        let error = if self.error >> 62 != 0 || other.error >> 62 != 0 {
            UNKNOWN
        } else {
            let cross = (u128::from(self.top()) + 1) * u128::from(other.error)
                + (u128::from(other.top()) + 1) * u128::from(self.error);
            (((cross >> 64) as u64 + 2) << u32::from(doubling)) + 1
        };
        let exponent = self.exponent + other.exponent + Self::BITS - i64::from(doubling);
        Self { negative: self.negative != other.negative, significand: limbs, exponent, error }
    }

    /// The quotient; by zero, nothing known.
    pub(crate) fn div(&self, other: &Self) -> Self {
        if other.is_zero() || self.is_zero() {
            return Self::ZERO.doubted(u64::from(other.is_zero()) | self.error | other.error);
        }
        let (mut rest, mut quotient, mut scratch) = (self.significand, [0; N], [0; N]);
        // With the first bit, if it is set, the quotient has one more; it is made of the top BITS.
        let first = !subtract(&rest, &other.significand, &mut scratch);
        if first {
            rest = scratch;
            quotient[0] = 1;
        }
        for _ in 0..Self::BITS - i64::from(first) {
            let carry = rest[N - 1] >> 63 == 1;
            rest = shift_left(&rest, 1);
            quotient = shift_left(&quotient, 1);
            if !subtract(&rest, &other.significand, &mut scratch) || carry {
                rest = scratch;
                quotient[0] |= 1;
            }
        }
        // The relative errors add up; one unit of an operand is at most two of the quotient. Five
        // for what is cut off and the quadratic terms.
        let exact = self.error == 0 && other.error == 0 && rest == [0; N];
        let error = if self.error >> 61 != 0 || other.error >> 61 != 0 {
            UNKNOWN
        } else if exact {
            0
        } else {
            2 * (self.error + other.error) + 5
        };
        let exponent = self.exponent - other.exponent - Self::BITS + i64::from(first);
        Self { negative: self.negative != other.negative, significand: quotient, exponent, error }
    }

    /// A quotient by a small integer, by limbs.
    fn div_small(&self, divisor: u64) -> Self {
        if self.is_zero() {
            return *self;
        }
        let (mut limbs, mut rest) = (self.significand, 0u128);
        for limb in limbs.iter_mut().rev() {
            let part = rest << 64 | u128::from(*limb);
            *limb = (part / u128::from(divisor)) as u64;
            rest = part % u128::from(divisor);
        }
        let error = if self.error == UNKNOWN {
            UNKNOWN
        } else {
            self.error / divisor + 1 + u64::from(rest != 0)
        };
        let error = if self.error == 0 && rest == 0 { 0 } else { error };
        Self { significand: limbs, error, ..*self }.normalized()
    }

    /// The square root of a positive number, between any estimate and the number divided by it.
    pub(super) fn sqrt(&self) -> Self {
        let odd = self.exponent.rem_euclid(2);
        // The shift by `odd` makes the exponent of value = top · 2^(exponent + BITS - 64) even.
        let wide = u128::from(self.top()) << (62 + odd);
        let seed = wide.isqrt() as u64;
        let mut root = Self::dyadic(false, seed, (self.exponent - odd + Self::BITS - 64 - 62) / 2);
        for _ in 0..=N.ilog2() {
            root = Self { error: 0, ..root.add(&self.div(&root)).scale(-1) };
        }
        root.hull(&self.div(&root))
    }

    /// A sum of terms that shrink at least by half from the 17th on.
    fn series(mut term: impl FnMut(u64) -> Self) -> Self {
        let mut total = term(0);
        for k in 1.. {
            let next = term(k);
            total = total.add(&next);
            if k > 16 && (next.is_zero() || next.exponent < total.exponent - Self::BITS) {
                return total.widen(&next);
            }
        }
        total
    }

    /// `2·atanh(z)` for `|z| <= 1/3`.
    fn twice_atanh(z: &Self) -> Self {
        let (mut power, square) = (z.scale(1), z.mul(z));
        Self::series(|k| {
            let term = power.div_small(2 * k + 1);
            power = power.mul(&square);
            term
        })
    }

    pub(super) fn ln_2() -> Self {
        Self::twice_atanh(&Self::integer(1).div_small(3))
    }

    /// The natural logarithm of `significand · 2^exponent`, where the significand has at most 62
    /// bits.
    pub(super) fn ln(significand: u64, exponent: i64) -> Self {
        // The number is split into 3/4 to 3/2 and a power of two, so that nothing cancels in the
        // sum.
        let bits = i64::from(64 - significand.leading_zeros());
        let power = if 4 * u128::from(significand) >= 3 << bits { bits } else { bits - 1 };
        let one = 1u64 << power;
        let difference = Self::dyadic(significand < one, significand.abs_diff(one), 0);
        let fraction = Self::twice_atanh(&difference.div(&Self::integer(significand + one)));
        let whole = exponent + power;
        fraction.add(&Self::ln_2().mul(&Self::dyadic(whole < 0, whole.unsigned_abs(), 0)))
    }

    /// `e^y` for `|y| < 2^48`.
    pub(super) fn exp(y: &Self) -> Self {
        // y = n·ln 2 + r. Any n near y / ln 2 serves: it decides how soon the series ends, not what
        // it gives.
        const LOG2_E: u64 = 0xB8AA_3B29_5C17_F0BB; // · 2^63
        let product = u128::from(y.top()) * u128::from(LOG2_E);
        let shift = 63 - (y.exponent + Self::BITS - 64);
        let n =
            if (1..=128).contains(&shift) { ((product >> (shift - 1)) as i64 + 1) >> 1 } else { 0 };
        let n = if y.negative { -n } else { n };
        let rest = y.sub(&Self::ln_2().mul(&Self::dyadic(n < 0, n.unsigned_abs(), 0)));
        let mut term = Self::integer(1);
        let sum = Self::series(|k| {
            if k > 0 {
                term = term.mul(&rest).div_small(k);
            }
            term
        });
        sum.scale(n)
    }

    /// `√(2π)`, with Machin's formula.
    fn sqrt_two_pi() -> Self {
        let atan_of_inverse = |z: u64| {
            let mut power = Self::integer(1).div_small(z);
            Self::series(|k| {
                let term = power.div_small(2 * k + 1);
                power = power.div_small(z * z).negate();
                term
            })
        };
        atan_of_inverse(5).scale(5).sub(&atan_of_inverse(239).scale(3)).sqrt()
    }

    /// The standard normal distribution function at `±x`, `x > 0`.
    pub(super) fn normal(negative: bool, x: &Self) -> Self {
        let density = Self::exp(&x.mul(x).scale(-1).negate()).div(&Self::sqrt_two_pi());
        let four = Self::integer(4);
        let small = x.exponent < four.exponent || x.sub(&four).negative;
        if small {
            // 1/2 ± density · (x + x³/3 + x⁵/(3·5) + …)
            let (mut term, square) = (*x, x.mul(x));
            let sum = Self::series(|k| {
                if k > 0 {
                    term = term.mul(&square).div_small(2 * k + 1);
                }
                term
            });
            let distance = density.mul(&sum);
            return Self::integer(1).scale(-1).add(&if negative {
                distance.negate()
            } else {
                distance
            });
        }
        // density / (x + 1/(x + 2/(x + 3/(x + …)))): the value lies between any two neighbouring
        // convergents, here nearer than 2^-BITS from 4 on.
        let one = Self::integer(1);
        let (mut before, mut now) = ((one, Self::ZERO), (*x, one));
        for k in 1..=(Self::BITS * Self::BITS / 160) as u64 {
            let k = Self::integer(k);
            let next = (x.mul(&now.0).add(&k.mul(&before.0)), x.mul(&now.1).add(&k.mul(&before.1)));
            (before, now) = (now, next);
        }
        let tail = density.mul(&now.1.div(&now.0).hull(&before.1.div(&before.0)));
        if negative { tail } else { one.sub(&tail) }
    }

    /// The 63 leading bits, with the 64th set for what follows, if they are beyond doubt. The true
    /// value must not be such a number itself, or the question has no answer at any precision.
    pub(crate) fn settle(&self) -> Option<Unpacked> {
        if self.is_zero() || self.error == UNKNOWN {
            return None;
        }
        let (mut error, mut low, mut high) = ([0; N], [0; N], [0; N]);
        error[0] = self.error;
        let leaves = subtract(&self.significand, &error, &mut low)
            | add(&self.significand, &error, &mut high);
        let settled = !leaves && low[N - 1] >> 1 == high[N - 1] >> 1;
        let exponent = (self.exponent + Self::BITS - 64).clamp(-FAR, FAR) as i32;
        settled.then(|| Unpacked::new(self.negative, low[N - 1] | 1, exponent))
    }

    /// The leading bits as they are.
    pub(super) fn centre(&self) -> Unpacked {
        let exponent = (self.exponent + Self::BITS - 64).clamp(-FAR, FAR) as i32;
        Unpacked::new(self.negative, self.top() | 1, exponent)
    }
}

/// The sum modulo `2^(64·N)`, and whether it is larger.
fn add<const N: usize>(a: &[u64; N], b: &[u64; N], sum: &mut [u64; N]) -> bool {
    let mut carry = false;
    for i in 0..N {
        let (partial, first) = a[i].overflowing_add(b[i]);
        let (limb, second) = partial.overflowing_add(u64::from(carry));
        (sum[i], carry) = (limb, first | second);
    }
    carry
}

/// The difference modulo `2^(64·N)`, and whether it is negative.
fn subtract<const N: usize>(a: &[u64; N], b: &[u64; N], difference: &mut [u64; N]) -> bool {
    let mut borrow = false;
    for i in 0..N {
        let (partial, first) = a[i].overflowing_sub(b[i]);
        let (limb, second) = partial.overflowing_sub(u64::from(borrow));
        (difference[i], borrow) = (limb, first | second);
    }
    borrow
}

fn shift_left<const N: usize>(limbs: &[u64; N], shift: u64) -> [u64; N] {
    let (whole, part) = ((shift / 64) as usize, shift % 64);
    let mut out = [0; N];
    for i in (whole..N).rev() {
        out[i] = limbs[i - whole] << part;
        if part > 0 && i > whole {
            out[i] |= limbs[i - whole - 1] >> (64 - part);
        }
    }
    out
}

/// The shifted number, and whether set bits fell off.
fn shift_right<const N: usize>(limbs: &[u64; N], shift: u64) -> ([u64; N], bool) {
    if shift >= 64 * N as u64 {
        return ([0; N], true);
    }
    let (whole, part) = ((shift / 64) as usize, shift % 64);
    let mut out = [0; N];
    for i in 0..N - whole {
        out[i] = limbs[i + whole] >> part;
        if part > 0 && i + whole + 1 < N {
            out[i] |= limbs[i + whole + 1] << (64 - part);
        }
    }
    let lost =
        limbs[..whole].iter().any(|&limb| limb != 0) || limbs[whole] & ((1 << part) - 1) != 0;
    (out, lost)
}
