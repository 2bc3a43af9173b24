//! Blocks to quantize: seeded random ones, and those at the edges.

/// `SplitMix64` (Steele, Lea, Flood 2014).
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number whose exponent spreads over some binades around 1.
    pub(super) fn number(&mut self) -> f32 {
        let word = self.word();
        let exponent = 120 + (word >> 40) as u32 % 14;
        f32::from_bits((word as u32 & 0x807F_FFFF) | exponent << 23)
    }

    /// A block whose magnitude is anywhere that weights are, now and then on a grid of bf16.
    pub(super) fn block(&mut self, length: usize) -> Vec<f32> {
        let factor = f32::powi(2.0, (self.word() % 24) as i32 - 18);
        let mask = if self.word().is_multiple_of(4) { 0xFFFF_0000 } else { u32::MAX };
        (0..length).map(|_| f32::from_bits((self.number() * factor).to_bits() & mask)).collect()
    }
}

/// Zeros, ties, the largest and the smallest numbers, amax at and around powers of two, and what is
/// not finite.
pub(super) fn edge_blocks(length: usize) -> Vec<Vec<f32>> {
    let cycle = |values: &[f32]| values.iter().copied().cycle().take(length).collect::<Vec<f32>>();
    let mut blocks = vec![
        cycle(&[0.0]),
        cycle(&[-0.0]),
        cycle(&[0.0, -0.0, 1.0]),
        cycle(&[0.25, -0.25, 0.75, 1.25, 1.75, 2.5, 3.5, 5.0, 6.0, -0.75, -1.25, -5.0]),
        cycle(&[-6.0, -0.1, 0.0]),
        cycle(&[f32::MIN_POSITIVE, -f32::MIN_POSITIVE / 2.0, f32::from_bits(1)]),
        cycle(&[f32::from_bits(1), -f32::from_bits(3), 0.0]),
        cycle(&[f32::MAX, -f32::MAX, f32::MAX / 3.0, 1.0]),
        cycle(&[448.0, 464.0, 465.0, 480.0, -449.0, 17.0]),
        cycle(&[1e-30, 1e30, -1e10, 1.0]),
    ];
    for exponent in [-120, -10, 0, 7, 100] {
        let power = f32::powi(2.0, exponent);
        for bits in [
            power.to_bits() - 1,
            power.to_bits(),
            power.to_bits() + 1,
            (power * 1.75).to_bits(),
            (power * 1.9375).to_bits(),
        ] {
            let amax = f32::from_bits(bits);
            blocks.push(cycle(&[amax, -amax / 3.0, amax / 7.0, -amax / 100.0, amax / 2.0]));
        }
    }
    blocks
}

/// Blocks whose numbers or scales are f32 subnormals: random ones of 1 to 24 bits, and amax just
/// above what a scale of 2^-127 or half a unit of the last place stands for, and just below 2^-126.
pub(super) fn small_blocks(length: usize) -> Vec<Vec<f32>> {
    let mut random = Random::new(10);
    let mut blocks: Vec<Vec<f32>> = (0..96)
        .map(|i| {
            (0..length)
                .map(|_| {
                    f32::from_bits(random.word() as u32 & (0x8000_0000 | ((2 << (i / 4)) - 1)))
                })
                .collect()
        })
        .collect();
    let signed = |i: u32, bits: u32| {
        if i.is_multiple_of(2) { f32::from_bits(bits) } else { -f32::from_bits(bits) }
    };
    let below = |amax: u32| (0..length as u32).map(|i| signed(i, amax / (1 + i % 13))).collect();
    for max in [448.0, 57344.0, 28.0, 7.5, 6.0, 127.0 / 64.0] {
        let lowest = (max * f32::powi(2.0, -127)).to_bits();
        // An f32 logarithm takes the first forty or so for the power of two.
        blocks.extend([1, 2, 5, 60].map(|ulps| below(lowest + ulps)));
    }
    blocks.extend([113, 225, 230, 16_385, 28_673, 0x36_7000, 0x7F_0000 - 0x4000].map(below));
    blocks
}
