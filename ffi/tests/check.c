/* Reads lines of calls with their results from the standard input, makes the calls, and compares.
 * ffi/tests/c.rs writes the lines and says what is in each. */
#include "subhalf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST 512

static char line[1 << 16];
static unsigned long lines;
static int failures;

static void fail(const char *what, uint32_t expected, uint32_t found) {
    printf("line %lu: %s: expected %08lx, found %08lx (%s)\n", lines, what,
           (unsigned long)expected, (unsigned long)found, subhalf_message());
    failures++;
}

static void same(const char *what, uint32_t expected, uint32_t found) {
    if (expected != found) {
        fail(what, expected, found);
    }
}

/* The next word of the line. */
static const char *word(void) {
    const char *found = strtok(NULL, " \n");
    if (found == NULL) {
        printf("line %lu: expected another word\n", lines);
        exit(2);
    }
    return found;
}

static uint32_t hex(void) { return (uint32_t)strtoul(word(), NULL, 16); }

static int id(int found) {
    if (found < 0) {
        fail("id", 0, (uint32_t)found);
    }
    return found;
}

static int format(void) { return id(subhalf_format(word())); }

static int policy(void) {
    const char *name = word();
    return strcmp(name, "-") == 0 ? SUBHALF_DEFAULT_POLICY : id(subhalf_policy(name));
}

/* A double by its bits. */
static double number(void) {
    unsigned long long bits = strtoull(word(), NULL, 16);
    uint64_t exact = (uint64_t)bits;
    double value;
    memcpy(&value, &exact, sizeof value);
    return value;
}

static void row(uint32_t *codes, uint32_t count) {
    uint32_t k;
    for (k = 0; k < count; k++) {
        codes[k] = hex();
    }
}

static void unit(const char *call) {
    static uint32_t a[MOST], b[MOST], scales_a[MOST], scales_b[MOST];
    const char *name = word();
    int format_a = format(), format_b = format(), of = id(subhalf_unit(name, format_a, format_b));
    uint32_t count = hex(), scales = hex(), c, d = 0, expected;
    if (count > MOST || scales > MOST) {
        exit(2);
    }
    row(a, count);
    row(b, count);
    row(scales_a, scales);
    row(scales_b, scales);
    c = hex();
    expected = hex();
    if (strcmp(call, "step") == 0) {
        same("status", 0, (uint32_t)subhalf_unit_step(of, a, b, count, scales ? scales_a : NULL,
                                                      scales ? scales_b : NULL, scales, c, &d));
        same("products", (uint32_t)(scales ? count / scales : 0), (uint32_t)subhalf_unit_scales(of));
        same("products", count, (uint32_t)subhalf_unit_products(of));
    } else {
        same("status", 0, (uint32_t)subhalf_unit_dot(of, a, b, count, scales ? scales_a : NULL,
                                                     scales ? scales_b : NULL, scales, c, &d));
    }
    same(name, expected, d);
}

typedef int binary(int, uint32_t, uint32_t, int, int, uint32_t, uint32_t *, uint32_t *);
typedef int unary(int, uint32_t, int, int, uint32_t, uint32_t *, uint32_t *);

static const struct {
    const char *name;
    binary *call;
} BINARY[] = {{"add", subhalf_add},
              {"sub", subhalf_sub},
              {"mul", subhalf_mul},
              {"div", subhalf_div},
              {"rem", subhalf_rem}};

static const struct {
    const char *name;
    unary *call;
} UNARY[] = {{"sqrt", subhalf_sqrt}, {"recip", subhalf_recip}};

/* A line whose end is: policy, rounding, random word, code and flags. */
static void arithmetic(const char *call) {
    int formats[4] = {0, 0, 0, 0}, by, round, status = SUBHALF_FAULT;
    uint32_t operands[3] = {0, 0, 0}, random, code = 0, flags = 0;
    double value = 0;
    size_t i, count = 1, k;
    int fma = strcmp(call, "fma") == 0, encode = strcmp(call, "encode") == 0;
    int convert = strcmp(call, "convert") == 0, mul_add = strcmp(call, "mul_add") == 0;
    for (i = 0; i < sizeof BINARY / sizeof *BINARY; i++) {
        count = strcmp(call, BINARY[i].name) == 0 ? 2 : count;
    }
    count = fma || mul_add ? 3 : count;
    if (encode) {
        value = number();
    } else {
        for (k = 0; k < count; k++) {
            if (fma || convert) {
                formats[k] = format();
            }
            operands[k] = hex();
        }
    }
    formats[3] = format();
    by = policy();
    round = (int)hex();
    random = hex();
    if (encode) {
        status = subhalf_encode(formats[3], value, by, round, random, &code, &flags);
    } else if (convert) {
        status = subhalf_convert(formats[0], operands[0], formats[3], by, round, random, &code,
                                 &flags);
    } else if (mul_add) {
        status = subhalf_mul_add(formats[3], operands[0], operands[1], operands[2], by, round,
                                 random, &code, &flags);
    } else if (fma) {
        status = subhalf_fma(formats[0], operands[0], formats[1], operands[1], formats[2],
                             operands[2], formats[3], by, round, random, &code, &flags);
    }
    for (i = 0; i < sizeof BINARY / sizeof *BINARY; i++) {
        if (strcmp(call, BINARY[i].name) == 0) {
            status = BINARY[i].call(formats[3], operands[0], operands[1], by, round, random, &code,
                                    &flags);
        }
    }
    for (i = 0; i < sizeof UNARY / sizeof *UNARY; i++) {
        if (strcmp(call, UNARY[i].name) == 0) {
            status = UNARY[i].call(formats[3], operands[0], by, round, random, &code, &flags);
        }
    }
    same(call, 0, (uint32_t)status);
    same(call, hex(), code);
    same(call, hex(), flags);
}

static void decode(void) {
    int of = format();
    uint32_t code = hex();
    double expected = number(), found = 0;
    same("decode", 0, (uint32_t)subhalf_decode(of, code, &found));
    if (memcmp(&expected, &found, sizeof found) != 0) {
        fail("decode", code, 0);
    }
}

static void refused(const char *what, int expected, int found, const char *part) {
    if (found != expected || strstr(subhalf_message(), part) == NULL) {
        printf("%s: expected %d and \"%s\", found %d and \"%s\"\n", what, expected, part, found,
               subhalf_message());
        failures++;
    }
}

/* What is refused, and that nothing is written then. */
static void refusals(void) {
    uint32_t code = 0x1234, flags = 0x5678, codes[64] = {0};
    double value = 7;
    int e4m3, e5m2, fp8, nvf4, e2m1;
    same("message", 0, (uint32_t)strlen(subhalf_message()));
    e4m3 = id(subhalf_format("F8E4M3"));
    e5m2 = id(subhalf_format("float8_e5m2"));
    e2m1 = id(subhalf_format("F4E2M1"));
    same("again", (uint32_t)e4m3, (uint32_t)subhalf_format("F8E4M3"));
    same("bits", 4, (uint32_t)subhalf_format_bits(e2m1));
    refused("format", SUBHALF_POINTER, subhalf_format(NULL), "format name: expected a string");
    refused("format", SUBHALF_NAME, subhalf_format("F9E9M9"), "found \"F9E9M9\"");
    refused("format", SUBHALF_NAME, subhalf_format(""), "format name: ");
    refused("format", SUBHALF_NAME, subhalf_format("\xff\xfe"), "expected UTF-8");
    refused("bits", SUBHALF_ID, subhalf_format_bits(-1), "expected an id of subhalf_format, found -1");
    refused("bits", SUBHALF_ID, subhalf_format_bits(1 << 30), "found 1073741824");
    refused("policy", SUBHALF_NAME, subhalf_policy("CUDA"), "found \"CUDA\"");
    refused("policy", SUBHALF_POINTER, subhalf_policy(NULL), "policy name");
    refused("unit", SUBHALF_NAME, subhalf_unit("hopper", e4m3, e4m3), "found \"hopper\"");
    refused("unit", SUBHALF_NAME, subhalf_unit("hopper::WGMMA_FP8", e2m1, e4m3), "hopper::WGMMA_FP8: ");
    refused("unit", SUBHALF_ID, subhalf_unit("hopper::WGMMA_FP8", e4m3, 99), "format of b");
    fp8 = id(subhalf_unit("hopper::WGMMA_FP8", e4m3, e5m2));
    nvf4 = id(subhalf_unit("blackwell::NVF4", e2m1, e2m1));

    refused("add", SUBHALF_ID, subhalf_add(99, 0, 0, 0, 0, 0, &code, &flags), "format of the result");
    refused("add", SUBHALF_ID, subhalf_add(e4m3, 0, 0, -1, 0, 0, &code, &flags), "policy");
    refused("add", SUBHALF_ID, subhalf_add(e4m3, 0, 0, 1000, 0, 0, &code, &flags), "policy");
    refused("add", SUBHALF_ID, subhalf_add(e4m3, 0, 0, 0, 10, 0, &code, &flags), "round");
    refused("add", SUBHALF_ID, subhalf_add(e4m3, 0, 0, 0, -7, 0, &code, &flags), "round");
    refused("add", SUBHALF_ID, subhalf_add(e4m3, 0, 0, 0, SUBHALF_STOCHASTIC_A, 0, &code, &flags), "round");
    refused("add", SUBHALF_ID, subhalf_add(e4m3, 0, 0, 0, SUBHALF_STOCHASTIC_C + 33, 0, &code, &flags), "round");
    refused("add", SUBHALF_ID, subhalf_add(e4m3, 0, 0, 0, 0x401, 0, &code, &flags), "round");
    refused("add", SUBHALF_POINTER, subhalf_add(e4m3, 0, 0, 0, 0, 0, NULL, &flags), "result: expected a pointer");
    refused("add", SUBHALF_POINTER,
            subhalf_add(e4m3, 0, 0, 0, 0, 0, (uint32_t *)(void *)((char *)codes + 1), &flags),
            "multiple of 4");
    refused("decode", SUBHALF_POINTER, subhalf_decode(e4m3, 0, NULL), "value");
    refused("decode", SUBHALF_ID, subhalf_decode(-5, 0, &value), "format");
    refused("convert", SUBHALF_ID, subhalf_convert(-5, 0, e4m3, 0, 0, 0, &code, &flags), "format of a");
    refused("fma", SUBHALF_ID, subhalf_fma(e4m3, 0, e4m3, 0, 77, 0, e4m3, 0, 0, 0, &code, &flags), "format of c");

    refused("step", SUBHALF_ID, subhalf_unit_step(-1, codes, codes, 1, NULL, NULL, 0, 0, &code), "unit");
    refused("step", SUBHALF_POINTER, subhalf_unit_step(fp8, NULL, codes, 1, NULL, NULL, 0, 0, &code), "codes of a");
    refused("step", SUBHALF_POINTER, subhalf_unit_step(fp8, codes, NULL, 1, NULL, NULL, 0, 0, &code), "codes of b");
    refused("step", SUBHALF_POINTER, subhalf_unit_step(fp8, codes, codes, 1, NULL, NULL, 0, 0, NULL), "d: ");
    refused("step", SUBHALF_LENGTH, subhalf_unit_step(fp8, codes, codes, 33, NULL, NULL, 0, 0, &code), "expected 32, found 33");
    refused("step", SUBHALF_LENGTH, subhalf_unit_step(fp8, codes, codes, 32, codes, codes, 1, 0, &code), "scales of A");
    refused("step", SUBHALF_POINTER, subhalf_unit_step(nvf4, codes, codes, 16, NULL, codes, 1, 0, &code), "scales of a");
    refused("step", SUBHALF_LENGTH, subhalf_unit_step(nvf4, codes, codes, 17, codes, codes, 1, 0, &code), "expected 2, found 1");
    refused("step", SUBHALF_LENGTH, subhalf_unit_step(fp8, codes, codes, 0xFFFFFFFFu, NULL, NULL, 0, 0, &code), "at most");
    same("untouched", 0x1234, code);
    same("untouched", 0x5678, flags);
    same("untouched", 7, (uint32_t)value);

    /* Flags may be left out; nothing at all times nothing is C. */
    same("status", 0, (uint32_t)subhalf_add(e4m3, 0x38, 0x40, 0, 0, 0, &code, NULL));
    same("1 + 2", 0x44, code);
    same("status", 0, (uint32_t)subhalf_unit_step(fp8, NULL, NULL, 0, NULL, NULL, 0, 0x40000000, &code));
    same("2 + nothing", 0x40000000, code);
}

/* Any bits are some code, in any format and rounding: nothing is a fault. */
static void wild(void) {
    static const char *const NAMES[] = {"F8E4M3", "F8E5M2FNUZ", "E8M0", "UE5M3", "HIF8", "NF4",
                                        "INT8", "UINT4", "MXINT8", "F4E2M1", "Binary16p1ue",
                                        "Binary3p2sf", "TF32", "BF16", "F32"};
    static const uint32_t CODES[] = {0, 1, 0x7FFFFFFF, 0x80000000u, 0xFFFFFFFFu, 0xDEADBEEFu};
    const size_t names = sizeof NAMES / sizeof *NAMES, codes = sizeof CODES / sizeof *CODES;
    size_t i, j, k;
    uint32_t code, flags;
    int round, of, other;
    double value;
    for (i = 0; i < names * codes * codes; i++) {
        const char *name = NAMES[i % names], *next = NAMES[(i + 1) % names];
        uint32_t x = CODES[i / names % codes], y = CODES[i / names / codes];
        of = id(subhalf_format(name));
        other = id(subhalf_format(next));
        for (round = 0; round <= SUBHALF_TO_ODD; round++) {
            for (j = 0; j < sizeof BINARY / sizeof *BINARY; j++) {
                same(BINARY[j].name, 0,
                     (uint32_t)BINARY[j].call(of, x, y, 0, round, y, &code, &flags));
            }
            for (k = 0; k < sizeof UNARY / sizeof *UNARY; k++) {
                same(UNARY[k].name, 0, (uint32_t)UNARY[k].call(of, x, 0, round, y, &code, &flags));
            }
            same("mul_add", 0, (uint32_t)subhalf_mul_add(of, x, y, x, 0, round, y, &code, &flags));
            same("fma", 0, (uint32_t)subhalf_fma(of, x, other, y, of, y, other, 0, round, x, &code, &flags));
            same("convert", 0, (uint32_t)subhalf_convert(of, x, other, 0, round, y, &code, &flags));
        }
        same("decode", 0, (uint32_t)subhalf_decode(of, x, &value));
        same("encode", 0, (uint32_t)subhalf_encode(other, value, 0, 0x100 + 32, y, &code, &flags));
    }
}

int main(void) {
    refusals();
    wild();
    while (fgets(line, sizeof line, stdin) != NULL) {
        const char *call = strtok(line, " \n");
        lines++;
        if (call == NULL) {
            printf("line %lu: expected a call\n", lines);
            return 2;
        }
        if (strcmp(call, "decode") == 0) {
            decode();
        } else if (strcmp(call, "step") == 0 || strcmp(call, "dot") == 0) {
            unit(call);
        } else {
            arithmetic(call);
        }
        if (failures > 20) {
            break;
        }
    }
    printf("%lu lines, %d failures\n", lines, failures);
    return failures == 0 ? 0 : 1;
}
