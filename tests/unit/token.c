/* SPDX-License-Identifier: Apache-2.0 */
/* The token: what it says of itself, what the judge makes of it, and that nobody reads it anywhere. */
#include "edge/token.h"

#include "edgecore.h"

static void token_by_its_own_word(void **state)
{
    static const char refused[] = GET_CERT "Invalid authorization token\n";
    struct judgement judgement;

    (void)state;
    now = AFTER_EXPIRY + 7200;
    judgement = judge_exit(refused);
    assert_string_equal(judgement.code, "token-expired");
    assert_string_equal(judgement.what, "the token has expired, 2 hours ago by the board's clock");
    assert_non_null(strstr(judgement.remedy, "keadm gettoken"));
    assert_non_null(strstr(judgement.remedy, "/data/token"));
    assert_true(wakes_at(&judgement, WAKE_CLOCK_CHANGED, ""));
    now = BEFORE_EXPIRY;
    assert_string_equal(judge_exit(refused).code, "token-refused");
    node.edge.token_file = NULL;
    judgement = judge_exit(refused);
    assert_null(strstr(judgement.remedy, TOKEN));
    assert_non_null(strstr(judgement.remedy, "\"edge\" section"));
    node.edge.token = NULL;
    assert_string_equal(judge_exit(JOIN "token credentials are in the wrong format\n").code, "token-missing");
}

static void no_token_is_told(void **state)
{
    char text[] = "a " TOKEN " b eyJh.eyJl.c2ln, e.g. 1.2 (eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjE2NDU4Njc4OTB9) " TOKEN;
    char short_text[] = "eyJ.a";
    struct judgement judgement;

    (void)state;
    token_redact(text);
    assert_string_equal(text, "a [token] b [token], e.g. 1.2 ([token]) [token]");
    token_redact(short_text); /* too short to hold anything */
    assert_string_equal(short_text, "eyJ.a");
    judgement = judge_exit(JOIN "the cloud says: what is " TOKEN "?\n");
    assert_string_equal(judgement.code, "join-failed");
    assert_null(strstr(judgement.what, "eyJ"));
    assert_null(strstr(judgement.line, "eyJ"));
    assert_non_null(strstr(judgement.what, "what is [token]?"));
}

static void expiry_of_tokens(void **state)
{
    int64_t seconds = 0;

    (void)state;
    assert_true(token_expiry(TOKEN, &seconds));
    assert_int_equal(seconds, 1645867890);
    assert_false(token_expiry("", &seconds));
    assert_false(token_expiry("a.b.c.d", &seconds));
    assert_false(token_expiry("a.b.!!.d", &seconds));
    assert_false(token_expiry("a.b", &seconds));
    assert_false(token_expiry("a.b.eyJleHAiOiJuZXZlciJ9.d", &seconds)); /* {"exp":"never"} */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(token_by_its_own_word, set_up),
        cmocka_unit_test_setup(no_token_is_told, set_up),
        cmocka_unit_test_setup(expiry_of_tokens, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
