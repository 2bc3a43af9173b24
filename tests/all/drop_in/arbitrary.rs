//! `arbitrary`: all codes, and nothing but codes.

use arbitrary::{Arbitrary, Unstructured};
use std::collections::HashSet;
use subhalf::{Code, Format};

fn every_code_comes_up<T: Format + for<'a> Arbitrary<'a>>() {
    let bytes: Vec<u8> = (0..=255).collect();
    let mut source = Unstructured::new(&bytes);
    let mut seen = HashSet::new();
    for _ in 0..256 {
        let x = T::arbitrary(&mut source).unwrap();
        assert!(u64::from(x.to_bits().widen()) < T::SPEC.code_count(), "{}", T::SPEC);
        seen.insert(x.to_bits().widen());
    }
    assert_eq!(seen.len() as u64, T::SPEC.code_count(), "{}", T::SPEC);
    assert_eq!(T::size_hint(0), (size_of::<T::Code>(), Some(size_of::<T::Code>())));
}

macro_rules! check {
    ($($name:ident)*) => { $(every_code_comes_up::<subhalf::$name>();)* };
}

#[test]
fn every_code_of_every_type_is_arbitrary() {
    subhalf::__scalars! { check }
}
