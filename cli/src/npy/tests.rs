//! Files made byte by byte, as numpy 2.4.6 writes them.

use super::{Header, NpyFile, NpyNumbers, write};

/// A file of version 1.0 with this dictionary.
fn file(dictionary: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((dictionary.len() as u16).to_le_bytes());
    bytes.extend(dictionary.as_bytes());
    bytes.extend(data);
    bytes
}

fn of(descr: &str, fortran: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    file(&format!("{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}, }}\n"), data)
}

fn read(bytes: &[u8]) -> Result<(Vec<usize>, NpyNumbers), String> {
    let header = Header::parse(bytes, bytes.len() as u64)
        .map_err(|(what, expected, found)| format!("{what}: expected {expected}, found {found}"))?;
    let numbers = header.numbers(&bytes[header.data as usize..]);
    Ok((header.shape, numbers))
}

fn refusal(bytes: &[u8]) -> String {
    read(bytes).expect_err("the file is bad")
}

fn bytes_of(numbers: &[f32]) -> Vec<u8> {
    numbers.iter().flat_map(|x| x.to_le_bytes()).collect()
}

#[test]
fn arrays_of_every_type_and_order_are_read() {
    let six = [1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0];
    let c = read(&of("'<f4'", "False", "(2, 3)", &bytes_of(&six)));
    assert_eq!(c, Ok((vec![2, 3], NpyNumbers::F32(six.into()))));
    // Column by column.
    let columns = [1.0f32, 4.0, 2.0, 5.0, 3.0, 6.0];
    let fortran = read(&of("'<f4'", "True", "(2, 3)", &bytes_of(&columns)));
    assert_eq!(fortran, Ok((vec![2, 3], NpyNumbers::F32(six.into()))));
    // x[i, j, k] = 100 i + 10 j + k, the first axis fastest.
    let mut data = Vec::new();
    for k in 0..4 {
        for j in 0..3 {
            data.extend((0..2).map(|i| (100 * i + 10 * j + k) as f32));
        }
    }
    let (shape, numbers) = read(&of("'<f4'", "True", "(2, 3, 4)", &bytes_of(&data))).expect("good");
    let expected = (0..24).map(|i| (100 * (i / 12) + 10 * (i / 4 % 3) + i % 4) as f32).collect();
    assert_eq!((shape, numbers), (vec![2, 3, 4], NpyNumbers::F32(expected)));
    let big = read(&of("'>f8'", "False", "(1,)", &(-0.1f64).to_be_bytes()));
    assert_eq!(big, Ok((vec![1], NpyNumbers::F64(vec![-0.1]))));
    let half = read(&of("'<f2'", "False", "()", &[0x00, 0x3C]));
    assert_eq!(half, Ok((vec![], NpyNumbers::F16(vec![0x3C00]))));
    for descr in ["'<V2'", "'|V2'"] {
        let bf16 = read(&of(descr, "False", "(2L,)", &[0x80, 0x3F, 0x80, 0xBF]));
        assert_eq!(bf16, Ok((vec![2], NpyNumbers::Bf16(vec![0x3F80, 0xBF80]))));
    }
    let none = read(&of("'<f4'", "True", "(3, 0)", &[]));
    assert_eq!(none, Ok((vec![3, 0], NpyNumbers::F32(vec![]))));
    // Version 2.0 has four bytes of length; keys may come in any order and in either quotes.
    let dictionary = r#"{"shape":(1,),"fortran_order":False,"descr":"<f4"}"#;
    let mut two = b"\x93NUMPY\x02\x00".to_vec();
    two.extend((dictionary.len() as u32).to_le_bytes());
    two.extend(dictionary.as_bytes());
    two.extend(7f32.to_le_bytes());
    assert_eq!(read(&two), Ok((vec![1], NpyNumbers::F32(vec![7.0]))));
}

#[test]
fn what_is_no_array_of_floats_is_refused() {
    assert_eq!(refusal(b"PK\x03\x04..."), r"first bytes: expected \x93NUMPY, found PK\x03\x04..");
    assert_eq!(refusal(b""), r"first bytes: expected \x93NUMPY, found ");
    assert_eq!(refusal(b"\x93NUMPY\x04\x00"), "version: expected 1.0, 2.0 or 3.0, found 4.0");
    assert_eq!(refusal(b"\x93NUMPY\x01"), "bytes of the file: expected a header, found 7");
    assert_eq!(
        refusal(b"\x93NUMPY\x01\x00\xFF\x00{}"),
        "header: expected 255 bytes, found a file of 12"
    );
    let good = of("'<f4'", "False", "(2,)", &[0; 8]);
    assert_eq!(refusal(&good[..good.len() - 1]), "bytes behind the header: expected 8, found 7");
    let longer = [&good[..], &[0]].concat();
    assert_eq!(refusal(&longer), "bytes behind the header: expected 8, found 9");
    let numbers = "expected f2, f4, f8 (floats), or V2 (BF16), found";
    let elements = |descr: &str| refusal(&of(descr, "False", "(1,)", &[0; 8]));
    assert_eq!(elements("'|O'"), format!("elements: {numbers} '|O' (Python objects)"));
    assert_eq!(elements("'<u2'"), format!("elements: {numbers} '<u2'"));
    assert_eq!(elements("''"), format!("elements: {numbers} ''"));
    assert_eq!(elements("[('a', '<f4')]"), format!("elements: {numbers} a structure of several"));
    assert_eq!(elements("'=f4'"), "order of bytes: expected <, > or |, found '=f4'");
    let header = |dictionary: &str| refusal(&file(dictionary, &[]));
    assert_eq!(
        header("{}"),
        "keys of the header: expected descr, fortran_order, shape, found fewer"
    );
    assert_eq!(header("[1]"), "header: expected '{', found '[1]'");
    assert_eq!(header("{'descr': 4}"), "header: expected a string, found '4}'");
    assert_eq!(header("{'descr': '<f4"), "header: expected the end of a string, found ''");
    assert_eq!(header("{'x"), "header: expected the end of a string, found ''");
    assert_eq!(
        header("{'x': 1}"),
        r#"key of the header: expected descr, fortran_order or shape, found "x""#
    );
    assert_eq!(
        header("{'fortran_order': 1}"),
        r#"fortran_order: expected True or False, found """#
    );
    assert_eq!(header("{'shape': (-1,)}"), "shape: expected lengths of axes, found something else");
    assert_eq!(
        refusal(&of("'<f4'", "False", "(4294967296, 4294967296, 0)", &[])),
        "shape: expected fewer than 2^63 bytes, found [4294967296, 4294967296, 0]"
    );
}

#[test]
fn what_is_written_is_read() {
    for shape in [&[][..], &[3], &[2, 3], &[1, 2, 3], &[0, 5]] {
        let numbers: Vec<f32> = (0..shape.iter().product()).map(|i| i as f32 - 1.5).collect();
        let mut bytes = Vec::new();
        write(shape, &numbers, &mut bytes).expect("memory");
        // As numpy: elements at a multiple of 64 bytes, behind a line's end.
        assert_eq!(bytes[bytes.len() - 4 * numbers.len() - 1], b'\n');
        assert!((bytes.len() - 4 * numbers.len()).is_multiple_of(64));
        assert_eq!(read(&bytes), Ok((shape.to_vec(), NpyNumbers::F32(numbers))));
    }
}

#[test]
fn every_truncation_is_refused_and_no_byte_makes_it_panic() {
    let good = of("'<f4'", "True", "(2, 2)", &[0; 16]);
    for length in 0..good.len() {
        assert!(read(&good[..length]).is_err(), "{length}");
    }
    for place in 0..good.len() {
        for byte in 0..=255 {
            let mut bytes = good.clone();
            bytes[place] = byte;
            // Whatever becomes of it, it is said.
            let _ = read(&bytes);
        }
    }
}

#[test]
fn a_file_that_is_none_is_refused_by_name() {
    let folder = std::env::temp_dir();
    let error = NpyFile::open(&folder).expect_err("a directory").to_string();
    assert_eq!(error, format!("{}: path: expected a file, found a directory", folder.display()));
}
