//! Which kernel decodes: arithmetic where a format is a cut f32, else a table of its numbers, in
//! registers where an instruction set has that.

use super::arithmetic::{ArithmeticDecode, decode_uniform, extend};
use super::intrinsics::DecodeIntrinsics;
use super::tables::{RegisterTable, look_up, values};
use crate::kernel::encode::{Cut, EncodeIntrinsics};
use crate::kernel::isa::Isa;
use crate::kernel::native::Native;
use crate::spec::{Code, FormatSpec};

/// The kernel that decodes bytes to f32s, the best that an instruction set and a format allow.
#[derive(Clone, Debug)]
pub(crate) struct DecodeBytes {
    isa: Isa,
    kernel: ByteKernel,
}

#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "one lives on the stack for the length of a call")]
enum ByteKernel {
    Arithmetic(ArithmeticDecode),
    Memory([f32; 256]),
    Registers(RegisterTable),
}

impl DecodeBytes {
    /// For a format of at most 8 bits.
    pub(crate) fn lower(isa: Isa, spec: &FormatSpec) -> Self {
        let uniform = ArithmeticDecode::lower(spec);
        let all = || values(isa, spec, uniform.as_ref());
        let kernel = match (Native::register_table(isa, spec.bits(), all), &uniform) {
            (Some(table), _) => ByteKernel::Registers(table),
            (None, Some(decode)) if Native::prefers_arithmetic(isa) => {
                ByteKernel::Arithmetic(*decode)
            }
            (None, _) => ByteKernel::Memory(all()),
        };
        Self { isa, kernel }
    }

    /// Makes every −0 plus, if it is that easy; says whether it was.
    #[cfg(feature = "alloc")]
    pub(crate) fn without_negative_zeros(&mut self) -> bool {
        match &mut self.kernel {
            ByteKernel::Memory(table) => table.iter_mut().for_each(|x| *x += 0.0),
            ByteKernel::Registers(RegisterTable::Few(table)) => {
                table.as_flattened_mut().iter_mut().for_each(|x| *x += 0.0)
            }
            ByteKernel::Arithmetic(_) | ByteKernel::Registers(RegisterTable::Planes(_)) => {
                return false;
            }
        }
        true
    }

    /// Numbers of codes; bits above a code's width are ignored.
    pub(crate) fn decode(&self, src: &[u8], dst: &mut [f32]) {
        match &self.kernel {
            ByteKernel::Arithmetic(decode) => decode_uniform(self.isa, decode, src, dst),
            ByteKernel::Memory(table) => look_up(self.isa, table, src, dst),
            ByteKernel::Registers(table) => {
                assert!(Native::decode_bytes(self.isa, table, src, dst), "a table of this `Isa`")
            }
        }
    }

    /// The table in registers, if it is one, and the instruction set that it is for.
    #[cfg(feature = "alloc")]
    pub(in crate::kernel) const fn registers(&self) -> Option<(Isa, &RegisterTable)> {
        if let ByteKernel::Registers(table) = &self.kernel { Some((self.isa, table)) } else { None }
    }
}

/// The kernel that decodes formats above 8 bits to f32s.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DecodeWide {
    isa: Isa,
    kernel: WideKernel,
}

#[derive(Clone, Copy, Debug)]
enum WideKernel {
    /// The codes begin f32s.
    Extend(u32),
    Arithmetic(ArithmeticDecode),
    /// FP16 by instructions.
    Half,
}

impl DecodeWide {
    /// The kernel, if there is one.
    pub(crate) fn lower(isa: Isa, spec: &FormatSpec) -> Option<Self> {
        let kernel = if *spec == FormatSpec::F16 && Native::has_f16(isa) {
            WideKernel::Half
        } else if let Some(shift) = Cut::shift(spec) {
            WideKernel::Extend(shift)
        } else {
            WideKernel::Arithmetic(ArithmeticDecode::lower(spec)?)
        };
        Some(Self { isa, kernel })
    }

    /// Numbers of codes.
    pub(crate) fn decode<C: Code>(&self, src: &[C], dst: &mut [f32]) {
        match &self.kernel {
            WideKernel::Extend(shift) => extend(self.isa, *shift, src, dst),
            WideKernel::Arithmetic(decode) => decode_uniform(self.isa, decode, src, dst),
            WideKernel::Half => decode_half(self.isa, src, dst),
        }
    }
}

/// Numbers of FP16 codes by instructions, in integers of 16 bits or wider ones.
fn decode_half<C: Code>(isa: Isa, src: &[C], dst: &mut [f32]) {
    const MADE: &str = "an instruction set with FP16";
    if let Some(src) = C::words(src) {
        assert!(Native::decode_f16(isa, src, dst), "{MADE}");
        return;
    }
    let mut words = [0; 256];
    for (src, dst) in src.chunks(256).zip(dst.chunks_mut(256)) {
        words.iter_mut().zip(src).for_each(|(word, code)| *word = code.widen() as u16);
        assert!(Native::decode_f16(isa, &words[..src.len()], dst), "{MADE}");
    }
}

/// Bytes for bytes.
pub(crate) fn map_bytes(isa: Isa, table: &[u8; 256], src: &[u8], dst: &mut [u8]) {
    if !Native::map_bytes(isa, table, src, dst) {
        look_up(isa, table, src, dst);
    }
}
