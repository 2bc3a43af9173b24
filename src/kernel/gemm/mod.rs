//! Micro-kernels of matrix products and the packing below them. `tile` defines MR, NR and KC;
//! `float`, `rounded`, `aligned`, `sixteens`, `word_dots` and `int8` are the tiles of 16 × 16, by
//! the kind of sum; `gemv` is a few rows by four panels; `transpose` packs rows of codes. The loops
//! around them (BLIS's macro-kernel) and the packing of whole operands are in `ops::matmul`.

mod aligned;
mod aligned_operands;
mod float;
mod gemv;
mod gemv_operands;
mod int8;
mod int8_operands;
mod intrinsics;
mod rounded;
mod sixteens;
mod tile;
mod transpose;
mod unit_intrinsics;
mod word_dots;

pub(crate) use aligned::aligned_sums;
pub(crate) use aligned_operands::{
    AlignedResult, AlignedSide, AlignedUnit, RANKS, ROWS, SIXTEEN, Sixteens, fill_lanes, fill_rows,
};
pub(in crate::kernel) use aligned_operands::{NO_PRODUCTS, NO_RANK, ScaleRanks, SixteenSide};
pub(crate) use float::{
    chain_blocks_of, chain_f32_of, chain_f64, chain_rounded, cut_bits, dot_f32, dot_f64,
    scale_lanes, scale_lanes_less, scale_lanes_plus,
};
pub(crate) use gemv::{Gemv, Nibbles};
pub(crate) use gemv_operands::{BlockFactors, BlockOffsets, Factors, GEMV_MR, GemvPanel, PANELS};
pub(crate) use int8::{Dots, a_int8_words};
pub(crate) use int8_operands::{AInt8, AInt8Rows, AInt8Words, BInt8, SmallIntegers};
pub(in crate::kernel) use intrinsics::GemmIntrinsics;
pub(crate) use rounded::Rounding;
pub(crate) use sixteens::sixteen_sums;
pub(crate) use tile::{Blocks, CodeRows, KC, Lanes, MR, MicroTile, NR, Quad, height};
pub(crate) use transpose::{positions, quads, unpack_quads};
pub(in crate::kernel) use unit_intrinsics::UnitIntrinsics;
pub(crate) use unit_intrinsics::WordInstruction;
pub(crate) use word_dots::WordDots;
pub(in crate::kernel) use {
    gemv_operands::{NibbleTable, by_eights},
    int8_operands::{ByteDots, by_fours},
    rounded::{Known, chain_body},
    tile::{by_rows, double_body, padded},
};
