/* SPDX-License-Identifier: Apache-2.0 */
#include "supervise/record.h"

#include <sys/prctl.h>

#include "supervise/order.h"
#include "test.h"

static void test_record_read(void **state)
{
    struct keeper_record record = {.header = {KEEPER_MAGIC, KEEPER_VERSION, WIRE_RECORD}, .phase = 99, .pid = 7};
    struct keeper_record read;
    char longer[sizeof(record) + 16] = "";

    (void)state;
    memset(record.boot_id, 'b', sizeof(record.boot_id));
    memset(record.notify.status, 's', sizeof(record.notify.status));
    record.step = -1;
    record.notify.ready = 77;
    assert_true(record_read(&record, sizeof(record), &read));
    assert_int_equal(strlen(read.boot_id), sizeof(read.boot_id) - 1);
    assert_int_equal(strlen(read.notify.status), KEEPER_STATUS - 1);
    assert_int_equal(read.phase, PHASE_RUNNING);
    assert_int_equal(read.step, STEP_NONE);
    assert_int_equal(read.notify.ready, 1);

    memcpy(longer, &record, sizeof(record));
    assert_true(record_read(longer, sizeof(longer), &read));
    assert_true(record_read(&record, offsetof(struct keeper_record, notify), &read));
    assert_string_equal(read.notify.status, "");
    assert_false(record_read(&record, sizeof(record.header) - 1, &read));
    record.header.type = WIRE_LOG;
    assert_false(record_read(&record, sizeof(record), &read));
    record.header.magic++;
    assert_false(record_read(&record, sizeof(record), &read));
}

static void test_names(void **state)
{
    (void)state;
    for (int i = 0; i < PHASES; i++) {
        assert_string_not_equal(phase_name(i), "unknown");
    }
    for (int i = 0; i < STEPS; i++) {
        assert_string_not_equal(step_text(i), "unknown");
    }
    assert_string_equal(phase_name(-1), "unknown");
    assert_string_equal(step_text(STEPS), "unknown");
}

static void test_process(void **state)
{
    char id[40];

    (void)state;
    assert_int_equal(prctl(PR_SET_NAME, ") 1 2 (3 )"), 0);
    assert_true(process_start_time(getpid()) > 0);
    assert_int_equal(process_parent(getpid()), getppid());
    assert_int_equal(process_start_time(0x7ffffff0), 0);
    boot_id_read(id);
    assert_int_equal(strlen(id), 36);
}

/* Every phase and adoption against every message, of the same, an older and a newer instance. */
static void test_orders(void **state)
{
    (void)state;
    for (int phase = 0; phase < PHASES; phase++) {
        for (int adopted = 0; adopted < ADOPTIONS; adopted++) {
            for (int i = 0; i < 3 * 7; i++) {
                const struct keeper_record record = {
                    .keeper_pid = 10, .phase = phase, .instance = 5, .pid = 20, .adopted = adopted};
                const struct wire_message message = {.header = {.type = (uint16_t)(WIRE_HELLO + i / 3)},
                                                     .instance = 4U + i % 3,
                                                     .pid = 20,
                                                     .signal = 15};
                bool runs = phase == PHASE_STARTING || phase == PHASE_RUNNING;
                bool orphan = runs && adopted == ADOPTION_ORPHAN;
                bool same = message.instance == 5;
                bool newer = message.instance == 6;
                const enum order wanted[] = {
                    [0] = ORDER_ANSWER,
                    [WIRE_START - WIRE_HELLO] = !runs && newer ? ORDER_START : ORDER_ANSWER,
                    [WIRE_SIGNAL - WIRE_HELLO] = runs && !orphan && same ? ORDER_SIGNAL : ORDER_IGNORE,
                    [WIRE_ADOPT - WIRE_HELLO] = orphan && same   ? ORDER_KEEP
                                                : !runs && newer ? ORDER_ADOPT
                                                                 : ORDER_ANSWER,
                    [WIRE_COLLECT - WIRE_HELLO] =
                        same && (phase == PHASE_ENDED || phase == PHASE_FAILED) ? ORDER_COLLECT : ORDER_ANSWER,
                    [WIRE_LISTEN - WIRE_HELLO] = ORDER_LISTEN,
                    [WIRE_QUIT - WIRE_HELLO] = runs ? ORDER_ANSWER : ORDER_QUIT,
                };

                assert_int_equal(order_of(&record, &message), wanted[i / 3]);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_record_read),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_process),
        cmocka_unit_test(test_orders),
    };

    return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
