/* SPDX-License-Identifier: Apache-2.0 */
/* CUDA's vector types and dim3: the ones the kernels use. */
#ifndef FOVEA_EMU_VECTORS_H
#define FOVEA_EMU_VECTORS_H

#define EMU_VECTOR2(type, name, bytes)                                                                                 \
    struct alignas(bytes) name##2 {                                                                                    \
        type x, y;                                                                                                     \
    };                                                                                                                 \
    static inline name##2 make_##name##2(type x, type y) {                                                             \
        return {x, y};                                                                                                 \
    }
#define EMU_VECTOR3(type, name)                                                                                        \
    struct name##3 {                                                                                                   \
        type x, y, z;                                                                                                  \
    };                                                                                                                 \
    static inline name##3 make_##name##3(type x, type y, type z) {                                                     \
        return {x, y, z};                                                                                              \
    }
#define EMU_VECTOR4(type, name, bytes)                                                                                 \
    struct alignas(bytes) name##4 {                                                                                    \
        type x, y, z, w;                                                                                               \
    };                                                                                                                 \
    static inline name##4 make_##name##4(type x, type y, type z, type w) {                                             \
        return {x, y, z, w};                                                                                           \
    }
#define EMU_VECTORS(type, name, size)                                                                                  \
    EMU_VECTOR2(type, name, 2 * size)                                                                                  \
    EMU_VECTOR3(type, name)                                                                                            \
    EMU_VECTOR4(type, name, 4 * size)

EMU_VECTORS(float, float, 4)
EMU_VECTORS(int, int, 4)
EMU_VECTORS(unsigned, uint, 4)
EMU_VECTORS(short, short, 2)
EMU_VECTORS(unsigned short, ushort, 2)
EMU_VECTORS(unsigned char, uchar, 1)

#undef EMU_VECTOR2
#undef EMU_VECTOR3
#undef EMU_VECTOR4
#undef EMU_VECTORS

struct dim3 {
    unsigned x, y, z;
    constexpr dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {
    }
    constexpr dim3(uint3 v) : x(v.x), y(v.y), z(v.z) {
    }
};

#endif
