//! What the targets share: the fuzzer's bytes as choices, what is made of them, and a count of the
//! inputs that the library accepted.
//!
//! Bytes of a file that are mutated one by one are refused nearly always: a header has counts,
//! places and names that fit each other. So most inputs are choices from which a file is made that
//! is good, or has a few bytes changed; one in eight is a file as it is. The same holds for specs,
//! whose parts contradict each other: most are put together from parts that fit.

mod formats;
mod schemes;
mod units;

pub use formats::{
    block_numbers, codes, convert, dither, encoding, exec, format, round, wide_numbers,
};
pub use schemes::{Given, quantizer_parts, scheme};
pub use units::unit;

use std::fmt::Display;
use std::sync::atomic::{AtomicU64, Ordering};

/// What an error says is one line.
pub fn assert_one_line(error: &impl Display) {
    let text = error.to_string();
    assert!(text.len() > 10 && !text.chars().any(char::is_control), "{text:?}");
}

/// The fuzzer's bytes, read as choices; behind their end all choices are 0.
pub struct Choices<'a>(&'a [u8]);

impl<'a> Choices<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    /// A number below `count`, of at most 2^16.
    pub fn below(&mut self, count: usize) -> usize {
        usize::from(u16::from_le_bytes([self.byte(), self.byte()])) % count
    }

    pub fn one_of<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    /// True in one of so many cases.
    pub fn one_in(&mut self, cases: usize) -> bool {
        // The last: a choice behind the end of the bytes is the usual case.
        self.below(cases) == cases - 1
    }

    pub fn u64(&mut self) -> u64 {
        u64::from_le_bytes(std::array::from_fn(|_| self.byte()))
    }

    /// The rest of the bytes, over and over, as many as are asked for.
    pub fn noise(&mut self, count: usize) -> Vec<u8> {
        // A multiplier that is prime to 256 makes each pass another.
        let seed = [self.byte(), self.byte(), self.byte(), 0x5B];
        let source = if self.0.is_empty() { &seed[..] } else { self.0 };
        let pass = |i: usize| (i / source.len()) as u8;
        (0..count)
            .map(|i| source[i % source.len()].wrapping_add(pass(i).wrapping_mul(0x67)))
            .collect()
    }

    /// Changes none of the bytes, most often, or a few.
    pub fn damage(&mut self, bytes: &mut Vec<u8>) {
        if self.below(3) != 0 || bytes.is_empty() {
            return;
        }
        for _ in 0..=self.below(4) {
            let (place, byte) = (self.u64() as usize % bytes.len(), self.byte());
            bytes[place] = byte;
        }
        if self.below(8) == 0 {
            let length = self.u64() as usize % bytes.len();
            bytes.truncate(length);
        }
    }
}

/// How many inputs were read, of all; said from time to time on stderr.
pub struct Share {
    all: AtomicU64,
    accepted: AtomicU64,
}

impl Share {
    pub const fn new() -> Self {
        Self { all: AtomicU64::new(0), accepted: AtomicU64::new(0) }
    }

    pub fn count(&self, accepted: bool) {
        let accepted =
            self.accepted.fetch_add(accepted.into(), Ordering::Relaxed) + u64::from(accepted);
        let all = self.all.fetch_add(1, Ordering::Relaxed) + 1;
        if all.is_multiple_of(1 << 12) {
            let share = 100.0 * accepted as f64 / all as f64;
            eprintln!("accepted: {accepted} of {all} inputs, {share:.1} %");
        }
    }
}

impl Default for Share {
    fn default() -> Self {
        Self::new()
    }
}
