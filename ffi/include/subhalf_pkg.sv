// subhalf for SystemVerilog: the functions of subhalf.h over DPI-C. The header says what each does.
//
// Ids and roundings are int, codes and flags int unsigned, numbers real. Arrays have a fixed size,
// because DPI-C passes only those as plain pointers; the count beside them says how many of their
// elements are used, from element 0 on. No unit takes more than MOST_PRODUCTS at a time.
package subhalf_pkg;

    localparam int MOST_PRODUCTS = 64;
    localparam int MOST_SCALES = 8;

    typedef int unsigned products_t [MOST_PRODUCTS];
    typedef int unsigned scales_t [MOST_SCALES];

    // Flags.
    localparam int unsigned INEXACT = 1, UNDERFLOW = 2, OVERFLOW = 4, DIVIDE_BY_ZERO = 8, INVALID = 16;

    // Roundings; a stochastic one plus the number of its random bits.
    localparam int ROUND_OF_POLICY = 0, NEAREST_EVEN = 1, NEAREST_AWAY = 2, NEAREST_TOWARD_ZERO = 3,
        NEAREST_UP = 4, TOWARD_ZERO = 5, AWAY_FROM_ZERO = 6, UP = 7, DOWN = 8, TO_ODD = 9,
        STOCHASTIC_A = 'h100, STOCHASTIC_B = 'h200, STOCHASTIC_C = 'h300;

    localparam int DEFAULT_POLICY = 0;

    import "DPI-C" function string subhalf_message();
    import "DPI-C" function int subhalf_format(input string name);
    import "DPI-C" function int subhalf_format_bits(input int format);
    import "DPI-C" function int subhalf_policy(input string name);
    import "DPI-C" function int subhalf_unit(input string name, input int format_a, input int format_b);
    import "DPI-C" function int subhalf_unit_products(input int unit_id);
    import "DPI-C" function int subhalf_unit_scales(input int unit_id);

    import "DPI-C" function int subhalf_encode(input int format, input real value, input int policy,
        input int rounding, input int unsigned random, output int unsigned code, output int unsigned flags);
    import "DPI-C" function int subhalf_decode(input int format, input int unsigned code, output real value);
    import "DPI-C" function int subhalf_convert(input int from, input int unsigned a, input int to, input int policy,
        input int rounding, input int unsigned random, output int unsigned code, output int unsigned flags);

    import "DPI-C" function int subhalf_add(input int format, input int unsigned a, input int unsigned b,
        input int policy, input int rounding, input int unsigned random,
        output int unsigned code, output int unsigned flags);
    import "DPI-C" function int subhalf_sub(input int format, input int unsigned a, input int unsigned b,
        input int policy, input int rounding, input int unsigned random,
        output int unsigned code, output int unsigned flags);
    import "DPI-C" function int subhalf_mul(input int format, input int unsigned a, input int unsigned b,
        input int policy, input int rounding, input int unsigned random,
        output int unsigned code, output int unsigned flags);
    import "DPI-C" function int subhalf_div(input int format, input int unsigned a, input int unsigned b,
        input int policy, input int rounding, input int unsigned random,
        output int unsigned code, output int unsigned flags);
    import "DPI-C" function int subhalf_rem(input int format, input int unsigned a, input int unsigned b,
        input int policy, input int rounding, input int unsigned random,
        output int unsigned code, output int unsigned flags);
    import "DPI-C" function int subhalf_mul_add(input int format, input int unsigned a, input int unsigned b,
        input int unsigned c, input int policy, input int rounding, input int unsigned random,
        output int unsigned code, output int unsigned flags);
    import "DPI-C" function int subhalf_sqrt(input int format, input int unsigned a, input int policy,
        input int rounding, input int unsigned random, output int unsigned code, output int unsigned flags);
    import "DPI-C" function int subhalf_recip(input int format, input int unsigned a, input int policy,
        input int rounding, input int unsigned random, output int unsigned code, output int unsigned flags);
    import "DPI-C" function int subhalf_fma(input int format_a, input int unsigned a,
        input int format_b, input int unsigned b, input int format_c, input int unsigned c, input int result,
        input int policy, input int rounding, input int unsigned random,
        output int unsigned code, output int unsigned flags);

    import "DPI-C" function int subhalf_unit_step(input int unit_id, input products_t a, input products_t b,
        input int unsigned count, input scales_t scales_a, input scales_t scales_b, input int unsigned scales,
        input int unsigned c, output int unsigned d);
    import "DPI-C" function int subhalf_unit_dot(input int unit_id, input products_t a, input products_t b,
        input int unsigned count, input scales_t scales_a, input scales_t scales_b, input int unsigned scales,
        input int unsigned c, output int unsigned d);

endpackage
