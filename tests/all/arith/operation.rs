//! The operations on exact numbers, with the special values of IEEE 754-2019 (sections 6.1, 6.2,
//! 6.3, 7.2 and 7.3). A result is known by how it compares with any number, so nothing is ever
//! rounded before the format's rounding.

use crate::exact::{Class, Dyadic, Expected, INVALID, Input, NanRow, Referee, Tininess};
use std::cmp::Ordering;
use subhalf::{Convert, DivisionByZero, Encoded, FormatSpec, Round};

pub(crate) const DIVIDE_BY_ZERO: u8 = 8;
const QUIET: u64 = 1 << 63;

/// What a code stands for, by the tables of the referee.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Operand {
    /// The payload is left-aligned, quiet bit first.
    Nan {
        negative: bool,
        payload: u64,
    },
    Infinite {
        negative: bool,
    },
    Zero {
        negative: bool,
    },
    /// Neither zero, infinite nor NaN; with its sign.
    Finite(Dyadic),
}

impl Operand {
    pub(crate) const ONE: Self = Self::Finite(Dyadic { significand: 1, exponent: 0 });

    /// What every code of a format stands for; nothing for codes that the format does not use.
    pub(crate) fn all(referee: &Referee) -> Vec<Option<Self>> {
        let mut all = vec![None; 1 << referee.spec.bits()];
        let signs = if referee.signed { &[true, false][..] } else { &[false] };
        for &negative in signs {
            let sign = if negative { referee.sign_bit } else { 0 };
            for entry in &referee.side(negative).entries {
                let value = if negative { entry.value.negated() } else { entry.value };
                all[entry.code as usize] = Some(if value == Dyadic::ZERO {
                    Self::Zero { negative }
                } else {
                    Self::Finite(value)
                });
            }
            let infinity = referee.infinities.map(|codes| codes[usize::from(negative)]);
            if let Some(code) = infinity {
                all[code as usize] = Some(Self::Infinite { negative });
            }
            let magnitudes = match referee.nan {
                NanRow::None => continue,
                NanRow::One(code) => {
                    all[code as usize] =
                        Some(Self::Nan { negative: code & referee.sign_bit != 0, payload: QUIET });
                    continue;
                }
                // Everything beyond the largest number and infinity.
                NanRow::Magnitudes { all_ones, .. } => {
                    (referee.largest(negative) & !sign) + 1..=all_ones
                }
            };
            for code in
                magnitudes.map(|magnitude| magnitude | sign).filter(|&code| Some(code) != infinity)
            {
                all[code as usize] = Some(Self::Nan { negative, payload: payload(referee, code) });
            }
        }
        all
    }

    /// Subnormal operands as zeros of their sign ("denormals are zero").
    pub(crate) fn flushed(self, referee: &Referee) -> Self {
        match (self, referee.tininess) {
            (Self::Finite(x), Tininess::BelowNormal { smallest, .. })
                if magnitude(x) < smallest =>
            {
                Self::Zero { negative: x.significand < 0 }
            }
            _ => self,
        }
    }

    fn is_negative(self) -> bool {
        match self {
            Self::Nan { negative, .. } | Self::Infinite { negative } | Self::Zero { negative } => {
                negative
            }
            Self::Finite(x) => x.significand < 0,
        }
    }

    fn negated(self) -> Self {
        match self {
            Self::Nan { .. } => self,
            Self::Infinite { negative } => Self::Infinite { negative: !negative },
            Self::Zero { negative } => Self::Zero { negative: !negative },
            Self::Finite(x) => Self::Finite(x.negated()),
        }
    }
}

/// The mantissa of a NaN. A format without quiet bit (E4M3, E8M0) has quiet NaN only.
fn payload(referee: &Referee, code: u32) -> u64 {
    match referee.mantissa_bits {
        0 => QUIET,
        bits => u64::from(code) << (64 - bits),
    }
}

fn magnitude(x: Dyadic) -> Dyadic {
    if x.significand < 0 { x.negated() } else { x }
}

/// The magnitude of a finite result that is not zero.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Magnitude {
    Number(Dyadic),
    Quotient(Dyadic, Dyadic),
    Root(Dyadic),
}

impl Magnitude {
    /// How the result compares with a number that is not negative: `a/b` with `v` as `a` with
    /// `v·b`, `√a` with `v` as `a` with `v²`.
    pub(crate) fn compare(self, value: Dyadic) -> Ordering {
        match self {
            Self::Number(x) => x.cmp(&value),
            Self::Quotient(a, b) => a.cmp(&product(value, b)),
            Self::Root(a) => a.cmp(&product(value, value)),
        }
    }
}

fn product(a: Dyadic, b: Dyadic) -> Dyadic {
    let significand = a.significand.checked_mul(b.significand).expect("the significands are short");
    Dyadic::new(significand, a.exponent + b.exponent)
}

/// `a + b`, or a number on the same side of everything that it is compared with. All of that, the
/// midpoints and `a` itself have at most 24 significant bits, so beside `a` they lie at 2^-24 of it
/// or further: what is smaller than 2^-64 of it only says which way.
fn sum(a: Dyadic, b: Dyadic) -> Dyadic {
    let (big, small) = if a.log2() >= b.log2() { (a, b) } else { (b, a) };
    let least = big.log2() - 64;
    big.plus(if small.log2() < least {
        Dyadic::new(small.significand.signum(), least)
    } else {
        small
    })
}

/// The result of an operation before rounding.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Outcome {
    /// NaN, and the flags of the operation. The first operand that is NaN gives sign and payload.
    Nan {
        negative: bool,
        payload: u64,
        raised: u8,
    },
    Infinite {
        negative: bool,
    },
    Zero {
        negative: bool,
    },
    /// A zero that is the sum of opposite numbers: its sign depends on the rounding (6.3).
    ZeroSum,
    /// Division by zero of a finite number (7.3), or of infinity, which is no exception (6.1).
    /// P3109: NaN (v4.0, Divide).
    Pole {
        negative: bool,
        raised: u8,
    },
    Finite {
        negative: bool,
        magnitude: Magnitude,
    },
}

/// 7.2: no usable result.
const NO_RESULT: Outcome = Outcome::Nan { negative: false, payload: QUIET, raised: INVALID };

impl Outcome {
    fn number(x: Dyadic) -> Self {
        Self::Finite { negative: x.significand < 0, magnitude: Magnitude::Number(magnitude(x)) }
    }

    fn of(operand: Operand) -> Self {
        match operand {
            Operand::Nan { .. } => nan(&[operand]).expect("it is NaN"),
            Operand::Infinite { negative } => Self::Infinite { negative },
            Operand::Zero { negative } => Self::Zero { negative },
            Operand::Finite(x) => Self::number(x),
        }
    }
}

/// 6.2: NaN operands make a quiet NaN, a signalling one among them is invalid.
fn nan(operands: &[Operand]) -> Option<Outcome> {
    let payload = |operand: &Operand| {
        if let Operand::Nan { payload, .. } = operand { Some(*payload) } else { None }
    };
    let first = operands.iter().find(|operand| payload(operand).is_some())?;
    let signalling = operands.iter().filter_map(payload).any(|payload| payload & QUIET == 0);
    let raised = if signalling { INVALID } else { 0 };
    Some(Outcome::Nan { negative: first.is_negative(), payload: payload(first)? | QUIET, raised })
}

fn add(a: Operand, b: Operand) -> Outcome {
    use Operand::{Finite, Infinite, Nan, Zero};
    match (a, b) {
        (Nan { .. }, _) | (_, Nan { .. }) => nan(&[a, b]).expect("one is NaN"),
        (Infinite { negative: x }, Infinite { negative: y }) if x != y => NO_RESULT,
        (Infinite { negative }, _) | (_, Infinite { negative }) => Outcome::Infinite { negative },
        (Zero { negative: x }, Zero { negative: y }) if x != y => Outcome::ZeroSum,
        (x, Zero { .. }) | (Zero { .. }, x) => Outcome::of(x),
        (Finite(x), Finite(y)) if x == y.negated() => Outcome::ZeroSum,
        (Finite(x), Finite(y)) => Outcome::number(sum(x, y)),
    }
}

fn mul(a: Operand, b: Operand) -> Outcome {
    use Operand::{Finite, Infinite, Nan, Zero};
    let negative = a.is_negative() != b.is_negative();
    match (a, b) {
        (Nan { .. }, _) | (_, Nan { .. }) => nan(&[a, b]).expect("one is NaN"),
        (Infinite { .. }, Zero { .. }) | (Zero { .. }, Infinite { .. }) => NO_RESULT,
        (Infinite { .. }, _) | (_, Infinite { .. }) => Outcome::Infinite { negative },
        (Zero { .. }, _) | (_, Zero { .. }) => Outcome::Zero { negative },
        (Finite(x), Finite(y)) => Outcome::number(product(x, y)),
    }
}

fn div(a: Operand, b: Operand) -> Outcome {
    use Operand::{Finite, Infinite, Nan, Zero};
    let negative = a.is_negative() != b.is_negative();
    match (a, b) {
        (Nan { .. }, _) | (_, Nan { .. }) => nan(&[a, b]).expect("one is NaN"),
        (Infinite { .. }, Infinite { .. }) | (Zero { .. }, Zero { .. }) => NO_RESULT,
        (Infinite { .. }, Zero { .. }) => Outcome::Pole { negative, raised: 0 },
        (Infinite { .. }, _) => Outcome::Infinite { negative },
        (Zero { .. }, _) | (_, Infinite { .. }) => Outcome::Zero { negative },
        (Finite(_), Zero { .. }) => Outcome::Pole { negative, raised: DIVIDE_BY_ZERO },
        (Finite(x), Finite(y)) => {
            Outcome::Finite { negative, magnitude: Magnitude::Quotient(magnitude(x), magnitude(y)) }
        }
    }
}

/// C's `fmod`: `a - b·trunc(a/b)`, zero results with the sign of `a` (C23 F.10.7.1; 7.2 for what is
/// invalid).
fn rem(a: Operand, b: Operand) -> Outcome {
    use Operand::{Finite, Infinite, Nan, Zero};
    match (a, b) {
        (Nan { .. }, _) | (_, Nan { .. }) => nan(&[a, b]).expect("one is NaN"),
        (Infinite { .. }, _) | (_, Zero { .. }) => NO_RESULT,
        (Zero { .. }, _) | (_, Infinite { .. }) => Outcome::of(a),
        (Finite(x), Finite(y)) => {
            let (mut rest, divisor) = (magnitude(x), magnitude(y));
            // Long division: the largest power of two of the divisor that fits, again and again.
            while rest >= divisor {
                let aligned = divisor.scaled(rest.log2() - divisor.log2());
                let fits = if aligned <= rest { aligned } else { aligned.scaled(-1) };
                rest = rest.plus(fits.negated());
            }
            match rest {
                Dyadic::ZERO => Outcome::Zero { negative: a.is_negative() },
                rest => Outcome::Finite {
                    negative: a.is_negative(),
                    magnitude: Magnitude::Number(rest),
                },
            }
        }
    }
}

/// `a·b + c`. Infinity times zero is invalid even if `c` is NaN (7.2 c leaves it open; so do x86,
/// Arm and RISC-V).
fn mul_add(a: Operand, b: Operand, c: Operand) -> Outcome {
    if let Some(Outcome::Nan { negative, payload, raised }) = nan(&[a, b, c]) {
        let undefined = matches!(
            (a, b),
            (Operand::Infinite { .. }, Operand::Zero { .. })
                | (Operand::Zero { .. }, Operand::Infinite { .. })
        );
        return Outcome::Nan {
            negative,
            payload,
            raised: if undefined { INVALID } else { raised },
        };
    }
    match mul(a, b) {
        Outcome::Infinite { negative } => add(Operand::Infinite { negative }, c),
        Outcome::Zero { negative } => add(Operand::Zero { negative }, c),
        Outcome::Finite { negative, magnitude: Magnitude::Number(x) } => {
            add(Operand::Finite(if negative { x.negated() } else { x }), c)
        }
        invalid => invalid,
    }
}

fn sqrt(a: Operand) -> Outcome {
    match a {
        Operand::Finite(x) if x.significand < 0 => NO_RESULT,
        Operand::Finite(x) => Outcome::Finite { negative: false, magnitude: Magnitude::Root(x) },
        Operand::Infinite { negative: true } => NO_RESULT,
        // 5.4.1: the root of −0 is −0.
        _ => Outcome::of(a),
    }
}

/// The operations, by the number of operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Add,
    Sub,
    Mul,
    Div,
    Rem,
    Sqrt,
    Recip,
    MulAdd,
}

impl Operation {
    pub(crate) const BINARY: [Self; 5] = [Self::Add, Self::Sub, Self::Mul, Self::Div, Self::Rem];
    pub(crate) const UNARY: [Self; 2] = [Self::Sqrt, Self::Recip];

    /// On exact numbers; operands that the operation does not take are ignored.
    pub(crate) fn exact(self, [a, b, c]: [Operand; 3]) -> Outcome {
        match self {
            Self::Add => add(a, b),
            Self::Sub => add(a, b.negated()),
            Self::Mul => mul(a, b),
            Self::Div => div(a, b),
            Self::Rem => rem(a, b),
            Self::Sqrt => sqrt(a),
            Self::Recip => div(Operand::ONE, a),
            Self::MulAdd => mul_add(a, b, c),
        }
    }

    /// By the crate.
    pub(crate) fn found(
        self,
        spec: &FormatSpec,
        [a, b, c]: [u32; 3],
        convert: &Convert,
        random: u32,
    ) -> Expected {
        let Encoded { code, flags, .. } = match self {
            Self::Add => spec.add_with(a, b, convert, random),
            Self::Sub => spec.sub_with(a, b, convert, random),
            Self::Mul => spec.mul_with(a, b, convert, random),
            Self::Div => spec.div_with(a, b, convert, random),
            Self::Rem => spec.rem_with(a, b, convert, random),
            Self::Sqrt => spec.sqrt_with(a, convert, random),
            Self::Recip => spec.recip_with(a, convert, random),
            Self::MulAdd => spec.mul_add_with(a, b, c, convert, random),
        };
        (code, flags.bits())
    }
}

/// A result that has found its place in a format: what is left depends on the policy alone.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Placed {
    Input { input: Input, raised: u8 },
    ZeroSum,
    Pole { negative: bool, raised: u8 },
}

impl Placed {
    pub(crate) fn new(referee: &Referee, outcome: Outcome) -> Self {
        let input = |negative: bool, class: Class| Self::Input {
            input: Input { negative, class },
            raised: 0,
        };
        match outcome {
            Outcome::Nan { negative, payload, raised } => {
                Self::Input { input: Input { negative, class: Class::Nan { payload } }, raised }
            }
            Outcome::Infinite { negative } => input(negative, Class::Infinite),
            Outcome::Zero { negative } => input(negative, Class::Zero),
            Outcome::ZeroSum => Self::ZeroSum,
            Outcome::Pole { negative, raised } => Self::Pole { negative, raised },
            Outcome::Finite { negative, magnitude } => {
                let input =
                    referee.input_compared(negative, |value| magnitude.compare(value), false);
                Self::Input { input, raised: 0 }
            }
        }
    }

    pub(crate) fn expected(self, referee: &Referee, convert: &Convert) -> Expected {
        let nan = Class::Nan { payload: QUIET };
        let (input, raised) = match self {
            Self::Input { input, raised } => (input, raised),
            // 6.3: +0, but −0 under roundTowardNegative.
            Self::ZeroSum => {
                (Input { negative: convert.round == Round::Down, class: Class::Zero }, 0)
            }
            // An infinite result is to a policy what an infinite input is.
            Self::Pole { negative, raised } => match convert.division_by_zero {
                DivisionByZero::Infinity => (Input { negative, class: Class::Infinite }, raised),
                DivisionByZero::Nan => (Input { negative: false, class: nan }, INVALID),
                _ => panic!("a policy unknown to the referee"),
            },
        };
        let (code, flags) = referee.expected(&input, convert);
        (code, flags | raised)
    }
}
