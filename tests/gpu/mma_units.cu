// Matrix instructions of NVIDIA GPUs, one per kernel, for `mma_rows.py`: sm_90a.
//
// A block makes a tile of eight dot products: row g of A times column g of B, plus C[g][g], which is
// D[g][g]. All other rows of A are zero. Whatever the element type, a row of A and a column of B are
// 32 bytes, eight words, and lane 4 g + t holds words t and t + 4 of row g (PTX ISA, fragments of
// mma.m16n8k16, m16n8k8 with .tf32, m16n8k32). Accumulators lie at rows g and g + 8, columns 2 t and
// 2 t + 1, so that lane 4 g + g / 2 has the diagonal.

typedef unsigned int u32;
typedef unsigned long long u64;

struct Fragment {
    u32 a0, a2, b0, b1;
    // The diagonal's C, and whether it is in this lane, in the first or the second column.
    u32 c;
    bool mine;
    int column;
};

__device__ inline Fragment load(const u32 *a, const u32 *b, const u32 *c) {
    u32 lane = threadIdx.x % 32, g = lane / 4, t = lane % 4, row = blockIdx.x * 8 + g;
    bool first_warp = threadIdx.x < 32;
    Fragment f;
    // The rows of warps 1 to 3 of a warp group are zero.
    f.a0 = first_warp ? a[row * 8 + t] : 0;
    f.a2 = first_warp ? a[row * 8 + t + 4] : 0;
    f.b0 = b[row * 8 + t];
    f.b1 = b[row * 8 + t + 4];
    f.c = c[row];
    f.mine = first_warp && t == g / 2;
    f.column = g % 2;
    return f;
}

__device__ inline u32 c_of(const Fragment &f, int column) {
    return f.mine && f.column == column ? f.c : 0;
}

__device__ inline void store(const Fragment &f, u32 first, u32 second, u32 *d) {
    if (f.mine) d[blockIdx.x * 8 + threadIdx.x / 4] = f.column ? second : first;
}

// f16 accumulators: both columns in one register.
__device__ inline u32 halves_of(const Fragment &f) {
    return c_of(f, 0) & 0xFFFF | c_of(f, 1) << 16;
}

#define KERNEL(name) \
    extern "C" __global__ void name(const u32 *a, const u32 *b, const u32 *c, u32 *d)

#define MMA_F32(name, shape, a_type, b_type)                                                          \
    KERNEL(name) {                                                                                    \
        Fragment f = load(a, b, c);                                                                   \
        float d0 = __uint_as_float(c_of(f, 0)), d1 = __uint_as_float(c_of(f, 1)), d2 = 0, d3 = 0;     \
        asm volatile("mma.sync.aligned." shape ".row.col.f32." a_type "." b_type ".f32 "              \
                     "{%0, %1, %2, %3}, {%4, %5, %6, %5}, {%7, %8}, {%0, %1, %2, %3};"                \
                     : "+f"(d0), "+f"(d1), "+f"(d2), "+f"(d3)                                         \
                     : "r"(f.a0), "r"(0), "r"(f.a2), "r"(f.b0), "r"(f.b1));                           \
        store(f, __float_as_uint(d0), __float_as_uint(d1), d);                                        \
    }

// Four words a row: k = 4.
KERNEL(mma_tf32_k4_f32) {
    u32 lane = threadIdx.x % 32, g = lane / 4, t = lane % 4, row = blockIdx.x * 8 + g;
    u32 of_a = a[row * 4 + t], of_b = b[row * 4 + t], mine = t == g / 2, odd = g % 2;
    float d0 = __uint_as_float(mine && !odd ? c[row] : 0), d1 = __uint_as_float(mine && odd ? c[row] : 0);
    float d2 = 0, d3 = 0;
    asm volatile("mma.sync.aligned.m16n8k4.row.col.f32.tf32.tf32.f32 "
                 "{%0, %1, %2, %3}, {%4, %5}, {%6}, {%0, %1, %2, %3};"
                 : "+f"(d0), "+f"(d1), "+f"(d2), "+f"(d3)
                 : "r"(of_a), "r"(0), "r"(of_b));
    if (mine) d[row] = __float_as_uint(odd ? d1 : d0);
}

#define MMA_F16(name, shape, a_type, b_type)                                                          \
    KERNEL(name) {                                                                                    \
        Fragment f = load(a, b, c);                                                                   \
        u32 d0 = halves_of(f), d1 = 0;                                                                \
        asm volatile("mma.sync.aligned." shape ".row.col.f16." a_type "." b_type ".f16 "              \
                     "{%0, %1}, {%2, %3, %4, %3}, {%5, %6}, {%0, %1};"                                \
                     : "+r"(d0), "+r"(d1)                                                             \
                     : "r"(f.a0), "r"(0), "r"(f.a2), "r"(f.b0), "r"(f.b1));                           \
        store(f, d0 & 0xFFFF, d0 >> 16, d);                                                           \
    }

#define MMA_S32(name, clamp)                                                                          \
    KERNEL(name) {                                                                                    \
        Fragment f = load(a, b, c);                                                                   \
        u32 d0 = c_of(f, 0), d1 = c_of(f, 1), d2 = 0, d3 = 0;                                         \
        asm volatile("mma.sync.aligned.m16n8k32.row.col" clamp ".s32.s8.s8.s32 "                      \
                     "{%0, %1, %2, %3}, {%4, %5, %6, %5}, {%7, %8}, {%0, %1, %2, %3};"                \
                     : "+r"(d0), "+r"(d1), "+r"(d2), "+r"(d3)                                         \
                     : "r"(f.a0), "r"(0), "r"(f.a2), "r"(f.b0), "r"(f.b1));                           \
        store(f, d0, d1, d);                                                                          \
    }

// B of a warp group: eight columns of 32 bytes, K-major without swizzle. Core matrices are eight
// columns by 16 bytes; the second 16 bytes of K lie 128 bytes on, the next eight columns (there are
// none) 256 bytes on.
__device__ inline u64 shared_b(const u32 *b, u32 *memory) {
    if (threadIdx.x < 64) {
        u32 column = threadIdx.x / 8, word = threadIdx.x % 8;
        memory[word / 4 * 32 + column * 4 + word % 4] = b[(blockIdx.x * 8 + column) * 8 + word];
    }
    asm volatile("fence.proxy.async;" ::: "memory");
    __syncthreads();
    u64 address = __cvta_generic_to_shared(memory);
    return (address & 0x3FFFF) >> 4 | (u64)(128 >> 4) << 16 | (u64)(256 >> 4) << 32;
}

#define WGMMA_BEGIN "wgmma.fence.sync.aligned; wgmma.mma_async.sync.aligned."
#define WGMMA_END "wgmma.commit_group.sync.aligned; wgmma.wait_group.sync.aligned 0;"

// `scale_d` = true adds to D; `tail` is the immediates of the type.
#define WGMMA_F32(name, types, tail)                                                                  \
    KERNEL(name) {                                                                                    \
        __shared__ __align__(128) u32 memory[64];                                                     \
        Fragment f = load(a, b, c);                                                                   \
        u64 of_b = shared_b(b, memory);                                                               \
        float d0 = __uint_as_float(c_of(f, 0)), d1 = __uint_as_float(c_of(f, 1)), d2 = 0, d3 = 0;     \
        asm volatile("{ .reg .pred add; setp.eq.u32 add, 0, 0; " WGMMA_BEGIN types                    \
                     " {%0, %1, %2, %3}, {%4, %5, %6, %5}, %7, add, " tail "; " WGMMA_END " }"        \
                     : "+f"(d0), "+f"(d1), "+f"(d2), "+f"(d3)                                         \
                     : "r"(f.a0), "r"(0), "r"(f.a2), "l"(of_b)                                        \
                     : "memory");                                                                     \
        store(f, __float_as_uint(d0), __float_as_uint(d1), d);                                        \
    }

#define WGMMA_F16(name, types, tail)                                                                  \
    KERNEL(name) {                                                                                    \
        __shared__ __align__(128) u32 memory[64];                                                     \
        Fragment f = load(a, b, c);                                                                   \
        u64 of_b = shared_b(b, memory);                                                               \
        u32 d0 = halves_of(f), d1 = 0;                                                                \
        asm volatile("{ .reg .pred add; setp.eq.u32 add, 0, 0; " WGMMA_BEGIN types                    \
                     " {%0, %1}, {%2, %3, %4, %3}, %5, add, " tail "; " WGMMA_END " }"                \
                     : "+r"(d0), "+r"(d1)                                                             \
                     : "r"(f.a0), "r"(0), "r"(f.a2), "l"(of_b)                                        \
                     : "memory");                                                                     \
        store(f, d0 & 0xFFFF, d0 >> 16, d);                                                           \
    }

#define WGMMA_S32(name, clamp)                                                                        \
    KERNEL(name) {                                                                                    \
        __shared__ __align__(128) u32 memory[64];                                                     \
        Fragment f = load(a, b, c);                                                                   \
        u64 of_b = shared_b(b, memory);                                                               \
        u32 d0 = c_of(f, 0), d1 = c_of(f, 1), d2 = 0, d3 = 0;                                         \
        asm volatile("{ .reg .pred add; setp.eq.u32 add, 0, 0; " WGMMA_BEGIN                          \
                     "m64n8k32.s32.s8.s8" clamp                                                       \
                     " {%0, %1, %2, %3}, {%4, %5, %6, %5}, %7, add; " WGMMA_END " }"                  \
                     : "+r"(d0), "+r"(d1), "+r"(d2), "+r"(d3)                                         \
                     : "r"(f.a0), "r"(0), "r"(f.a2), "l"(of_b)                                        \
                     : "memory");                                                                     \
        store(f, d0, d1, d);                                                                          \
    }

MMA_F32(mma_f16_f32, "m16n8k16", "f16", "f16")
MMA_F16(mma_f16_f16, "m16n8k16", "f16", "f16")
MMA_F32(mma_bf16_f32, "m16n8k16", "bf16", "bf16")
MMA_F32(mma_tf32_f32, "m16n8k8", "tf32", "tf32")
MMA_F32(mma_e4m3_f32, "m16n8k32", "e4m3", "e4m3")
MMA_F32(mma_e5m2_f32, "m16n8k32", "e5m2", "e5m2")
MMA_F16(mma_e4m3_f16, "m16n8k32", "e4m3", "e4m3")
MMA_F16(mma_e5m2_f16, "m16n8k32", "e5m2", "e5m2")
MMA_S32(mma_s8_s32, "")
MMA_S32(mma_s8_s32_satfinite, ".satfinite")

// The last immediate of 16-bit types says whether B is transposed; the two before it, a sign.
WGMMA_F32(wgmma_f16_f32, "m64n8k16.f32.f16.f16", "1, 1, 0")
WGMMA_F16(wgmma_f16_f16, "m64n8k16.f16.f16.f16", "1, 1, 0")
WGMMA_F32(wgmma_bf16_f32, "m64n8k16.f32.bf16.bf16", "1, 1, 0")
WGMMA_F32(wgmma_tf32_f32, "m64n8k8.f32.tf32.tf32", "1, 1")
WGMMA_F32(wgmma_e4m3_f32, "m64n8k32.f32.e4m3.e4m3", "1, 1")
WGMMA_F32(wgmma_e5m2_f32, "m64n8k32.f32.e5m2.e5m2", "1, 1")
WGMMA_F16(wgmma_e4m3_f16, "m64n8k32.f16.e4m3.e4m3", "1, 1")
WGMMA_F16(wgmma_e5m2_f16, "m64n8k32.f16.e5m2.e5m2", "1, 1")
WGMMA_S32(wgmma_s8_s32, "")
WGMMA_S32(wgmma_s8_s32_satfinite, ".satfinite")
