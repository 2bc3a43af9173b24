//! The named formats. A format is one entry here: its layout, and where that is written.

use super::{Encoding, FloatSpec, FormatSpec, IntSpec, PositSpec, Table, ZeroField, codebooks};

macro_rules! named {
    ($($(#[$doc:meta])* $name:ident = $encoding:expr;)*) => {
        impl FormatSpec {
            $($(#[$doc])* pub const $name: Self = Self::constant(stringify!($name), $encoding);)*

            /// Every named format, in the order of the documentation. P3109 formats come from
            /// [`p3109`](Self::p3109).
            pub const ALL: &'static [Self] = &[$(Self::$name),*];
        }
    };
}

/// Two's complement (or unsigned) with no fraction bits and every code used.
const fn int(signed: bool, bits: u8) -> Encoding {
    Encoding::Int(IntSpec { signed, bits, fraction_bits: 0, symmetric: false })
}

named! {
    /// OCP FP8 E4M3 (OFP8 1.0), `float8_e4m3fn`. Max 448, min normal 2^-6, smallest 2^-9; NaN
    /// S.1111.111, no infinity.
    /// ```text
    /// S EEEE MMM   bias 7
    /// ```
    F8E4M3 = Encoding::Float(FloatSpec::finite_nan(4, 3));
    /// OCP FP8 E5M2 (OFP8 1.0), `float8_e5m2`. Max 57344, min normal 2^-14, smallest 2^-16;
    /// infinities and NaN as in IEEE 754: the top byte of an f16.
    /// ```text
    /// S EEEEE MM   bias 15
    /// ```
    F8E5M2 = Encoding::Float(FloatSpec::ieee(5, 2));
    /// IEEE-style E4M3, ml_dtypes' `float8_e4m3`. Max 240, min normal 2^-6, smallest 2^-9;
    /// infinities and NaN.
    /// ```text
    /// S EEEE MMM   bias 7
    /// ```
    F8E4M3IEEE = Encoding::Float(FloatSpec::ieee(4, 3));
    /// IEEE-style E3M4, ml_dtypes' `float8_e3m4`. Max 15.5, min normal 2^-2, smallest 2^-6;
    /// infinities and NaN.
    /// ```text
    /// S EEE MMMM   bias 3
    /// ```
    F8E3M4 = Encoding::Float(FloatSpec::ieee(3, 4));
    /// E3M4 with extended range (Intel, arXiv 2309.14592; layout from secondary sources). Max 30,
    /// min normal 2^-2, smallest 2^-6; NaN S.111.1111, no infinity.
    /// ```text
    /// S EEE MMMM   bias 3
    /// ```
    F8E3M4FN = Encoding::Float(FloatSpec::finite_nan(3, 4));
    /// E4M3 FNUZ (Graphcore, AMD MI300), `float8_e4m3fnuz`. Max 240, min normal 2^-7, smallest
    /// 2^-10; NaN 0x80, no infinity, no −0.
    /// ```text
    /// S EEEE MMM   bias 8
    /// ```
    F8E4M3FNUZ = Encoding::Float(FloatSpec::finite_unsigned_zero(4, 3, 8));
    /// E5M2 FNUZ (Graphcore, AMD MI300), `float8_e5m2fnuz`. Max 57344, min normal 2^-15, smallest
    /// 2^-17; NaN 0x80, no infinity, no −0.
    /// ```text
    /// S EEEEE MM   bias 16
    /// ```
    F8E5M2FNUZ = Encoding::Float(FloatSpec::finite_unsigned_zero(5, 2, 16));
    /// E4M3 FNUZ with bias 11 (Google), `float8_e4m3b11fnuz`. Max 30, min normal 2^-10, smallest
    /// 2^-13; NaN 0x80, no infinity, no −0.
    /// ```text
    /// S EEEE MMM   bias 11
    /// ```
    F8E4M3B11FNUZ = Encoding::Float(FloatSpec::finite_unsigned_zero(4, 3, 11));
    /// OCP FP6 E3M2 (MX 1.0). Max 28, min normal 2^-2, smallest 2^-4; every code a number.
    /// ```text
    /// S EEE MM   bias 3
    /// ```
    F6E3M2 = Encoding::Float(FloatSpec::finite(3, 2));
    /// OCP FP6 E2M3 (MX 1.0). Max 7.5, min normal 1, smallest 2^-3; every code a number.
    /// ```text
    /// S EE MMM   bias 1
    /// ```
    F6E2M3 = Encoding::Float(FloatSpec::finite(2, 3));
    /// OCP FP4 E2M1 (MX 1.0): 0, 0.5, 1, 1.5, 2, 3, 4, 6 and their negatives.
    /// ```text
    /// S EE M   bias 1
    /// ```
    F4E2M1 = Encoding::Float(FloatSpec::finite(2, 1));
    /// FP4 E1M2, the element of HiF4 (arXiv 2602.11287), en_dtypes' `float4_e1m2`: 0, 0.25, … 1.75
    /// and their negatives.
    /// ```text
    /// S E MM   bias 1
    /// ```
    F4E1M2 = Encoding::Float(FloatSpec { bias: 1, ..FloatSpec::finite(1, 2) });
    /// FP4 E3M0: 0 and the powers of two from 2^-2 to 16, and their negatives (ZeroQuant-FP,
    /// LLM-FP4; layout from secondary sources).
    /// ```text
    /// S EEE   bias 3
    /// ```
    F4E3M0 = Encoding::Float(FloatSpec::finite(3, 0));
    /// FP4 E0M3, NVIDIA's `__nv_fp4_e0m3`: sign-magnitude integers from −7 to 7.
    /// ```text
    /// S MMM
    /// ```
    F4E0M3 = Encoding::Float(FloatSpec::finite(0, 3));
    /// The OCP MX block scale E8M0 (MX 1.0), `float8_e8m0fnu`: 2^-127 (0x00) to 2^127 (0xFE), NaN
    /// 0xFF; no sign, no zero.
    /// ```text
    /// EEEEEEEE   bias 127
    /// ```
    E8M0 = Encoding::Float(FloatSpec {
        bias: 127,
        zero_field: ZeroField::Normals,
        ..FloatSpec::finite_nan(8, 0).unsigned()
    });
    /// The NVFP4 block scale UE4M3: E4M3 without its sign, which the hardware pads with 0. Max 448,
    /// smallest 2^-9, NaN 0x7F.
    /// ```text
    /// (0) EEEE MMM   bias 7
    /// ```
    UE4M3 = Encoding::Float(FloatSpec::finite_nan(4, 3).unsigned());
    /// CUDA's block scale UE5M3 (CUDA 13.4 and later), LLVM's `Float8E5M3FNU`. Max 114688, min
    /// normal 2^-14, smallest 2^-17, NaN 0xFF.
    /// ```text
    /// EEEEE MMM   bias 15
    /// ```
    UE5M3 = Encoding::Float(FloatSpec::finite_nan(5, 3).unsigned());
    /// The HiF4 group scale E6M2 (arXiv 2602.11287): 2^-48 (0x00) to 49152 (0xFE); no sign, no
    /// zero. NaN 0xFF and the bias as in the PTO specification, ADR-0101.
    /// ```text
    /// EEEEEE MM   bias 48
    /// ```
    UE6M2 = Encoding::Float(FloatSpec {
        bias: 48,
        zero_field: ZeroField::Normals,
        ..FloatSpec::finite_nan(6, 2).unsigned()
    });
    /// Huawei HiFloat8 (arXiv 2409.16626): 38 binades, 3 to 0 mantissa bits. Max 32768, min normal
    /// 2^-15, smallest 2^-22; NaN 0x80, infinities 0x6F and 0xEF, no −0. Codes are not in order of
    /// value.
    /// ```text
    /// S 11 S EEE M | S 10 S EE MM | S 01 S E MMM | S 001 S MMM | S 0001 MMM | S 0000 DDD
    /// ```
    HIF8 = Encoding::HiF8;
    /// bfloat16: the top half of an f32. Max 3.3895e38, min normal 2^-126, smallest 2^-133.
    /// ```text
    /// S EEEEEEEE MMMMMMM   bias 127
    /// ```
    BF16 = Encoding::Float(FloatSpec::ieee(8, 7));
    /// IEEE 754 binary16. Max 65504, min normal 2^-14, smallest 2^-24.
    /// ```text
    /// S EEEEE MMMMMMMMMM   bias 15
    /// ```
    F16 = Encoding::Float(FloatSpec::ieee(5, 10));
    /// NVIDIA's TF32 as a 19-bit format; in memory it sits in the top of an f32. Min normal 2^-126,
    /// smallest 2^-136.
    /// ```text
    /// S EEEEEEEE MMMMMMMMMM   bias 127
    /// ```
    TF32 = Encoding::Float(FloatSpec::ieee(8, 10));
    /// The 22-bit sum that Ada and Hopper tensor cores keep for FP8 products (measured by the
    /// authors of MMA-Sim).
    /// ```text
    /// S EEEEEEEE MMMMMMMMMMMMM   bias 127
    /// ```
    E8M13 = Encoding::Float(FloatSpec::ieee(8, 13));
    /// IEEE 754 binary32.
    /// ```text
    /// S EEEEEEEE MMMMMMMMMMMMMMMMMMMMMMM   bias 127
    /// ```
    F32 = Encoding::Float(FloatSpec::ieee(8, 23));
    /// Two's complement: −128 to 127.
    INT8 = int(true, 8);
    /// Two's complement: −64 to 63.
    INT7 = int(true, 7);
    /// Two's complement: −32 to 31.
    INT6 = int(true, 6);
    /// Two's complement: −16 to 15.
    INT5 = int(true, 5);
    /// Two's complement: −8 to 7.
    INT4 = int(true, 4);
    /// Two's complement: −4 to 3.
    INT3 = int(true, 3);
    /// Two's complement: −2 to 1.
    INT2 = int(true, 2);
    /// Two's complement: −1 and 0 (ml_dtypes' `int1`).
    INT1 = int(true, 1);
    /// Unsigned: 0 to 255.
    UINT8 = int(false, 8);
    /// Unsigned: 0 to 15.
    UINT4 = int(false, 4);
    /// Unsigned: 0 to 3.
    UINT2 = int(false, 2);
    /// Unsigned: 0 and 1.
    UINT1 = int(false, 1);
    /// The OCP MXINT8 element (MX 1.0), PTX `s2f6`: two's complement over 64, −2 to 127/64, with −2
    /// in use as in gfloat.
    MXINT8 = Encoding::Int(IntSpec { signed: true, bits: 8, fraction_bits: 6, symmetric: false });
    /// MXINT8 that never produces −2 (allowed by OCP MX 1.0; microxcaling, Quark): −127/64 to
    /// 127/64.
    MXINT8SYM = Encoding::Int(IntSpec { signed: true, bits: 8, fraction_bits: 6, symmetric: true });
    /// NF4 of QLoRA (arXiv 2305.14314): 16 quantiles of a normal distribution from −1 to 1, 0 among
    /// them.
    NF4 = Encoding::Codebook(Table::of(&codebooks::NF4));
    /// AF4 (arXiv 2306.06965) for blocks of 64, in bitsandbytes' order: code 0 is 1, code 15 is −1.
    AF4 = Encoding::Codebook(Table::of(&codebooks::AF4));
    /// bitsandbytes' FP4: 0, 1/192, 1/6, 1/4, 1/3, 1/2, 2/3, 1 and their negatives, in an order of
    /// its own.
    BNBFP4 = Encoding::Codebook(Table::of(&codebooks::BNB_FP4));
    /// bitsandbytes' signed dynamic 8-bit map: 256 numbers from −0.993 to 1, denser toward zero.
    BNBDYNAMIC8 = Encoding::Codebook(Table::of(&codebooks::BNB_DYNAMIC8));
    /// The 8-bit posit of the Posit Standard (2022): 2 exponent bits, 2^-24 to 2^24; NaR 0x80.
    /// ```text
    /// S R..R EE F..F
    /// ```
    POSIT8 = Encoding::Posit(PositSpec { bits: 8, exponent_bits: 2 });
}
