//! Scales that a closure finds: each block is seen once, whole, in the order of the scales.

use subhalf::{BlockSpec, Error, Extent, FormatSpec, Quantizer, ScaleRule};

#[test]
fn a_closure_sees_every_block_once_in_order() {
    let shape = [2, 5, 7];
    let x: Vec<f32> = (0..70).map(|i| i as f32 - 30.0).collect();
    for extent in [
        Extent::Tensor,
        Extent::Row,
        Extent::Column,
        Extent::Block { rows: 1, cols: 4 },
        Extent::Block { rows: 2, cols: 3 },
        Extent::Flat(9),
    ] {
        let spec =
            BlockSpec::new(FormatSpec::INT8, Some(FormatSpec::F32), extent, ScaleRule::Given);
        let quantizer = Quantizer::new(&spec);
        let mut seen = Vec::new();
        let scales = quantizer
            .scales_by(&x, &shape, |block| {
                seen.push(block.elements.to_vec());
                assert_eq!(block.amax, block.elements.iter().fold(0.0, |a, x| x.abs().max(a)));
                block.amax.max(1.0) / 127.0
            })
            .unwrap();
        // Where each element's scale is, by the tensor that the scales make.
        let tensor = quantizer.scales(&scales, &[]).quantize(&x, &shape).unwrap();
        let view = tensor.view();
        assert_eq!(scales.len(), view.blocks(), "{extent:?}");
        for (block, elements) in seen.iter().enumerate() {
            let region = view.region(block).unwrap();
            let expected: Vec<f32> = region.indices().map(|index| x[index]).collect();
            assert_eq!(*elements, expected, "{extent:?}, block {block}");
            assert_eq!(view.block_scale(block), scales[block]);
        }
        assert_eq!(seen.iter().map(Vec::len).sum::<usize>(), x.len());
        let wide: Vec<f64> = x.iter().map(|&x| x.into()).collect();
        let again = quantizer.scales_by(&wide, &shape, |block| block.amax.max(1.0) / 127.0);
        assert_eq!(again.unwrap(), scales);
        let short = quantizer.scales_by(&x[1..], &shape, |_| 1.0);
        assert_eq!(short, Err(Error::Length { what: "elements", expected: 70, found: 69 }));
        assert_eq!(quantizer.scales_by::<f32>(&[], &[0, 7], |_| panic!("no block")), Ok(vec![]));
    }
}
