//! Inputs, and the rows that move the bytes of a conversion and compute nothing: what the others
//! are held against.

use subhalf::{Isa, philox4x32_10};

/// Numbers over 12 binades with both signs, fixed by the generator.
pub fn number(i: usize) -> f32 {
    let [word, scale, ..] = philox4x32_10([i as u32, 0, 0, 0], [1, 0]);
    word as i32 as f32 / 2.0f32.powi(31) * 2.0f32.powi(scale as i32 % 12)
}

/// Numbers that start at a cache line, or one number behind.
pub struct Buffer {
    numbers: Vec<f32>,
    start: usize,
    length: usize,
}

impl Buffer {
    pub fn new(length: usize, off: usize, f: impl Fn(usize) -> f32) -> Self {
        let mut numbers = vec![0.0f32; length + 17];
        let start = numbers.as_ptr().align_offset(64) + off;
        numbers[start..start + length].iter_mut().enumerate().for_each(|(i, x)| *x = f(i));
        Self { numbers, start, length }
    }

    pub fn get(&self) -> &[f32] {
        &self.numbers[self.start..][..self.length]
    }

    pub fn get_mut(&mut self) -> &mut [f32] {
        &mut self.numbers[self.start..][..self.length]
    }
}

/// What a row reads and writes.
pub struct Place {
    pub x: Buffer,
    pub y: Buffer,
    pub bytes: Vec<u8>,
}

/// Places that are worked on by turns: for what is to come from memory so many that the last-level
/// cache has forgotten one by its next turn.
pub struct Ring {
    pub places: Vec<Place>,
    turn: usize,
}

impl Ring {
    pub fn new(length: usize, off: usize, memory: bool) -> Self {
        // Every row touches four bytes of each number at least.
        let count = if memory { 1 + last_level_cache() * 3 / 2 / (4 * length) } else { 1 };
        let numbers: Vec<f32> = (0..length).map(number).collect();
        let place = |_| Place {
            x: Buffer::new(length, off, |i| numbers[i]),
            y: Buffer::new(length, off, |_| 0.0),
            bytes: (0..length).map(|i| (i * 89) as u8).collect(),
        };
        Self { places: (0..count).map(place).collect(), turn: 0 }
    }

    /// The next place, and its number.
    pub fn advance(&mut self) -> (usize, &mut Place) {
        self.turn = (self.turn + 1) % self.places.len();
        (self.turn, &mut self.places[self.turn])
    }
}

/// Bytes of the largest cache that Linux knows of; elsewhere of a large one.
fn last_level_cache() -> usize {
    let size = |index: usize| {
        let text = std::fs::read_to_string(format!(
            "/sys/devices/system/cpu/cpu0/cache/index{index}/size"
        ))
        .ok()?;
        text.trim().strip_suffix('K')?.parse::<usize>().ok().map(|kibibytes| kibibytes << 10)
    };
    (0..5).filter_map(size).max().unwrap_or(128 << 20)
}

/// What a control row does.
#[derive(Clone, Copy)]
pub enum Control {
    Copy,
    /// Past the caches, by SSE2's stores.
    CopyStreaming,
    FourToOne,
    FourToHalf,
    OneToFour,
    OneToFourStreaming,
    HalfToFour,
}

#[inline(always)]
fn control_body(control: Control, x: &[f32], bytes: &mut [u8], y: &mut [f32]) {
    match control {
        Control::Copy => y.copy_from_slice(x),
        Control::CopyStreaming => copy_streaming(x, y),
        Control::FourToOne => {
            bytes.iter_mut().zip(x).for_each(|(byte, x)| *byte = x.to_bits() as u8);
        }
        Control::FourToHalf => {
            // Two numbers as one integer: elements are taken out of pairs by shuffles, which would
            // be most of the work.
            let pairs = bytemuck::cast_slice::<f32, [u8; 4]>(x).as_chunks::<2>().0;
            for (byte, pair) in bytes.iter_mut().zip(pairs) {
                let pair = u64::from_le_bytes(bytemuck::must_cast(*pair));
                *byte = (pair & 15 | pair >> 28 & 0xF0) as u8;
            }
        }
        Control::OneToFour => y.iter_mut().zip(bytes).for_each(|(y, byte)| *y = f32::from(*byte)),
        Control::OneToFourStreaming => {
            let mut tile = [0.0f32; 1024];
            for (y, bytes) in y.chunks_mut(1024).zip(bytes.chunks(1024)) {
                let tile = &mut tile[..y.len()];
                tile.iter_mut().zip(bytes).for_each(|(y, byte)| *y = f32::from(*byte));
                copy_streaming(tile, y);
            }
        }
        Control::HalfToFour => {
            let pairs = y.as_chunks_mut::<2>().0.iter_mut().zip(bytes);
            pairs.for_each(|(pair, byte)| {
                *pair = [u32::from(*byte & 15), u32::from(*byte >> 4)].map(f32::from_bits);
            });
        }
    }
}

/// A copy past the caches, where a slice starts at 16 bytes.
fn copy_streaming(from: &[f32], to: &mut [f32]) {
    #[cfg(target_arch = "x86_64")]
    {
        use core::arch::x86_64::{__m128, _mm_loadu_ps, _mm_sfence, _mm_stream_ps};
        let head = to.as_ptr().align_offset(align_of::<__m128>()).min(to.len());
        to[..head].copy_from_slice(&from[..head]);
        let ((from, last), (to, rest)) =
            (from[head..].as_chunks::<4>(), to[head..].as_chunks_mut::<4>());
        for (from, to) in from.iter().zip(to) {
            // SAFETY: both are four numbers, and outputs begin at a multiple of 16 bytes; every
            // x86-64 has the instructions.
            #[expect(unsafe_code, clippy::multiple_unsafe_ops_per_block, reason = "a control row")]
            unsafe {
                _mm_stream_ps(to.as_mut_ptr(), _mm_loadu_ps(from.as_ptr()));
            }
        }
        rest.copy_from_slice(last);
        // SAFETY: as above.
        #[expect(unsafe_code, reason = "a control row")]
        unsafe {
            _mm_sfence();
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    to.copy_from_slice(from);
}

/// In the widest instructions that the machine has.
pub fn move_bytes(control: Control, x: &[f32], bytes: &mut [u8], y: &mut [f32]) {
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
        fn avx512(control: Control, x: &[f32], bytes: &mut [u8], y: &mut [f32]) {
            control_body(control, x, bytes, y);
        }
        if Isa::best().name().starts_with("avx512") {
            // SAFETY: an `Isa` of this name is made only after these instructions were detected.
            #[expect(unsafe_code, reason = "entry into instructions that were detected")]
            return unsafe { avx512(control, x, bytes, y) };
        }
    }
    control_body(control, x, bytes, y);
}
