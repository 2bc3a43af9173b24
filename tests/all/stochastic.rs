//! Stochastic rounding: the exact probability, the published generator, and words that depend on
//! nothing but seed and index.

use crate::exact::{Dyadic, INEXACT, OVERFLOW, Referee, bf16, referee_of};
use crate::random_words::{documented_word, samples};
use subhalf::{
    Dither, Encoding, Exec, Flags, FormatSpec, Overflow, Round, SliceConverter, Stochastic, Table,
    Unpacked,
};

const KINDS: [Stochastic; 3] = [Stochastic::A, Stochastic::B, Stochastic::C];

/// Formats of every family: signed and unsigned floats with and without subnormals, fixed point,
/// integers, tables, posits.
fn referees() -> Vec<Referee> {
    let names = [
        "F8E4M3",
        "F8E5M2",
        "F4E2M1",
        "F4E0M3",
        "E8M0",
        "UE4M3",
        "INT4",
        "UINT4",
        "HIF8",
        "Binary8p3se",
        "NF4",
        "POSIT8",
    ];
    names.into_iter().map(referee_of).chain([bf16()]).collect()
}

/// Pairs of neighbours to look between: all of them up to 8 bits; of BF16 the subnormals' ends,
/// around 1.0, and the last.
fn pairs(referee: &Referee, negative: bool) -> Vec<usize> {
    let side = referee.side(negative);
    let count = side.entries.len() - usize::from(side.next.is_none());
    let of_bf16 = [0, 1, 2, 126, 127, 128, 0x3F7E, 0x3F7F, 0x3F80, 0x7F7E, 0x7F7F];
    (0..count).filter(|index| count < 256 || of_bf16.contains(index)).collect()
}

/// 2^10 parts of the way to the next number: the ends, and around the fractions that few bits can
/// tell apart.
const PARTS: [i128; 18] =
    [1, 2, 3, 5, 8, 127, 128, 129, 256, 341, 384, 511, 512, 513, 683, 769, 1022, 1023];

/// A number between two neighbours, and how far it is on the way from one to the other.
struct Between {
    x: Dyadic,
    index: usize,
    negative: bool,
}

impl Between {
    /// `PARTS` of the way between neighbours, and 2^-62 beside them: closer than any number of
    /// random bits can see.
    fn all(referee: &Referee) -> Vec<Self> {
        let mut all = Vec::new();
        for negative in [false, true].into_iter().filter(|&negative| !negative || referee.signed) {
            for index in pairs(referee, negative) {
                for part in PARTS {
                    let x = referee.side(negative).between(index, part, 10).expect("neighbours");
                    // The numbers of NF4 on the other side of zero are the other sign's.
                    if x > Dyadic::ZERO {
                        let far = Dyadic::new(1, x.log2() - 62);
                        all.extend([x, x.plus(far), x.plus(far.negated())].map(|x| Self {
                            x,
                            index,
                            negative,
                        }));
                    }
                }
            }
        }
        all
    }

    fn unpacked(&self) -> Unpacked {
        let significand = u64::try_from(self.x.significand).expect("63 bits are enough");
        Unpacked::new(self.negative, significand, self.x.exponent as i32)
    }

    /// `floor(ν·2^bits)` of the discarded fraction ν, and whether that is all of it.
    fn fraction(&self, referee: &Referee, bits: u32) -> (i128, bool) {
        let at = |part: i128| {
            referee.side(self.negative).between(self.index, part, bits).expect("neighbours")
        };
        let (mut low, mut high) = (0, 1i128 << bits);
        while high - low > 1 {
            let middle = (low + high) / 2;
            *(if at(middle) <= self.x { &mut low } else { &mut high }) = middle;
        }
        (low, at(low) == self.x)
    }

    /// What P3109's table compares the random number with (Interim Report v4.0,
    /// `RoundToPrecision`).
    fn threshold(&self, referee: &Referee, bits: u32) -> Threshold {
        let (doubled, exact) = self.fraction(referee, bits + 1);
        let (floor, half) = (doubled >> 1, doubled & 1 == 1);
        let rounds_up = half && (!exact || floor & 1 == 1);
        Threshold { bits, floor, doubled, nearest: floor + i128::from(rounds_up) }
    }

    /// The code and the flags of the neighbour on one side; beyond the last number it saturates.
    fn outcome(&self, referee: &Referee, up: bool) -> (u32, u8) {
        let entries = &referee.side(self.negative).entries;
        match entries.get(self.index + usize::from(up)) {
            Some(entry) => (entry.code, INEXACT),
            None => (referee.largest(self.negative), INEXACT | OVERFLOW),
        }
    }
}

/// The discarded fraction ν in N bits: `floor(ν·2^N)`, `floor(ν·2^(N+1))` and `ν·2^N` rounded to
/// nearest, ties to even.
struct Threshold {
    bits: u32,
    floor: i128,
    doubled: i128,
    nearest: i128,
}

impl Threshold {
    fn moves_up(&self, kind: Stochastic, word: u32) -> bool {
        let all = 1i128 << self.bits;
        let random = i128::from(word) % all;
        match kind {
            Stochastic::A => self.floor + random >= all,
            Stochastic::B => self.doubled + (2 * random + 1) >= 2 * all,
            Stochastic::C => self.nearest + random >= all,
        }
    }

    /// Of the 2^N words, how many move the number up: ν·2^N truncated, rounded half up, rounded
    /// half to even.
    fn words_up(&self, kind: Stochastic) -> i128 {
        match kind {
            Stochastic::A => self.floor,
            Stochastic::B => (self.doubled + 1) >> 1,
            Stochastic::C => self.nearest,
        }
    }
}

/// A small generator for inputs; nothing in the crate uses it.
pub(crate) struct SplitMix64(pub(crate) u64);

impl Iterator for SplitMix64 {
    type Item = u64;
    fn next(&mut self) -> Option<u64> {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        Some(z ^ z >> 31)
    }
}

pub(crate) fn round(kind: Stochastic, bits: u32) -> Round {
    Round::stochastic(kind, bits as u8).unwrap()
}

/// The code, and the flags that do not depend on what "tiny" means.
fn encode(referee: &Referee, x: Unpacked, round: Round, word: u32) -> (u32, u8) {
    // Saturating, so that an overflow shows in the flags alone.
    let convert =
        referee.spec.default_convert().with_round(round).with_overflow(Overflow::Saturate);
    let encoded = referee.spec.encode_with(x, &convert, word);
    (encoded.code, encoded.flags.bits() & (INEXACT | OVERFLOW))
}

#[test]
fn of_all_words_of_up_to_8_bits_exactly_the_share_of_p3109_moves_up() {
    let mut words_tried = 0u64;
    for referee in referees() {
        for between in Between::all(&referee) {
            let [down, up] = [false, true].map(|up| between.outcome(&referee, up));
            for bits in 1..=8 {
                let threshold = between.threshold(&referee, bits);
                for kind in KINDS {
                    let mut ups = 0;
                    for word in 0..1 << bits {
                        let found = encode(&referee, between.unpacked(), round(kind, bits), word);
                        let moved = threshold.moves_up(kind, word);
                        let x = between.unpacked();
                        assert_eq!(
                            found,
                            if moved { up } else { down },
                            "{} {x} {kind:?} {bits} bits, word {word}",
                            referee.spec
                        );
                        ups += i128::from(moved);
                        words_tried += 1;
                    }
                    assert_eq!(
                        ups,
                        threshold.words_up(kind),
                        "{} {} {kind:?} {bits} bits",
                        referee.spec,
                        between.unpacked()
                    );
                }
            }
        }
    }
    eprintln!("{words_tried} words");
    assert!(words_tried >= 144_000_000, "only {words_tried} words");
}

/// More words than can be enumerated: random ones, and those on both sides of where P3109's
/// condition begins to hold.
#[test]
fn with_9_to_32_bits_words_move_up_from_the_threshold_of_p3109_on() {
    let mut random = SplitMix64(1);
    let mut words_tried = 0u64;
    for referee in referees() {
        for between in Between::all(&referee) {
            let [down, up] = [false, true].map(|up| between.outcome(&referee, up));
            for bits in [9, 16, 17, 23, 32] {
                let threshold = between.threshold(&referee, bits);
                for kind in KINDS {
                    let first_up = (1i128 << bits) - threshold.words_up(kind);
                    let edges = [0, first_up - 1, first_up, (1 << bits) - 1]
                        .into_iter()
                        .filter(|edge| (0..1 << bits).contains(edge));
                    let words = edges
                        .map(|edge| edge as u32)
                        .chain(random.by_ref().take(4).map(|word| word as u32));
                    for word in words {
                        let found = encode(&referee, between.unpacked(), round(kind, bits), word);
                        let expected = if threshold.moves_up(kind, word) { up } else { down };
                        assert_eq!(
                            found,
                            expected,
                            "{} {} {kind:?} {bits} bits, word {word:#x}",
                            referee.spec,
                            between.unpacked()
                        );
                        words_tried += 1;
                    }
                }
            }
        }
    }
    eprintln!("{words_tried} words");
    assert!(words_tried >= 11_000_000, "only {words_tried} words");
}

#[test]
fn representable_values_never_move() {
    let mut random = SplitMix64(2);
    for referee in referees() {
        for negative in [false, true] {
            for entry in &referee.side(negative).entries {
                let x = referee.spec.decode(entry.code);
                for bits in 1..=32 {
                    let noise = random.next().unwrap() as u32;
                    for (kind, word) in KINDS
                        .into_iter()
                        .flat_map(|kind| [0, u32::MAX, noise].map(|word| (kind, word)))
                    {
                        let found = encode(&referee, x, round(kind, bits), word);
                        assert_eq!(
                            found,
                            (entry.code, 0),
                            "{} {x} {kind:?} {bits} bits, word {word:#x}",
                            referee.spec
                        );
                    }
                }
            }
        }
    }
}

/// A format without zero has nowhere else to go, and beyond the next number there is nothing to
/// choose.
#[test]
fn outside_the_range_no_word_matters() {
    let e8m0 = referee_of("E8M0");
    let e4m3 = referee_of("F8E4M3");
    let nf4 = referee_of("NF4");
    let cases = [
        (&e8m0, Unpacked::new(false, 1, -128), (0x00, INEXACT)),
        (&e8m0, Unpacked::new(false, 1, 128), (0xFE, INEXACT | OVERFLOW)),
        (&e4m3, Unpacked::from_f64(480.0), (0x7E, INEXACT | OVERFLOW)),
        (&e4m3, Unpacked::from_f64(-1e300), (0xFE, INEXACT | OVERFLOW)),
        (&nf4, Unpacked::from_f64(1.0 + 1e-9), (0xF, INEXACT | OVERFLOW)),
    ];
    for (referee, x, expected) in cases {
        for (kind, word) in
            KINDS.into_iter().flat_map(|kind| (0..=255).map(move |word| (kind, word)))
        {
            assert_eq!(
                encode(referee, x, round(kind, 8), word),
                expected,
                "{} {x} {kind:?}, word {word}",
                referee.spec
            );
        }
    }
}

#[test]
fn bits_of_the_word_beyond_those_asked_for_are_ignored() {
    let mut random = SplitMix64(3);
    for referee in referees() {
        for between in Between::all(&referee).iter().step_by(7) {
            for bits in 1..=31 {
                let [word, noise] = [(); 2].map(|()| random.next().unwrap() as u32);
                for kind in KINDS {
                    let [clean, dirty] =
                        [word % (1 << bits), (word % (1 << bits)) | (noise << bits)].map(|word| {
                            encode(&referee, between.unpacked(), round(kind, bits), word)
                        });
                    assert_eq!(
                        clean,
                        dirty,
                        "{} {} {kind:?} {bits} bits",
                        referee.spec,
                        between.unpacked()
                    );
                }
            }
        }
    }
}

/// The magnitude is rounded, so the sign changes nothing but itself.
#[test]
fn opposite_numbers_round_alike() {
    for (name, sign) in
        [("F8E4M3", 0x80), ("F8E5M2", 0x80), ("F4E2M1", 0x8), ("Binary8p3se", 0x80), ("HIF8", 0x80)]
    {
        let referee = referee_of(name);
        for between in Between::all(&referee).iter().filter(|between| !between.negative) {
            for (kind, word) in
                KINDS.into_iter().flat_map(|kind| (0..16).map(move |word| (kind, word)))
            {
                let [plus, minus] = [between.unpacked(), between.unpacked().negate()]
                    .map(|x| encode(&referee, x, round(kind, 4), word));
                let one_zero = referee.zeros == Some([0, 0]);
                let code = if plus.0 == 0 && one_zero { 0 } else { plus.0 | sign };
                assert_eq!(
                    minus,
                    (code, plus.1),
                    "{name} {} {kind:?}, word {word}",
                    between.unpacked()
                );
            }
        }
    }
}

/// 100,000 elements are enough for several pieces of a parallel call.
#[test]
fn slices_do_not_depend_on_threads_or_splits() {
    const COUNT: usize = 100_000;
    let x = samples(COUNT);
    let dither = Dither { seed: 77, first_index: u64::MAX - 1000 };
    let specs = [FormatSpec::F8E4M3, FormatSpec::HIF8, FormatSpec::INT4];
    for (spec, (kind, bits)) in
        specs.into_iter().zip([(Stochastic::A, 8), (Stochastic::B, 16), (Stochastic::C, 17)])
    {
        let convert = spec.default_convert().with_round(round(kind, bits));
        let word = |i: usize| {
            documented_word(dither.seed, dither.first_index.wrapping_add(i as u64), bits as u8)
        };
        let one_by_one: Vec<u8> =
            (0..COUNT).map(|i| spec.encode_f32_with(x[i], &convert, word(i)).code as u8).collect();
        let decoded: Vec<u32> =
            one_by_one.iter().map(|&code| spec.decode_f32(u32::from(code)).to_bits()).collect();
        let nearest: Vec<u8> = x.iter().map(|&x| spec.encode_f32(x) as u8).collect();
        assert_ne!(one_by_one, nearest, "{spec}: the words change nothing");
        for parallel in [false, true] {
            let exec = if parallel { Exec::PARALLEL } else { Exec::SERIAL };
            let (mut whole, mut parts) = (vec![0u8; COUNT], vec![0u8; COUNT]);
            SliceConverter::new(&spec)
                .convert(&convert)
                .dither(dither)
                .exec(exec)
                .encode(&x, &mut whole)
                .unwrap();
            assert!(whole == one_by_one, "{spec} parallel {parallel}");

            let mut cuts: Vec<usize> =
                SplitMix64(8).take(12).map(|cut| cut as usize % COUNT).collect();
            cuts.extend([0, 1, 4096, 4097, COUNT]);
            cuts.sort_unstable();
            for pair in cuts.windows(2) {
                let range = pair[0]..pair[1];
                let part = dither.skip(pair[0] as u64);
                SliceConverter::new(&spec)
                    .convert(&convert)
                    .dither(part)
                    .exec(exec)
                    .encode(&x[range.clone()], &mut parts[range])
                    .unwrap();
            }
            assert!(parts == one_by_one, "{spec} parallel {parallel}, split at {cuts:?}");

            let mut y = vec![0.0f32; COUNT];
            SliceConverter::new(&spec)
                .convert(&convert)
                .dither(dither)
                .exec(exec)
                .fake_quantize(&x, &mut y)
                .unwrap();
            assert!(
                y.iter().map(|y| y.to_bits()).eq(decoded.iter().copied()),
                "{spec} parallel {parallel}"
            );
        }
    }
}

/// Zero lies half-way between the entries, whichever its sign; so half of all words take it to
/// either.
#[test]
fn zero_in_a_codebook_without_zero_moves_with_exact_probability() {
    static SIGNS: [u32; 2] = [(-1.0f32).to_bits(), 1.0f32.to_bits()];
    static BELOW: [u32; 2] = [(-2.0f32).to_bits(), (-1.0f32).to_bits()];
    let signs = FormatSpec::new("signs", Encoding::Codebook(Table::of(&SIGNS))).unwrap();
    let policy =
        signs.default_convert().with_round(Round::Stochastic { kind: Stochastic::A, bits: 8 });
    for zero in [0.0, -0.0] {
        let ups =
            (0..256).filter(|&word| signs.encode_f32_with(zero, &policy, word).code == 1).count();
        assert_eq!(ups, 128, "{zero}");
        assert_eq!(signs.encode_f32_with(zero, &policy, 0).flags, Flags::INEXACT);
    }
    let below = FormatSpec::new("below", Encoding::Codebook(Table::of(&BELOW))).unwrap();
    let encoded = below.encode_f32_with(0.0, &policy, 255);
    assert_eq!((encoded.code, encoded.flags), (1, Flags::OVERFLOW | Flags::INEXACT));
}

/// Tininess asks whether the number, rounded to 4 bits with the same word, reaches the smallest
/// normal, 2^-6. A quarter of a 4-bit unit below it, it does for three words in four; the code
/// counts subnormals, of which that is an eighth of a unit.
#[test]
fn underflow_is_judged_with_the_same_random_word() {
    let e4m3 = FormatSpec::F8E4M3;
    let policy =
        e4m3.default_convert().with_round(Round::Stochastic { kind: Stochastic::A, bits: 8 });
    let x = f32::from(-6i8).exp2() * (1.0 - 0.25 / 16.0);
    let encoded: Vec<_> = (0..256).map(|word| e4m3.encode_f32_with(x, &policy, word)).collect();
    let tiny = encoded.iter().filter(|encoded| encoded.flags.contains(Flags::UNDERFLOW)).count();
    let ups = encoded.iter().filter(|encoded| encoded.code == 0x08).count();
    assert_eq!((tiny, ups), (64, 224));
    // What stays below is tiny; but some that reach 2^-6 are tiny too, as for x86's and RISC-V's
    // tininess after rounding.
    assert!(
        encoded
            .iter()
            .all(|encoded| encoded.code == 0x08 || encoded.flags.contains(Flags::UNDERFLOW))
    );
}
