//! The choice of a decoder. Up to 8 bits: a table in registers where the instruction set has one,
//! else arithmetic or a table of 256 numbers in memory (1 KiB of L1), whichever is faster. Above
//! 8 bits: FP16 instructions, a shift for formats that are leading bits of an f32, else arithmetic.

use super::arithmetic::{ArithmeticDecode, decode_uniform, extend};
#[cfg(feature = "alloc")]
use super::each::EachDecode;
use super::intrinsics::DecodeIntrinsics;
use super::tables::{RegisterTable, look_up, values};
use crate::kernel::encode::{Cut, EncodeIntrinsics};
use crate::kernel::isa::Isa;
use crate::kernel::native::Native;
use crate::spec::{Code, FormatSpec};

/// The fastest kernel that decodes bytes to f32s, for an instruction set and a format.
#[derive(Clone, Debug)]
pub(crate) struct DecodeBytes {
    isa: Isa,
    kernel: ByteKernel,
    /// The decoder of loops that also scale; `None` where `kernel` alone decodes.
    #[cfg(feature = "alloc")]
    each: Option<EachDecode>,
}

#[derive(Clone, Debug)]
enum ByteKernel {
    Arithmetic(ArithmeticDecode),
    /// A table of the numbers of all bytes.
    Memory([f32; 256]),
    /// A table that permutes look up, which kernels for blocks and products read too.
    Registers(RegisterTable),
}

impl DecodeBytes {
    /// Returns the kernel for a format of at most 8 bits. A table of 256 numbers decodes any that
    /// arithmetic does not.
    pub(crate) fn lower(isa: Isa, spec: &FormatSpec) -> Self {
        let uniform = ArithmeticDecode::lower(spec);
        // A closure, because arithmetic needs no table, and filling 256 entries costs more than
        // decoding a short slice.
        let all = || values(isa, spec, uniform.as_ref());
        let kernel = match (Native::register_table(isa, spec.bits(), all), &uniform) {
            (Some(table), _) => ByteKernel::Registers(table),
            // With wide registers the arithmetic of 16 codes beats 16 loads.
            (None, Some(decode)) if Native::prefers_arithmetic(isa) => {
                ByteKernel::Arithmetic(*decode)
            }
            (None, _) => ByteKernel::Memory(all()),
        };
        // A table in registers decodes floats faster than arithmetic, and integers no faster.
        #[cfg(feature = "alloc")]
        let each = EachDecode::lower(spec, uniform.as_ref()).filter(|each| {
            let is_table = matches!(kernel, ByteKernel::Registers(_));
            Native::prefers_arithmetic(isa) && (each.is_integer() || !is_table)
        });
        Self {
            isa,
            kernel,
            #[cfg(feature = "alloc")]
            each,
        }
    }

    /// Writes the numbers of codes; bits above a code's width are ignored.
    pub(crate) fn decode(&self, src: &[u8], dst: &mut [f32]) {
        match &self.kernel {
            ByteKernel::Arithmetic(decode) => decode_uniform(self.isa, decode, src, dst),
            ByteKernel::Memory(table) => look_up(self.isa, table, src, dst),
            // The table was made for this `Isa`, so its kernel cannot be missing.
            ByteKernel::Registers(table) => {
                assert!(Native::decode_bytes(self.isa, table, src, dst), "a table of this `Isa`");
            }
        }
    }

    /// Returns the register table and the instruction set that it is for, or `None` if this kernel
    /// is another.
    #[cfg(feature = "alloc")]
    pub(in crate::kernel) const fn registers(&self) -> Option<(Isa, &RegisterTable)> {
        if let ByteKernel::Registers(table) = &self.kernel { Some((self.isa, table)) } else { None }
    }

    /// Returns the decoder of one code for loops that do more, or `None` if there is none.
    #[cfg(feature = "alloc")]
    pub(in crate::kernel) const fn each(&self) -> Option<&EachDecode> {
        self.each.as_ref()
    }

    /// Returns the instruction set.
    #[cfg(feature = "alloc")]
    pub(in crate::kernel) const fn isa(&self) -> Isa {
        self.isa
    }
}

/// The kernel that decodes formats of 9 to 32 bits to f32s.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DecodeWide {
    isa: Isa,
    kernel: WideKernel,
}

#[derive(Clone, Copy, Debug)]
enum WideKernel {
    /// Codes that are the leading bits of an f32, with the shift to its end.
    Extend(u32),
    Arithmetic(ArithmeticDecode),
    /// FP16, by the processor's instructions.
    Half,
}

impl DecodeWide {
    /// Returns the kernel, or `None` if only the reference codec decodes the format.
    pub(crate) fn lower(isa: Isa, spec: &FormatSpec) -> Option<Self> {
        // The fastest first: one instruction, one shift, about ten operations.
        let kernel = if *spec == FormatSpec::F16 && Native::has_f16(isa) {
            WideKernel::Half
        } else if let Some(shift) = Cut::shift(spec) {
            WideKernel::Extend(shift)
        } else {
            WideKernel::Arithmetic(ArithmeticDecode::lower(spec)?)
        };
        Some(Self { isa, kernel })
    }

    /// Writes the numbers of codes, unrounded: every format with a kernel here has f32 numbers.
    pub(crate) fn decode<C: Code>(&self, src: &[C], dst: &mut [f32]) {
        // One match for the slice leaves the loops without branches.
        match &self.kernel {
            WideKernel::Extend(shift) => extend(self.isa, *shift, src, dst),
            WideKernel::Arithmetic(decode) => decode_uniform(self.isa, decode, src, dst),
            WideKernel::Half => decode_half(self.isa, src, dst),
        }
    }
}

/// Writes the numbers of FP16 codes, held in integers of 16 bits or more, by instructions.
fn decode_half<C: Code>(isa: Isa, src: &[C], dst: &mut [f32]) {
    const MADE: &str = "an instruction set with FP16";
    if let Some(src) = C::words(src) {
        assert!(Native::decode_f16(isa, src, dst), "{MADE}");
        return;
    }
    // Wider integers are narrowed through a buffer of 512 bytes on the stack.
    let mut words = [0; 256];
    for (src, dst) in src.chunks(256).zip(dst.chunks_mut(256)) {
        words.iter_mut().zip(src).for_each(|(word, code)| *word = code.widen() as u16);
        assert!(Native::decode_f16(isa, &words[..src.len()], dst), "{MADE}");
    }
}

/// Maps bytes to bytes by a table.
pub(crate) fn map_bytes(isa: Isa, table: &[u8; 256], src: &[u8], dst: &mut [u8]) {
    if !Native::map_bytes(isa, table, src, dst) {
        look_up(isa, table, src, dst);
    }
}
