/* SPDX-License-Identifier: Apache-2.0 */
/* The cheap probes, on whatever machine this is: quick, and silent about what is well. */
#include <time.h>

#include "base/clock.h"
#include "base/util.h"
#include "doctor/board.h"
#include "doctor/probe.h"
#include "test.h"

#define LONGEST (20 * MICROSECONDS_PER_MILLISECOND)

/* Of a processor, which is all that they need: what others do on this machine is not counted. */
static int64_t spent(void)
{
    struct timespec time;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return time.tv_sec * MICROSECONDS_PER_SECOND + time.tv_nsec / 1000;
}

static void is_quick(void **state)
{
    struct board board;
    int64_t best = INT64_MAX;

    (void)state;
    board_open(&board, NULL, NULL);
    for (unsigned i = 0; i < 10; i++) {
        struct findings findings = {0};
        int64_t started = spent();
        int64_t took;

        doctor_quick(&board, &findings);
        took = spent() - started;
        best = took < best ? took : best;
        findings_free(&findings);
    }
    print_message("# %lld us\n", (long long)best);
    assert_true(best < LONGEST);
}

static void says_what_is_wrong(void **state)
{
    static const char manifest[] = "{\"host\": {\"cgroups\": {\"controllers\": [\"nonsense\"]}},"
                                   "\"services\": {\"web\": {\"command\": [\"/no/such/web\"]}}}";
    CLEANUP_JSON cJSON *document = json_parse(manifest, strlen(manifest));
    struct findings findings = {0};
    struct board board;

    (void)state;
    board_open(&board, document, NULL);
    doctor_quick(&board, &findings);
    assert_int_equal(findings_find(&findings, "program.web")->answer, ANSWER_NO);
    assert_int_equal(findings_find(&findings, "cgroup.nonsense")->answer, ANSWER_NO);
    for (size_t i = 0; i < findings.count; i++) {
        const struct finding *finding = &findings.items[i];

        assert_int_not_equal(finding->answer, ANSWER_YES);
        assert_non_null(probe_find_row(finding->code));
        assert_true(finding->what[0] != '\0' && finding->remedy[0] != '\0');
    }
    findings_free(&findings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(is_quick), cmocka_unit_test(says_what_is_wrong)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
