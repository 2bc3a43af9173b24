//! `zerocopy`: bytes of numbers, and where every byte is a code, numbers of bytes.

use std::fmt::Debug;
use subhalf::{Code, Format};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

fn bytes_are_codes<T: Format<Code = u8> + IntoBytes + Immutable + KnownLayout + Unaligned>() {
    let numbers: Vec<T> = T::SPEC.codes().map(|code| T::from_bits(Code::truncate(code))).collect();
    let codes: Vec<u8> = T::SPEC.codes().map(|code| code as u8).collect();
    assert_eq!(numbers.as_slice().as_bytes(), codes, "{}", T::SPEC);
}

macro_rules! check {
    ($($name:ident)*) => { $(bytes_are_codes::<subhalf::$name>();)* };
}

fn codes_are_numbers<T>()
where
    T: Format<Code = u8> + FromBytes + IntoBytes + Immutable + KnownLayout + Debug,
{
    let mut bytes: Vec<u8> = (0..=255).collect();
    let numbers = <[T]>::ref_from_bytes(&bytes).unwrap();
    for (byte, x) in (0..=255).zip(numbers) {
        assert_eq!(x.to_bits(), byte, "{x:?}");
    }
    <[T]>::mut_from_bytes(&mut bytes).unwrap().reverse();
    assert_eq!((bytes[0], bytes[255]), (255, 0));
}

#[test]
fn numbers_of_every_type_are_bytes() {
    subhalf::__scalars! { check }
}

#[test]
fn bytes_are_numbers_where_every_byte_is_a_code() {
    macro_rules! each {
        ($($name:ident)*) => { $(codes_are_numbers::<subhalf::$name>();)* };
    }
    each! {
        F8E4M3 F8E5M2 F8E4M3Fnuz F8E5M2Fnuz F8E4M3B11Fnuz F8E4M3Ieee F8E3M4 HiF8 E8M0 UE5M3
        Binary8p3se Binary8p3sf Binary8p4se Binary8p4sf Binary8p5se
    }
}
