/* Tests of the deadlines: against a naive model, and that moving a deadline later costs nothing. */
#include "../../alerts/deadlines.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static uint64_t seed;

static uint32_t dice(uint32_t below) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)((seed >> 16) % below);
}

static void check_heap(const struct deadlines *d) {
    for (size_t i = 0; i < d->count; i++) {
        assert_int_equal(d->place[d->heap[i]], i + 1);
        assert_true(d->queued_ms[d->heap[i]] <= d->due_ms[d->heap[i]]);
        if (i > 0)
            assert_true(d->queued_ms[d->heap[(i - 1) / 2]] <= d->queued_ms[d->heap[i]]);
    }
}

/* Everything due comes out once, earliest queued first, nothing else does, and next_ms never says too late.
 */
static void pop_all(struct deadlines *d, int64_t *model, size_t items, int64_t now_ms) {
    uint32_t item;
    int64_t earliest = INT64_MAX;
    while (deadlines_pop(d, now_ms, &item)) {
        assert_true(item < items && model[item] <= now_ms);
        model[item] = INT64_MAX;
    }
    for (size_t i = 0; i < items; i++) {
        assert_true(model[i] > now_ms);
        if (model[i] < earliest)
            earliest = model[i];
    }
    assert_true(deadlines_next_ms(d) <= earliest);
    assert_true(earliest == INT64_MAX || deadlines_next_ms(d) > now_ms);
}

static void agrees_with_a_naive_model(void **state) {
    enum { ITEMS = 300 };
    int64_t model[ITEMS];
    (void)state;
    for (unsigned round = 0; round < 60; round++) {
        struct deadlines d;
        size_t items = 0;
        int64_t now_ms = 1000;
        seed = round + 1;
        deadlines_init(&d);
        for (int step = 0; step < 3000; step++) {
            if (items == 0 || (items < ITEMS && dice(20) == 0)) {
                assert_true(deadlines_reserve(&d, items + 1 + dice(3) % (uint32_t)(ITEMS - items)));
                for (; items < d.capacity; items++)
                    model[items] = INT64_MAX;
            }
            uint32_t item = dice((uint32_t)items);
            model[item] = dice(8) == 0 ? INT64_MAX : now_ms + (int64_t)dice(1000) - 100;
            deadlines_set(&d, item, model[item]);
            if (dice(10) == 0) {
                now_ms += dice(200);
                pop_all(&d, model, items, now_ms);
                check_heap(&d);
            }
        }
        pop_all(&d, model, items, INT64_MAX - 1);
        deadlines_fini(&d);
    }
}

static void empty_gives_nothing(void **state) {
    struct deadlines d;
    uint32_t item;
    (void)state;
    deadlines_init(&d);
    assert_false(deadlines_pop(&d, INT64_MAX, &item));
    assert_true(deadlines_next_ms(&d) == INT64_MAX);
    assert_true(deadlines_reserve(&d, 0));
    assert_true(deadlines_reserve(&d, 10));
    assert_true(deadlines_reserve(&d, 5));
    assert_int_equal(d.capacity, 10);
    assert_false(deadlines_pop(&d, INT64_MAX - 1, &item));
    assert_false(deadlines_reserve(&d, SIZE_MAX));
    assert_int_equal(d.capacity, 10);
    deadlines_fini(&d);
}

/* A lift that reports every second moves its silence deadline each time: the heap must not notice. */
static void moving_later_leaves_the_heap_alone(void **state) {
    struct deadlines d;
    uint32_t item;
    (void)state;
    deadlines_init(&d);
    assert_true(deadlines_reserve(&d, 1000));
    for (uint32_t i = 0; i < 1000; i++)
        deadlines_set(&d, i, 300000 + (int64_t)i);
    for (int64_t now_ms = 0; now_ms < 300000; now_ms += 1000)
        for (uint32_t i = 0; i < 1000; i++) {
            deadlines_set(&d, i, now_ms + 300000 + (int64_t)i);
            assert_int_equal(d.queued_ms[i], 300000 + i);
            assert_int_equal(d.heap[i], i);
        }
    assert_false(deadlines_pop(&d, 301000, &item)); /* the queued ones fire early and are put back */
    assert_true(deadlines_next_ms(&d) > 301000);
    deadlines_set(&d, 77, 301001);
    assert_true(deadlines_pop(&d, 301001, &item));
    assert_int_equal(item, 77);
    deadlines_fini(&d);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_a_naive_model),
        cmocka_unit_test(empty_gives_nothing),
        cmocka_unit_test(moving_later_leaves_the_heap_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
