//! Exits with 0 if conversions work without std and without alloc.

#![no_std]
#![no_main]

use subhalf::{Dither, Exec, FormatSpec, Round, Stochastic, decode_slice, encode_slice};

#[link(name = "c")]
unsafe extern "C" {
    fn abort() -> !;
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    // SAFETY: abort takes nothing and does not return.
    unsafe { abort() }
}

/// The precompiled `core` names it in its unwinding tables; nothing here unwinds.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}

/// One line a thing that must hold; the number of the first that does not is the exit code.
#[unsafe(no_mangle)]
extern "C" fn main() -> i32 {
    let e4m3 = FormatSpec::F8E4M3;
    let policy = e4m3.default_convert().with_round(Round::Stochastic { kind: Stochastic::B, bits: 8 });
    let (mut codes, mut values) = ([0u8; 3], [0f32; 3]);
    let encoded = encode_slice(&e4m3, &[1.0f32, -448.0, 1e9], &mut codes, &policy, Dither::new(1), Exec::default());
    let decoded = decode_slice(&e4m3, &codes, &mut values, Exec::default());
    let holds = [
        encoded.is_ok() && decoded.is_ok(),
        codes == [0x38, 0xFE, 0x7E],
        values == [1.0, -448.0, 448.0],
        FormatSpec::by_name("Binary8p3se").is_ok_and(|spec| spec.max().to_f64() == 49152.0),
        encode_slice(&e4m3, &[1.0f32], &mut codes, &policy, Dither::NONE, Exec::default()).is_err(),
    ];
    holds.iter().position(|&holds| !holds).map_or(0, |first| first as i32 + 1)
}
