/*
 * subhalf for C, C++ and SystemVerilog (DPI-C): number formats below half precision, bit for bit.
 *
 * Formats, policies and matrix units are integers: ids, got once by name and good on every thread
 * until the program ends. Codes lie in the low bits of a uint32_t; bits above the format's do not
 * count. Numbers come and go as doubles.
 *
 * Every function returns 0 or an id, or one of the negative codes below. One that is refused
 * writes through no pointer; subhalf_message() says what it expected and what it found. A pointer
 * is null or valid: a null pointer is refused (flags may be null), and so is one that is not
 * aligned; whether others point to what they should cannot be checked.
 */
#ifndef SUBHALF_H
#define SUBHALF_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Why a call was refused. */
enum {
    SUBHALF_POINTER = -1, /* a pointer is null or not aligned */
    SUBHALF_NAME = -2,    /* a name is not known, or not one for these formats */
    SUBHALF_ID = -3,      /* an integer is no format, policy, rounding or unit */
    SUBHALF_LENGTH = -4,  /* more products than an instruction takes, or other scales than blocks */
    SUBHALF_FAULT = -5    /* a fault of the library; please report it */
};

/* What the last refusal on this thread expected and found; empty before the first. The text lives
 * until the next refusal on this thread. */
const char *subhalf_message(void);

/* Flags of IEEE 754, as RISC-V's fflags and TestFloat have them. */
enum {
    SUBHALF_INEXACT = 1,
    SUBHALF_UNDERFLOW = 2,
    SUBHALF_OVERFLOW = 4,
    SUBHALF_DIVIDE_BY_ZERO = 8,
    SUBHALF_INVALID = 16
};

/* Roundings. Those from 1 to 9 have the numbers of the lines of `subhalf vectors --round all`. A
 * stochastic rounding takes its low 8 bits, 1 to 32, as the number of random bits that it uses:
 * SUBHALF_STOCHASTIC_A + 8. */
enum {
    SUBHALF_ROUND_OF_POLICY = 0,
    SUBHALF_NEAREST_EVEN = 1,
    SUBHALF_NEAREST_AWAY = 2,
    SUBHALF_NEAREST_TOWARD_ZERO = 3,
    SUBHALF_NEAREST_UP = 4,
    SUBHALF_TOWARD_ZERO = 5,
    SUBHALF_AWAY_FROM_ZERO = 6,
    SUBHALF_UP = 7,
    SUBHALF_DOWN = 8,
    SUBHALF_TO_ODD = 9,
    SUBHALF_STOCHASTIC_A = 0x100,
    SUBHALF_STOCHASTIC_B = 0x200,
    SUBHALF_STOCHASTIC_C = 0x300
};

/* The policy of a format's plain conversions: up to 8 bits finite overflow saturates, above it is
 * IEEE 754's. */
enum { SUBHALF_DEFAULT_POLICY = 0 };

/* The id of a format by anybody's name for it: "F8E4M3", "float8_e5m2", "BF16", "Binary8p4se". */
int subhalf_format(const char *name);
/* The width of a format's codes. */
int subhalf_format_bits(int format);
/* The id of a policy, a constant of Convert: "CUDA_SATFINITE", "ML_DTYPES", "P3109_SAT_NONE". */
int subhalf_policy(const char *name);
/* The id of a matrix unit for elements of two formats: "hopper::WGMMA_FP8". */
int subhalf_unit(const char *name, int format_a, int format_b);
/* The products of one instruction. */
int subhalf_unit_products(int unit);
/* The products that share a scale; 0 of a unit without scales. */
int subhalf_unit_scales(int unit);

/* A double to a code, rounded once. `random` is the word of a stochastic rounding; others do not
 * read it. */
int subhalf_encode(int format, double value, int policy, int round, uint32_t random,
                   uint32_t *code, uint32_t *flags);
/* A code to a double; rounded to nearest even where a format has numbers beyond double's. */
int subhalf_decode(int format, uint32_t code, double *value);
/* A code of one format to another. */
int subhalf_convert(int from, uint32_t a, int to, int policy, int round, uint32_t random,
                    uint32_t *code, uint32_t *flags);

/* Arithmetic in a format: exact, then rounded once. */
int subhalf_add(int format, uint32_t a, uint32_t b, int policy, int round, uint32_t random,
                uint32_t *code, uint32_t *flags);
int subhalf_sub(int format, uint32_t a, uint32_t b, int policy, int round, uint32_t random,
                uint32_t *code, uint32_t *flags);
int subhalf_mul(int format, uint32_t a, uint32_t b, int policy, int round, uint32_t random,
                uint32_t *code, uint32_t *flags);
int subhalf_div(int format, uint32_t a, uint32_t b, int policy, int round, uint32_t random,
                uint32_t *code, uint32_t *flags);
/* The remainder of a / b with the quotient truncated, as fmod. */
int subhalf_rem(int format, uint32_t a, uint32_t b, int policy, int round, uint32_t random,
                uint32_t *code, uint32_t *flags);
int subhalf_mul_add(int format, uint32_t a, uint32_t b, uint32_t c, int policy, int round,
                    uint32_t random, uint32_t *code, uint32_t *flags);
int subhalf_sqrt(int format, uint32_t a, int policy, int round, uint32_t random, uint32_t *code,
                 uint32_t *flags);
/* 1 / a */
int subhalf_recip(int format, uint32_t a, int policy, int round, uint32_t random, uint32_t *code,
                  uint32_t *flags);
/* a * b + c of operands in formats of their own, into a fourth, rounded once. */
int subhalf_fma(int format_a, uint32_t a, int format_b, uint32_t b, int format_c, uint32_t c,
                int result, int policy, int round, uint32_t random, uint32_t *code,
                uint32_t *flags);

/* One instruction of a matrix unit: D for `count` pairs of codes, at most
 * subhalf_unit_products(unit), and C; products beyond the last count as zero. `scales` codes a side,
 * one for each block that the pairs are in; 0, and null pointers, of a unit without scales. C and D
 * are bits of an f32, an f16 or an int32_t, as the unit accumulates. */
int subhalf_unit_step(int unit, const uint32_t *a, const uint32_t *b, uint32_t count,
                      const uint32_t *scales_a, const uint32_t *scales_b, uint32_t scales,
                      uint32_t c, uint32_t *d);
/* As many instructions as the pairs need, D of each C of the next. */
int subhalf_unit_dot(int unit, const uint32_t *a, const uint32_t *b, uint32_t count,
                     const uint32_t *scales_a, const uint32_t *scales_b, uint32_t scales,
                     uint32_t c, uint32_t *d);

#ifdef __cplusplus
}
#endif

#endif
