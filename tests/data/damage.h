/* Seeded damage for tests of what reads files. Include after cmocka.h. */
#ifndef FOVEA_TEST_DAMAGE_H
#define FOVEA_TEST_DAMAGE_H

#include "random.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* One change: a byte, a bit, or a piece cut out, repeated or cut off. The new size, `room` at most. */
static inline size_t damage(Random *random, uint8_t *data, size_t size, size_t room) {
    if (size < 2)
        return size;
    size_t at = random_below(random, (uint32_t)size), rest = size - at;
    size_t length = 1 + random_below(random, rest < 32 ? (uint32_t)rest : 32);
    switch (random_below(random, 6)) {
    case 0:
    case 1:
        data[at] = (uint8_t)random_u32(random);
        return size;
    case 2:
        data[at] ^= (uint8_t)(1u << random_below(random, 8));
        return size;
    case 3:
        memmove(data + at, data + at + length, size - at - length);
        return size - length;
    case 4:
        if (size + length > room)
            return size;
        memmove(data + at + length, data + at, size - at);
        return size + length;
    default:
        return at;
    }
}

#endif
